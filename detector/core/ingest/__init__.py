"""Ingestion: records become samples, samples become windows; with watermark, checkpoint and micro-batches."""
