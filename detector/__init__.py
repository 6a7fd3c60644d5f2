"""Faultline recognises a radio cell's fault after it was shown once."""

__version__ = "0.2.0"
