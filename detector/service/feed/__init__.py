"""Feed of the daemon: whether it can be used, and what of it has changed."""
