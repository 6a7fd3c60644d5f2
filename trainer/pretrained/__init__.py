"""Pre-trained encoders that are shipped with the product."""
