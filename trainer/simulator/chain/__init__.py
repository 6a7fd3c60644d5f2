"""Causal chain of a cell, from demand over radio and transport to the 130 reported features."""
