"""The demonstration: a small network, its faults and the detector, on one machine in one command."""
