"""Progress or death: what hangs ends with 1 and says where; what waits for a broker does not hang."""

import fcntl
import os
import re
import subprocess
import sys
import threading
from contextlib import suppress
from time import monotonic

import pytest

from tests.eventually import eventually
from tests.kafka.broker import ROOT, die_with_parent
from tests.service.network import MINUTES, label, told
from tests.service.stage import ADDRESS, START_SECONDS, Answer, Daemon, get, serving

STALL_SECONDS = 10
AWAY = 2.5
"""Times as long as a loop may stand still."""

HANG_SECONDS = 200
"""A process that is watched for 1 s ends within 3 s on two idle cores. One that is never ended hangs for ever."""

TRANSACTIONS = {"producer": {"transaction.timeout.ms": 4000}}
"""So long does a call of theirs wait for a broker."""

HANGING = """
import logging, sys, threading
from detector.service.http_server import Health
from detector.log import start_logging
from detector.service.watchdog import watch
start_logging("info", "text")
health = Health(stall_seconds=1)
health.progress()
watch(health)
"""


def ended(code):
    command = [sys.executable, "-c", HANGING + code]
    return subprocess.run(command, capture_output=True, text=True, timeout=HANG_SECONDS, cwd=ROOT)


def test_a_loop_that_stands_still_ends_with_its_stack():
    done = ended("def stuck_commit():\n    threading.Event().wait()\nstuck_commit()\n")
    assert done.returncode == 1
    first, *stacks = done.stderr.splitlines()
    assert first.endswith("CRITICAL the loop has made no progress for 1 s; the process ends, with every thread's stack")
    assert any("in stuck_commit" in line for line in stacks)


def test_a_loop_that_keeps_the_interpreter_to_itself_ends_too():
    """As native code may that waits with the interpreter's lock in its hand."""
    done = ended("import ctypes\ndef stuck_inside():\n    ctypes.PyDLL(None).sleep(30)\nstuck_inside()\n")
    assert done.returncode == 1
    assert "in stuck_inside" in done.stderr


def test_a_loop_that_comes_round_is_left_alone():
    done = ended("from time import monotonic\nend = monotonic() + 4\nwhile monotonic() < end: health.progress()\n")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.broker
def test_a_daemon_whose_log_nobody_reads_turns_red_and_ends(stage):
    """A pipe that is full: the loop hangs at its next line."""
    stage.tell(told(0, 5))
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    config = stage.config(runtime={"stall_seconds": STALL_SECONDS}, kafka=TRANSACTIONS)
    command = [*die_with_parent(), sys.executable, "-m", "detector", "run", "--config", str(config)]
    daemon = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=writing, cwd=ROOT)
    try:
        said = b""
        while (
            not re.search(
                rb"partition 0: the replay is over(.|\n)*partition 1: the replay is over, alarms are published\n", said
            )
            and len(said) < 20_000
        ):
            said += os.read(reading, 4096)
        url = ADDRESS.search(said.decode())[1]
        assert get(f"{url}/livez").status == 200
        os.set_blocking(writing, False)
        with suppress(BlockingIOError):
            while True:
                os.write(writing, b".")
        os.set_blocking(writing, True)

        red = threading.Event()

        def ask():
            while daemon.poll() is None and not red.is_set():
                try:
                    if get(f"{url}/livez").status == 503:
                        red.set()
                except OSError:
                    return

        asking = threading.Thread(target=ask)
        asking.start()
        stage.teach(label("drop_storm", "drops"))
        assert daemon.wait(START_SECONDS) == 1
        asking.join()
        assert red.is_set()
    finally:
        daemon.kill()
        daemon.wait()
        os.close(reading)
        os.close(writing)


@pytest.mark.broker
@pytest.mark.parametrize("weather", ["kill", "pause"])
def test_a_broker_that_is_away_is_no_hang(stage, mortal_broker, undisturbed, weather):
    """Away for several times as long as a loop may stand still."""
    stage.teach(label("drop_storm", "drops"))
    before, after = told(0, 95), told(95, MINUTES)
    stage.tell(before)
    config = stage.config(runtime={"stall_seconds": STALL_SECONDS}, kafka={"batch_records": 20, **TRANSACTIONS})
    with Daemon(config) as daemon:
        url = daemon.wait_ready().url
        eventually(lambda: stage.taken() > 100, "some are taken")
        getattr(mortal_broker, weather)()
        seen, began = [], monotonic()
        while monotonic() - began < AWAY * STALL_SECONDS:
            seen.append(get(f"{url}/livez").status)
        assert set(seen) == {200}
        eventually(lambda: get(f"{url}/readyz").body == "Kafka does not answer\n", "it says that Kafka is away")
        assert daemon.terminate() == 0
    mortal_broker.resume() if weather == "pause" else mortal_broker.start()
    stage.tell(after)
    with serving(stage.config()):
        stage.wait_taken(len(before + after), 120)
    assert stage.alarms() == undisturbed.alarms


@pytest.mark.broker
@pytest.mark.parametrize("weather", ["kill", "pause"])
def test_a_broker_that_goes_while_there_is_nothing_to_do_is_told_and_waited_for(stage, mortal_broker, weather):
    """Red while it is away, green when it is back, and the same process goes on."""
    before, after = told(0, 20), told(20, 40)
    stage.tell(before)
    with serving(stage.config()) as service:
        stage.wait_taken(len(before))
        service.wait_metric("faultline_ready", 1)
        getattr(mortal_broker, weather)()
        service.wait_metric("faultline_ready", 0)
        assert service.get("/readyz") == Answer(503, "Kafka does not answer\n")
        mortal_broker.resume() if weather == "pause" else mortal_broker.start()
        service.wait_metric("faultline_ready", 1)
        stage.tell(after)
        stage.wait_taken(len(before + after))
        assert service.get("/livez").status == 200
