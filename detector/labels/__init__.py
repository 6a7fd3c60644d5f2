"""Labels: taught episodes as records of the labels topic, and the store that embeds them."""
