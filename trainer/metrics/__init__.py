"""Metrics: one-shot accuracy and measures of an embedding."""
