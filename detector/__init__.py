"""Faultline recognises a radio cell's fault after it was shown once."""

__version__ = "0.1.0"
