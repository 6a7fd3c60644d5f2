"""Faults of the simulated network: classes, knobs, schedule, footprints and episodes."""
