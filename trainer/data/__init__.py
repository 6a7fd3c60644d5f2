"""Training data: histories, baselines, labelled windows, injected faults and the sampler of batches."""
