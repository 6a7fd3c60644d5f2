"""Scoring: embeddings are matched with exemplars and become decisions that keep the false-alarm budget."""
