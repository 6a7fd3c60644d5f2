"""Ingest: records become samples, samples become windows; watermark, checkpoint and micro-batches."""
