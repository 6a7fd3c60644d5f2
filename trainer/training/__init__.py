"""Training: the loop, the learner, checkpoints, distribution and progress."""
