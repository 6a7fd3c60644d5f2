"""Kafka: consumer, producers, transactions, compacted tables and topic readers. Nothing is decided about cells here."""
