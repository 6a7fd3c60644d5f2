"""Evaluation of a bundle on a history with known episodes: figures with intervals, and an HTML page."""
