"""Networks that an encoder may use, one file per kind, in Keras' operations alone: any of its backends can run them."""
