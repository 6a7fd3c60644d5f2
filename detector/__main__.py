"""Command line of `faultline`: run one verb, and turn its errors into a sentence and an exit code.

Exit codes: 0 done, 1 fault of the program, 2 fault of the operator (with one sentence), 3 a check said no. From 128 on:
the number of the signal that ended the command.
"""

import importlib
import sys
from collections.abc import Sequence
from typing import NoReturn

from detector.command_line import command_line
from detector.errors import OperatorError
from detector.log import log_to_terminal
from detector.process.entry_point import READER_GONE, REFUSED, interrupt_code, run_program
from detector.process.failures import describe_failure
from detector.process.signals import stop_at_once
from detector.process.streams import ReaderGoneError
from detector.terminal import print_notice

VERBS = (
    *("run", "check", "feed", "topics", "replay"),
    *("teach", "labels", "forget", "unknowns", "confirm", "reject", "pack"),
    *("explain", "reproduce", "search"),
    *("shadow", "promote", "rollback"),
)

STOPPED_VERBS = {"run", "collect"}
"""Verbs of both programs that run until they are stopped: a signal is their ordinary end, from the first moment."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `faultline` with these arguments; return the exit code."""
    return dispatch("faultline", "detector.commands", VERBS, arguments)


def dispatch(program: str, package: str, verbs: Sequence[str], arguments: Sequence[str] | None) -> int:
    """Run one verb of a program whose verbs are the modules of a package; return the exit code.

    An exception that passes is a fault of the program.
    """
    log_to_terminal(program)
    try:
        if set(sys.argv[1:2] if arguments is None else arguments[:1]) & STOPPED_VERBS:
            stop_at_once()
        parsed = command_line(program, package, verbs).parse_args(arguments)
        return int(importlib.import_module(f"{package}.{parsed.verb}").run(parsed))
    except ReaderGoneError:
        return READER_GONE
    except KeyboardInterrupt as interrupt:
        return interrupt_code(interrupt)
    except Exception as error:
        sentence = str(error) if isinstance(error, OperatorError) else describe_failure(error)
        if sentence is None:
            raise
    print_notice(f"{program}: {sentence}")
    return REFUSED


def program() -> NoReturn:
    """Run `faultline` as a process of its own, which ends here."""
    run_program("faultline", main)


if __name__ == "__main__":
    program()
