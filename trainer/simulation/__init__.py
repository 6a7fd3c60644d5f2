"""Simulation runs: a simulated network written to Parquet or sent to Kafka."""
