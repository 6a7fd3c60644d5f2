"""Simulated network: cells, operators and their daily profiles."""
