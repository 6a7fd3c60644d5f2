"""Command line of `faultline-trainer`: run one verb, with the same exit codes as `faultline`."""

import sys
from collections.abc import Sequence

from detector.__main__ import dispatch

VERBS = ("simulate", "collect", "look", "train", "compare", "adapt", "evaluate")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `faultline-trainer` with these arguments; return the exit code."""
    return dispatch("faultline-trainer", "trainer.commands", VERBS, arguments)


if __name__ == "__main__":
    sys.exit(main())
