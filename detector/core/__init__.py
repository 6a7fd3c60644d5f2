"""Core: pure functions from minutes to alarms. Nothing here uses a clock, disk, network, log or metrics."""
