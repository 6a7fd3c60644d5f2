"""Bundle: the versioned directory that the trainer hands to the detector, and its verification."""
