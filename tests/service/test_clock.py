"""Somebody sets the clock of a running daemon: an hour on, then two back. Nothing waits for it, nothing is said."""

import os
from pathlib import Path

import pytest

from tests.service.network import MINUTES, label, told
from tests.service.stage import Daemon

pytestmark = pytest.mark.broker

PLACES = ("/usr/lib/x86_64-linux-gnu/faketime", "/usr/lib/aarch64-linux-gnu/faketime", "/usr/lib/faketime")


@pytest.fixture
def clock(tmp_path, monkeypatch):
    """A file that says how wrong the clock is of whoever is started from now on."""
    found = [path for place in PLACES if (path := Path(place, "libfaketimeMT.so.1")).exists()]
    if not found:
        pytest.skip("no libfaketime (Debian: libfaketime)")
    offset = tmp_path / "offset"
    offset.write_text("+0")
    for name, value in {
        "LD_PRELOAD": str(found[0]),
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }.items():
        monkeypatch.setitem(os.environ, name, value)
    return offset


def test_a_clock_that_is_set_changes_nothing(stage, clock, undisturbed):
    stage.teach(label("drop_storm", "drops"))
    parts = [told(0, 80), told(80, 95), told(95, MINUTES)]
    taken = 0
    with Daemon(stage.config()) as daemon:
        daemon.wait_ready()
        for offset, part in zip(("+0", "+3600", "-7200"), parts, strict=True):
            clock.write_text(offset)
            stage.tell(part)
            taken += len(part)
            stage.wait_taken(taken)
        for name in ("LD_PRELOAD", "FAKETIME_TIMESTAMP_FILE"):
            os.environ.pop(name)
        assert daemon.terminate() == 0
        lines = [line for line in daemon.log.splitlines() if " INFO " not in line]
    assert lines == []
    assert stage.alarms() == undisturbed.alarms
