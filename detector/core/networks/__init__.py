"""The networks an encoder may be of, one file a kind, in Keras' operations alone: any of its backends can run them."""
