"""Standard error of native code: TensorFlow prints a greeting there before its log level takes effect."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def silence_native_stderr() -> Iterator[None]:
    """Discard what native code writes to standard error inside the context. Exceptions pass."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    original = os.dup(2)
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 2)
    try:
        yield
    finally:
        os.dup2(original, 2)
        os.close(original)
        os.close(sink)
