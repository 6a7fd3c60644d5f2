"""Losses: metric-learning objectives by name, each with its source and its guards."""
