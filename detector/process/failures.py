"""Failures that the host causes, each as one sentence: disk, memory, rights, limits, names, and the libraries' starts.

An error that is none of these is a fault of the program, and stays one.
"""

import errno
import os
import sys

from detector.process.libraries import describe_failed_import, root_cause
from detector.text import printable

TEXT_WIDTH = 300
"""Longest text of a library's error that is repeated; TensorFlow's are pages."""

REMEDIES = {
    errno.ENOSPC: "make room there",
    errno.EDQUOT: "make room there, or raise this user's quota",
    errno.EFBIG: "raise the limit of a file's size (ulimit -f)",
    errno.EROFS: "give a place that can be written",
    errno.EACCES: "let this user read and write it, or give another place",
    errno.EPERM: "let this user do so, or run as another user",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "raise the host's limit of open files (sysctl fs.file-max)",
    errno.ENOMEM: "give the process more memory",
    errno.EAGAIN: "raise the limit of processes and threads (ulimit -u)",
    errno.EIO: "check the disk or terminal behind it",
    errno.ENOENT: "give a place that exists",
    errno.ENOTDIR: "give a folder",
    errno.EISDIR: "give a file",
    errno.ENAMETOOLONG: "give a shorter name",
    errno.ELOOP: "mend the links that lead to each other",
}
"""What an operator can do about an error of the operating system."""

OTHER_REMEDY = "check the host"

THREAD_TEXT = "can't start new thread"
"""Text of Python's RuntimeError where the host gives no thread."""

OUT_OF_MEMORY = ("MemoryError", "ResourceExhaustedError", "_ArrayMemoryError", "ArrowMemoryError")
"""Names of the errors by which Python, TensorFlow, numpy and PyArrow say that memory ran out."""


UNMAPPED = "failed to map segment from shared object"
"""Text of the loader where the limit of the address space leaves no room for a library."""


def describe_failure(error: BaseException) -> str | None:
    """Return the sentence for an error that the host causes; None for a fault of the program."""
    if isinstance(error, OSError | ImportError) and not _current_folder_exists():
        return "the current folder was removed, or cannot be read; change to another one, and give the command again."
    return (
        _describe_memory(error)
        or describe_failed_import(error)
        or _describe_argument(error)
        or _describe_system(error)
        or _describe_limit(error)
    )


def _describe_memory(error: BaseException) -> str | None:
    error = root_cause(error)
    if type(error).__name__ not in OUT_OF_MEMORY and UNMAPPED not in str(error):
        return None
    return (
        f"memory ran out ({printable(_first_line(error), TEXT_WIDTH)}); give the process more, or let it do less:"
        " `faultline check` names the limits."
    )


def _describe_argument(error: BaseException) -> str | None:
    """Describe an argument whose bytes are no UTF-8: Python hands each such byte over as a lone surrogate."""
    if not isinstance(error, UnicodeEncodeError):
        return None
    names = [argument for argument in sys.argv if any("\udc80" <= character <= "\udcff" for character in argument)]
    if not names:
        return None
    return f"the argument {printable(names[0])!r} is not valid UTF-8; give it in UTF-8."


def _describe_system(error: BaseException) -> str | None:
    if not isinstance(error, OSError):
        return None
    names = [
        printable(os.fsdecode(name)) for name in (error.filename, error.filename2) if isinstance(name, str | bytes)
    ]
    where = f"{' -> '.join(names)}: " if names else ""
    reason = error.strerror or _first_line(error) or type(error).__name__
    remedy = REMEDIES.get(error.errno or 0, OTHER_REMEDY)
    return f"{where}{printable(reason, TEXT_WIDTH)}; {remedy}."


def _describe_limit(error: BaseException) -> str | None:
    if isinstance(error, RecursionError):
        return (
            f"a file or record is nested more deeply than {sys.getrecursionlimit()} levels; give one that is nested"
            " less."
        )
    if isinstance(error, RuntimeError) and THREAD_TEXT in str(error):
        return f"the host gives this user no more threads; {REMEDIES[errno.EAGAIN]}."
    return None


def _first_line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def _current_folder_exists() -> bool:
    try:
        os.getcwd()
    except OSError:
        return False
    return True
