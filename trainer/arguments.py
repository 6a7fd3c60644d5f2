"""What several verbs ask for."""

import argparse


def positive(text: str) -> int:
    """A whole number from 1 on, for argparse."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 1 on")
    return number


def minutes(text: str) -> float:
    """A duration, for argparse; 0 is no pause at all."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a number of minutes from 0 on")
    return number


def option(text: str) -> tuple[str, float | str]:
    """NAME=VALUE, for argparse; a value is a number where it can be one."""
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise argparse.ArgumentTypeError(f"{text} is not NAME=VALUE, as in margin=0.3")
    try:
        return name, float(value)
    except ValueError:
        return name, value
