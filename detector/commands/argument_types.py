"""Types of arguments, for argparse: each refuses at the command line what the work would refuse, or die of, later."""

import argparse
import math
from collections.abc import Callable
from pathlib import Path

LARGEST = 2**31 - 1
"""Largest whole number: no count of ours comes near it, and numpy's seeds and Kafka's counts end there."""


def whole_number(least: int, most: int = LARGEST) -> Callable[[str], int]:
    """Return a type: a whole number from `least` to `most`."""

    def read_whole_number(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if not least <= number <= most:
            bounds = f"from {least} on" if most == LARGEST else f"from {least} to {most}"
            raise argparse.ArgumentTypeError(f"{text} is not a whole number {bounds}")
        return number

    return read_whole_number


def number(least: float, most: float = math.inf, *, above: bool = False) -> Callable[[str], float]:
    """Return a type: a finite number from `least` to `most`; with `above`, `least` itself is refused."""

    def read_number(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        too_low = value <= least if above else value < least
        if too_low or not value <= most or math.isinf(value):
            bounds = f"above {least:g}" if above else f"from {least:g} {'on' if most == math.inf else f'to {most:g}'}"
            raise argparse.ArgumentTypeError(f"{text} is not a number {bounds}")
        return value

    return read_number


def plain_text(text: str) -> str:
    """Return a text that can be written as UTF-8, as Kafka and JSON need it. Raises ArgumentTypeError."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError(f"{text!a} is not UTF-8") from None
    return text


def file_path(text: str) -> Path:
    """Return the path of a file. Raises ArgumentTypeError for an empty one, which would be the current folder."""
    if not text:
        raise argparse.ArgumentTypeError("the path is empty")
    return Path(text)


def folder_path(text: str) -> Path:
    """Return the path of a folder; a shell completes it with folders only. Raises ArgumentTypeError."""
    return file_path(text)
