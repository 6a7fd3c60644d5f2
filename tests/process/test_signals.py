"""Signals: whatever a command does, it ends in five seconds, with the documented code and no stack."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from detector.process.signals import GRACE_SECONDS
from tests.eventually import eventually
from tests.process.programs import Ended, ended, shell, start, wait_gone

WAITS = "threading.Event().wait()"

IN_NATIVE_CODE = """
mutex, library = (ctypes.c_byte * 64)(), ctypes.CDLL(None)
library.pthread_mutex_lock(mutex)
library.pthread_mutex_lock(mutex)
"""
"""A native call that no signal ends, as librdkafka's waits are."""

SWALLOWS = """
while True:
    try:
        threading.Event().wait()
    except BaseException:
        pass
"""

CLEANS = """
try:
    threading.Event().wait()
finally:
    print('cleaned')
"""

IMPORTS = """
import importlib.util, pathlib, tempfile
folder = tempfile.TemporaryDirectory()
lines = 'import threading; print("importing", flush=True); threading.Event().wait()'
pathlib.Path(folder.name, 'heavy.py').write_text(lines)
sys.path.insert(0, folder.name)
try:
    import heavy
except BaseException:
    print('swallowed')
"""

STARTS = """
stop_at_once()
say('starting')
threading.Event().wait()
"""

SERVES = """
stop = threading.Event()
stop_in_order(stop)
say('serving')
stop.wait()
print('stopped')
"""

HANGS = SERVES.replace("stop.wait()", "threading.Event().wait()")

CODES = {signal.SIGTERM: 143, signal.SIGINT: 130, signal.SIGHUP: 129, signal.SIGQUIT: 131}


def told(process):
    answer = ended(process, GRACE_SECONDS + 30)
    assert answer.err == ""
    return answer


@pytest.mark.parametrize("number", CODES, ids=lambda number: number.name)
@pytest.mark.parametrize("body", [WAITS, CLEANS], ids=["waits", "cleans"])
def test_a_signal_ends_a_command_with_its_code(body, number):
    process = start(body)
    process.send_signal(number)

    answer = told(process)

    assert answer.code == CODES[number]
    assert answer.out == ("cleaned\n" if body is CLEANS and number != signal.SIGQUIT else "")


def test_a_signal_ends_an_import_at_once():
    process = start(IMPORTS)
    assert process.stdout.readline() == "importing\n"
    process.send_signal(signal.SIGTERM)

    answer = told(process)

    assert (answer.code, answer.out) == (143, "")


@pytest.mark.parametrize(
    ("body", "word", "code", "out"),
    [(STARTS, "starting", 0, ""), (SERVES, "serving", 0, "stopped\n")],
    ids=["start", "service"],
)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=lambda number: number.name)
def test_a_daemon_ends_with_zero(body, word, code, out, number):
    process = start(body)
    assert process.stdout.readline() == f"{word}\n"
    process.send_signal(number)

    answer = told(process)

    assert (answer.code, answer.out) == (code, out)


@pytest.mark.parametrize("body", [SWALLOWS, HANGS], ids=["command", "daemon"])
def test_a_second_signal_ends_at_once(body):
    process = start(body)
    if body is HANGS:
        process.stdout.readline()
    begin = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)

    assert told(process).code in (143, 130)  # two that wait at once come in either order
    assert time.monotonic() - begin < GRACE_SECONDS


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "code"), [(SWALLOWS, 143), (IN_NATIVE_CODE, 143), (HANGS, 0)], ids=["swallows", "native", "daemon"]
)
def test_a_command_that_does_not_end_is_ended_after_the_grace(body, code):
    process = start(body)
    if body is HANGS:
        process.stdout.readline()
    process.send_signal(signal.SIGTERM)

    assert told(process).code == code


def test_a_signal_that_was_ignored_stays_ignored():
    signal_ignored = "trap '' HUP; exec $FAULTLINE_PROGRAM"
    script = f'{signal_ignored} -c "$CODE"'
    code = (
        "import os, signal; from detector.process.entry_point import run_program;"
        " run_program('program', lambda: os.kill(os.getpid(), signal.SIGHUP) or print('still here') or 0)"
    )

    assert shell(script, FAULTLINE_PROGRAM=sys.executable, CODE=code) == Ended(0, "still here\n", "")


@pytest.mark.slow
def test_workers_end_with_a_parent_that_was_killed(tmp_path):
    body = f"""
from functools import partial
from tests.process.test_signals import report_and_wait
from trainer.workers import SharedCounter, run_workers
run_workers([partial(report_and_wait, {str(tmp_path)!r})] * 2, 2, SharedCounter())
"""
    process = start(body)
    eventually(lambda: len(list(tmp_path.iterdir())) == 2, "both workers run", 60)
    process.kill()
    process.wait()

    for path in tmp_path.iterdir():
        wait_gone(int(path.name))


@pytest.mark.slow
def test_the_demos_daemon_ends_with_a_demo_that_was_killed(tmp_path):
    body = f"""
import subprocess
child = subprocess.Popen([sys.executable, '-c', {CHILD!r}, str(os.getpid())], stdout=subprocess.PIPE, text=True)
child.stdout.readline()
say(child.pid)
threading.Event().wait()
"""
    process = start(body)
    child = int(process.stdout.readline())
    process.kill()
    process.wait()

    wait_gone(child)


CHILD = """
import sys, threading
from detector.process.entry_point import run_program
from detector.process.parent import end_with_parent
end_with_parent(int(sys.argv[1]))
run_program('child', lambda: print('runs', flush=True) or threading.Event().wait() or 0)
"""


def report_and_wait(folder: str) -> None:
    """Task of a worker: says its number by a file, and waits for ever."""
    Path(folder, str(os.getpid())).touch()
    threading.Event().wait()
