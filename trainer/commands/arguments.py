"""Types of arguments that several verbs of `faultline-trainer` share."""

import argparse


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
