"""Harness of the demo: a configuration, and the daemon as a process of its own, observed over HTTP."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from detector.config.loader import read_config, write_knobs
from detector.config.schema import Config

TOPICS = {"cells.minutes": 6, "cells.alarms": 6, "cells.alarms.active": 6, "cells.labels": 1, "cells.deadletters": 1}

READY_SECONDS = 60


def write_configuration(folder: Path, bootstrap: str, port: int) -> Config:
    """Write a configuration with little but the addresses, and read it as the daemon does."""
    knobs = {
        "bundle": str(folder / "bundle"),
        "kafka": {
            "reach_seconds": 2,  # the embedded broker has no controller; a request to one waits so long
            "common": {"bootstrap.servers": bootstrap, "log_level": 3},
            # The embedded broker answers an empty fetch only after this time.
            "consumer": {"fetch.wait.max.ms": 50},
        },
        "http": {"port": port},
        "log": {"level": "warning"},
        "alarms": {"false_alarms_per_1000_cells_per_day": 1},  # a demo of minutes should show none
    }
    path = folder / "config.yaml"
    path.write_text(write_knobs(knobs))
    return read_config(path)


class Daemon:
    """Running `faultline run`, observed from outside."""

    def __init__(self, configuration: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        module = ["-m", "trainer.demo.daemon", str(os.getpid())]
        self._process = subprocess.Popen([sys.executable, *module, "run", "--config", str(configuration)])

    def wait_until_ready(self) -> None:
        """Wait for `/readyz`. Raises RuntimeError if the daemon ends first, or after READY_SECONDS."""
        deadline = time.monotonic() + READY_SECONDS
        while not self._answers("/readyz"):
            if self._process.poll() is not None:
                raise RuntimeError(f"the daemon ended with exit code {self._process.returncode} before it was ready")
            if time.monotonic() > deadline:
                raise RuntimeError(f"the daemon was not ready within {READY_SECONDS} s")
            time.sleep(0.1)

    def metrics(self) -> dict[str, float]:
        """Return the value of every sample by its name and labels, from one scrape."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        rows = (line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))
        return {name: float(value) for name, value in rows}

    def stop(self) -> int:
        """Send SIGTERM, and return the exit code; -9 if the daemon had to be killed after 10 seconds."""
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def _answers(self, path: str) -> bool:
        try:
            with urllib.request.urlopen(self.url + path, timeout=1) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False


@contextmanager
def daemon(configuration: Path, port: int) -> Iterator[Daemon]:
    """Run the daemon while the context is open; it is stopped afterwards in any case."""
    running = Daemon(configuration, port)
    try:
        yield running
    finally:
        if running._process.poll() is None:
            running.stop()
