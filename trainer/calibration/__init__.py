"""Calibration: whitening, the normal profile and the thresholds of a bundle."""
