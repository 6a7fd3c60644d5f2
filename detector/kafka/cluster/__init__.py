"""Cluster: its state as plain data, the checks that the guarantees need, and the fixes of what they find."""
