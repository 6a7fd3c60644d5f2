"""Labels: what an operator taught, as records of the labels topic, and the store that embeds them."""
