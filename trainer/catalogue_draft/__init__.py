"""Draft of a catalogue: the features of a network's own data, with kinds, transforms, units and ranges to look over.

A bounded sample of files or of the input topic is looked at. Names decide first, by the measurement names of 3GPP and
by units in names; values decide the rest. Where both are weak, the draft says so in a comment.
"""
