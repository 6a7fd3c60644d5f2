"""Standard error of native code: TensorFlow prints a greeting there before its log level takes effect."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

COMPILER_VARIABLES = ("XLA_FLAGS", "TF_XLA_FLAGS")
"""Variables whose unknown flags end the process with 1 and a line of native code."""

KNOWN_FLAGS = "--tf_xla_persistent_cache_"
"""How the flags begin that keep compiled programs for the next start."""


@contextmanager
def silence_native_stderr() -> Iterator[None]:
    """Discard what native code writes to standard error inside the context. Exceptions pass.

    Its lines stay where a flag of the compiler may be unknown: the process would end without a word.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if _has_other_flags():
        yield
        return
    original = os.dup(2)
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 2)
    try:
        yield
    finally:
        os.dup2(original, 2)
        os.close(original)
        os.close(sink)


def _has_other_flags() -> bool:
    flags = [flag for name in COMPILER_VARIABLES for flag in os.environ.get(name, "").split()]
    return any(not flag.startswith(KNOWN_FLAGS) for flag in flags)
