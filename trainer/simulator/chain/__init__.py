"""Causal chain of a cell: from demand through radio, uplink and transport to what is measured."""
