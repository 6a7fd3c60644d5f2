"""Command line of `faultline`: run one verb, and turn its errors into a sentence and an exit code.

Exit codes: 0 done, 1 fault of the program, 2 fault of the operator (with one sentence), 3 a check said no.
"""

import importlib
import sys
from collections.abc import Sequence

from detector.command_line import command_line
from detector.errors import OperatorError
from detector.log import log_to_terminal
from detector.terminal import print_notice

VERBS = (
    *("run", "check", "topics", "replay"),
    *("teach", "labels", "forget", "unknowns", "confirm", "reject", "pack"),
    *("explain", "reproduce", "search"),
    *("shadow", "promote", "rollback"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `faultline` with these arguments; return the exit code."""
    return dispatch("faultline", "detector.commands", VERBS, arguments)


def dispatch(program: str, package: str, verbs: Sequence[str], arguments: Sequence[str] | None) -> int:
    """Run one verb of a program whose verbs are the modules of a package; return the exit code."""
    log_to_terminal(program)
    parsed = command_line(program, package, verbs).parse_args(arguments)
    try:
        return int(importlib.import_module(f"{package}.{parsed.verb}").run(parsed))
    except OperatorError as error:
        print_notice(f"{program}: {error}")
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
