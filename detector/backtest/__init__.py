"""Backtest: a history replayed through the detector's own pipeline, and its alarms matched with known episodes."""
