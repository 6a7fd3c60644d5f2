"""Command line of `faultline-trainer`: run one verb, with the same exit codes as `faultline`."""

from collections.abc import Sequence
from typing import NoReturn

from detector.__main__ import dispatch
from detector.process.entry_point import run_program

VERBS = ("simulate", "collect", "catalogue", "look", "train", "compare", "adapt", "evaluate")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `faultline-trainer` with these arguments; return the exit code."""
    return dispatch("faultline-trainer", "trainer.commands", VERBS, arguments)


def program() -> NoReturn:
    """Run `faultline-trainer` as a process of its own, which ends here."""
    run_program("faultline-trainer", main)


if __name__ == "__main__":
    program()
