"""Faultline: recognises a radio cell's fault after being shown it once."""

__version__ = "0.2.0"
