"""Options of a loss on the command line: NAME=VALUE."""

import argparse


def option(text: str) -> tuple[str, float | str]:
    """NAME=VALUE, for argparse; a value is a number where it can be one."""
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise argparse.ArgumentTypeError(f"{text} is not NAME=VALUE, as in margin=0.3")
    try:
        return name, float(value)
    except ValueError:
        return name, value
