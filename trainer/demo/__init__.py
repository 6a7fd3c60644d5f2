"""Demo: a simulated network, its faults and the detector, on one machine with one command."""
