"""Failures of the host: each is one sentence that names it and the remedy. A fault of the program is none of them."""

import errno
import os
import sys
from pathlib import Path

import pytest

from detector.process.failures import REMEDIES, describe_failure
from detector.process.libraries import drop_invalid_counts
from tests.process.programs import shell


def raised(code: str, folder: Path) -> BaseException:
    """The error of these lines, run in a module of our own."""
    sys.path.insert(0, str(folder))
    try:
        exec(compile(code, "detector/module.py", "exec"), {"__name__": "detector.module"})
    except BaseException as error:
        return error
    finally:
        sys.path.remove(str(folder))
    raise AssertionError(code)


@pytest.mark.parametrize("number", sorted(REMEDIES), ids=errno.errorcode.get)
def test_an_error_of_the_system_names_the_file_and_a_remedy(number):
    told = describe_failure(OSError(number, os.strerror(number), "some\x1b/file"))

    assert told == f"some\\x1b/file: {os.strerror(number)}; {REMEDIES[number]}."


@pytest.mark.parametrize(
    ("error", "part"),
    [
        (OSError("no text of the system"), "no text of the system; check the host."),
        (OSError(errno.EXDEV, "Cross-device link", "a", None, "b"), "a -> b: Cross-device link; check the host."),
        (MemoryError(), "memory ran out (MemoryError)"),
        (ImportError("libX.so: failed to map segment from shared object"), "memory ran out (libX.so: failed to map"),
        (RecursionError("maximum recursion depth exceeded"), "is nested more deeply than"),
        (RuntimeError("can't start new thread"), "ulimit -u"),
        (TimeoutError("timed out"), "timed out; check the host."),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_limit_is_a_sentence(error, part):
    told = describe_failure(error)

    assert told is not None
    assert part in told
    assert told.endswith(".")


@pytest.mark.parametrize(
    "error", [ValueError("x"), KeyError("x"), RuntimeError("x"), AssertionError(), ZeroDivisionError()]
)
def test_a_fault_of_the_program_is_no_failure_of_the_host(error):
    assert describe_failure(error) is None


@pytest.mark.parametrize(
    ("module", "text", "part"),
    [
        (
            "matplotlib",
            "raise ValueError('no such backend')",
            "matplotlib does not start (ValueError: no such backend); ",
        ),
        ("scipy", "import no_such_library", "scipy does not start (ModuleNotFoundError: No module named 'no_such_"),
        ("scipy", "import sktime_missing.x", "does not start"),
        ("keras", "raise ImportError('libX.so.6: cannot open shared object file')", "libX.so.6: cannot open shared"),
        ("numba", "raise SystemError('\\x1b[31m')", "numba does not start (SystemError: \\x1b[31m); "),
        ("faiss", "raise DeprecationWarning('old')", "pip install --force-reinstall 'faultline-ran[cpu]'."),
        ("pyarrow", "import detector.no_such_module", "pyarrow does not start"),
        (
            "tensorflow",
            "try:\n    raise ImportError('libY.so: not found')\nexcept ImportError as error:\n"
            "    raise ImportError('Traceback\\npages of advice') from error",
            "tensorflow does not start (ImportError: libY.so: not found); ",
        ),
        ("other", "raise ValueError", "other does not start (ValueError: ValueError); "),
    ],
)
def test_a_library_that_does_not_start_is_named_with_its_command(module, text, part, tmp_path, monkeypatch):
    (tmp_path / f"{module}.py").write_text(text)
    monkeypatch.delitem(sys.modules, module, raising=False)

    told = describe_failure(raised(f"import {module}", tmp_path))

    assert told is not None
    assert part in told
    assert "\n" not in told


@pytest.mark.parametrize(
    ("variable", "module"), [("MPLBACKEND", "matplotlib"), ("KERAS_HOME", "keras"), ("XLA_FLAGS", "tensorflow")]
)
def test_a_variable_that_may_mislead_a_library_is_named(variable, module, tmp_path, monkeypatch):
    (tmp_path / f"{module}.py").write_text("raise ValueError('misled')")
    monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setenv(variable, "nonsense")

    told = describe_failure(raised(f"import {module}", tmp_path))

    assert told is not None
    assert f"{variable}=nonsense" in told


@pytest.mark.parametrize(
    ("library", "requirement"),
    [("pyarrow", "'faultline-ran[trainer]'"), ("sktime", "'faultline-ran[evaluate]'"), ("msgspec", "faultline-ran")],
)
def test_a_library_that_is_missing_is_named_with_its_command(library, requirement, monkeypatch, tmp_path):
    error = ModuleNotFoundError(f"No module named '{library}.core'", name=f"{library}.core")

    told = describe_failure(error)

    assert told == f"{library} is not installed, and this command needs it; run: pip install {requirement}."


def test_a_name_of_our_own_that_is_missing_is_a_fault_of_the_program():
    assert describe_failure(ImportError("cannot import name", name="detector.errors")) is None


@pytest.mark.parametrize(("value", "stays"), [("4", True), ("4,2", True), ("0", False), ("-1", False), ("x", False)])
def test_a_number_of_threads_that_is_none_is_dropped(value, stays, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", value)

    drop_invalid_counts()

    assert ("OMP_NUM_THREADS" in os.environ) == stays


@pytest.mark.parametrize(
    ("script", "part"),
    [
        ("mkdir gone; cd gone; rmdir ../gone; $FAULTLINE labels", "config.yaml"),
        ("ulimit -v 200000; $FAULTLINE labels --config none.yaml", "ulimit -v"),
        ("ulimit -n 8; $FAULTLINE labels --config none.yaml", ""),
        ("ulimit -f 0; $FAULTLINE labels --config none.yaml", ""),
        ("ulimit -c 0; ulimit -s 256; $FAULTLINE labels --config none.yaml", ""),
        ("$FAULTLINE teach --cell $'\\xff' --at '2026-01-01 10:00' --class x --config none.yaml", ""),
    ],
)
def test_a_limit_of_the_shell_ends_in_a_sentence(script, part, tmp_path):
    told = shell(script, cwd=tmp_path)

    assert told.code == 2
    assert "Traceback" not in told.err
    assert len(told.err.splitlines()) == 1
    assert part in told.err
