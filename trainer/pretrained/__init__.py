"""Pre-trained weights that come with the distribution: a whole encoder, and the tokens of the `shared` encoder."""
