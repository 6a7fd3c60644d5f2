"""Types of arguments that several verbs of `faultline-trainer` share."""

import argparse

ENCODERS = ("tree", "lstm", "gru", "conv", "transformer", "shared")
"""Kinds of encoder, as of `detector.core.networks.registry`, whose import costs numpy; a test compares the two."""

LOSS_NAMES = (
    *("supervised_contrastive", "triplet", "soft_margin", "lossless_triplet"),
    *("contrastive", "similarity", "prototypical", "multi_similarity"),
)
"""Losses, as of `trainer.losses.registry`; a test compares the two."""


def positive(text: str) -> int:
    """Return a whole number from 1 on. Raises ArgumentTypeError."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 1 on")
    return number


def minutes(text: str) -> float:
    """Return a duration; 0 is allowed. Raises ArgumentTypeError."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a number of minutes from 0 on")
    return number
