"""Entry point of a program: a process prepared for its host, one verb, and an end in milliseconds."""

import atexit
import faulthandler
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from typing import NoReturn

from detector.errors import OperatorError
from detector.process.failures import describe_failure
from detector.process.libraries import drop_invalid_counts
from detector.process.limits import require_address_space, require_array_threads
from detector.process.signals import SignalInterrupt, end_now, exit_code, stop_nowhere, watch_signals
from detector.process.streams import ReaderGoneError, StandardOutputError, close_streams, open_streams
from detector.text import printable

FAULT, REFUSED = 1, 2

READER_GONE = 128 + signal.SIGPIPE
"""Exit code where the reader of standard output has ended: what a shell reports of a program that SIGPIPE ended."""

OWNER_RIGHTS = 0o700
"""Rights of a file's owner. A mask that takes them would let no program read the files that it has made."""

LINE_WIDTH = 1000
"""Longest line of a traceback that is printed whole."""


def run_program(program: str, main: Callable[[], int]) -> NoReturn:
    """Run `main`, and end the process with the exit code that it returns. `program` is the name in messages.

    An exception that `main` lets through is a fault of the program: exit code 1, the traceback and a sentence.
    """
    code = FAULT
    try:
        _prepare_process()
        code = main()
    except SystemExit as ended:  # of argparse, after a help text or a refusal
        code = ended.code if isinstance(ended.code, int) else FAULT
    finally:
        _end_process(program, code, sys.exc_info()[1])


def interrupt_code(interrupt: KeyboardInterrupt) -> int:
    """Return the exit code of a command that a signal has ended."""
    return exit_code(interrupt.number if isinstance(interrupt, SignalInterrupt) else signal.SIGINT)


def _prepare_process() -> None:
    """Prepare the process for its host. Raises OperatorError where no command could run."""
    open_streams()
    watch_signals()
    faulthandler.enable(os.dup(2))  # a copy: standard error is discarded while TensorFlow starts
    os.umask(os.umask(0) & ~OWNER_RIGHTS)
    drop_invalid_counts()
    os.environ.setdefault("KERAS_HOME", os.devnull)  # Keras would read, and write, settings in the user's home
    require_address_space()
    require_array_threads()
    if any("error" in option for option in sys.warnoptions):
        warnings.simplefilter("default")  # of libraries, which warn of their own future: never an operator's matter


def _end_process(program: str, code: int, error: BaseException | None) -> NoReturn:
    """Say the last word and end, without taking the interpreter apart.

    That takes 2.5 to 6 s of processor time once TensorFlow is loaded, and there is nothing in it to wait for.
    """
    stop_nowhere()
    if isinstance(error, KeyboardInterrupt):
        code = interrupt_code(error)
    elif isinstance(error, ReaderGoneError):
        code = READER_GONE
    elif error is not None:
        code = _print_failure(program, error)
    atexit._run_exitfuncs()
    end_now(_flush(program, code))


def _flush(program: str, code: int) -> int:
    """Write out the streams; return the exit code, which tells of a result that did not arrive."""
    try:
        close_streams()
    except ReaderGoneError:
        return code or READER_GONE
    except StandardOutputError as error:
        if code != REFUSED:  # else the command has said so
            print(f"{program}: {error}", file=sys.stderr)
        return code or REFUSED
    return code


def _print_failure(program: str, error: BaseException) -> int:
    """Print what a command let through; return the exit code."""
    sentence = str(error) if isinstance(error, OperatorError) else describe_failure(error)
    if sentence is not None:
        print(f"{program}: {sentence}", file=sys.stderr)
        return REFUSED
    for line in "".join(traceback.format_exception(error)).splitlines():
        print(printable(line, LINE_WIDTH), file=sys.stderr)
    print(
        f"{program}: a fault of the program ended this command ({type(error).__name__}); please report it, with the"
        " lines above.",
        file=sys.stderr,
    )
    return FAULT
