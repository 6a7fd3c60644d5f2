"""Backtest: replay of a history through the daemon's pipeline, and its comparison with known episodes."""
