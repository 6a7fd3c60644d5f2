"""Options of a loss on the command line: NAME=VALUE."""

import argparse


def parse_option(text: str) -> tuple[str, float | str]:
    """Return the name and value of NAME=VALUE, for argparse; the value is a number if it reads as one."""
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise argparse.ArgumentTypeError(f"{text} is not NAME=VALUE, as in margin=0.3")
    try:
        return name, float(value)
    except ValueError:
        return name, value
