"""Libraries underneath, as far as their start can fail: missing, broken, or misled by a variable of the environment."""

import os
from collections.abc import Iterator
from types import TracebackType

from detector.text import printable

OWN_PACKAGES = ("detector", "trainer", "__main__")

TEXT_WIDTH = 300
"""Longest text of a library's error that is repeated; TensorFlow's are pages."""

DISTRIBUTION = "faultline-ran"

EXTRAS = {
    **dict.fromkeys(("tensorflow", "keras", "faiss"), "cpu"),
    **dict.fromkeys(("matplotlib", "pyarrow", "rich", "sklearn", "scipy", "threadpoolctl"), "trainer"),
    **dict.fromkeys(("dtaidistance", "numba", "sktime"), "evaluate"),
}
"""Extra of the distribution that brings a library; all others come without one."""

VARIABLES = {
    "keras": ("KERAS_",),
    "tensorflow": ("TF_USE_", "TF_XLA_", "TF_ENABLE_", "XLA_", "CUDA_", "KERAS_"),
    "faiss": ("FAISS_", "OMP_", "MKL_", "OPENBLAS_"),
    "matplotlib": ("MPL",),
    "numpy": ("NPY_", "NUMPY_", "OMP_", "OPENBLAS_", "MKL_"),
    "numba": ("NUMBA_",),
}
"""Beginnings of the variables that a library obeys at its start."""

LOADER_VARIABLES = ("LD_PRELOAD", "LD_LIBRARY_PATH")
"""Variables that a native library's start depends on."""

THREAD_COUNTS = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"),
    *("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"),
)
"""Variables that hold a number of threads, or one for each level, from 1 on."""

MODULE_CODE = "<module>"
"""Name of the code that an import executes. Python removes the frames of its import system from a traceback."""


def drop_invalid_counts() -> None:
    """Unset every number of threads that is none: some libraries ignore it, and others abort the process."""
    for name in THREAD_COUNTS:
        parts = os.environ.get(name, "1").split(",")
        if not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
            del os.environ[name]


def describe_failed_import(error: BaseException) -> str | None:
    """Return the sentence for an error raised while a library was imported; None for any other error."""
    library = raising_library(error)
    if isinstance(error, ModuleNotFoundError):
        missing = (error.name or "").partition(".")[0]
        if missing in EXTRAS or (missing and missing not in OWN_PACKAGES and library is None):
            return f"{missing} is not installed, and this command needs it; run: pip install {_requirement(missing)}."
    if isinstance(error, ImportError) and library is None and (error.name or "").partition(".")[0] not in OWN_PACKAGES:
        library = (error.name or "").partition(".")[0]
    return _describe_failed_start(library, error) if library else None


def raising_library(error: BaseException) -> str | None:
    """Return the library during whose import the error was raised: the innermost one, if there are several."""
    packages = [package for package, function in _frames(error.__traceback__) if function == MODULE_CODE]
    return next((package for package in reversed(packages) if package not in OWN_PACKAGES), None)


def _describe_failed_start(library: str, error: BaseException) -> str:
    root = root_cause(error)
    reason = f"{type(root).__name__}: {_first_line(root)}"
    settings = _settings(library, is_native=isinstance(root, ImportError | OSError))
    remedy = f"unset {' and '.join(settings)}, or " if settings else ""
    return (
        f"{library} does not start ({printable(reason, TEXT_WIDTH)}); {remedy}install it again:"
        f" pip install --force-reinstall {_requirement(library)}."
    )


def _requirement(library: str) -> str:
    extra = EXTRAS.get(library, "")
    return f"'{DISTRIBUTION}[{extra}]'" if extra else DISTRIBUTION


def _frames(traceback: TracebackType | None) -> Iterator[tuple[str, str]]:
    """Yield the top-level package and the function of every frame that the error passed, the outermost first."""
    while traceback is not None:
        frame = traceback.tb_frame
        yield str(frame.f_globals.get("__name__", "")).partition(".")[0], frame.f_code.co_name
        traceback = traceback.tb_next


def root_cause(error: BaseException) -> BaseException:
    """Return the error that began it: a library repeats it in an error of its own, with pages of advice."""
    visited = {id(error)}
    while True:
        cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if cause is None or id(cause) in visited or not isinstance(cause, ImportError | OSError):
            return error
        visited.add(id(cause))
        error = cause


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def _settings(library: str, *, is_native: bool) -> list[str]:
    prefixes = VARIABLES.get(library, ()) + (LOADER_VARIABLES if is_native else ())
    return [
        printable(f"{name}={value}", 100)
        for name, value in sorted(os.environ.items())
        if name.startswith(prefixes) and value != os.devnull
    ]
