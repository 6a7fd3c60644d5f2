"""Simulation runs: a simulated network written to Parquet or to Kafka."""
