"""The offline half of Faultline: simulates, trains, calibrates, labels."""
