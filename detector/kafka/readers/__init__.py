"""Readers of Kafka topics for commands: ranges of the input topic, labels, alarms, and a group's progress."""
