"""The host, as `faultline check` looks at it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from detector.host import EARLIEST_CLOCK, clock_findings, memory_findings
from tests.kafka.broker import ROOT

CODE = """
import sys
from pathlib import Path
from detector.config.loader import read_config
from detector.host import host_findings
for finding in host_findings(read_config(Path(sys.argv[1]))):
    print(finding.part, finding.level, finding.text)
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config.yaml"
    knobs = {"bundle": str(tmp_path), "kafka": {"common": {"bootstrap.servers": "x:1"}}, "limits": {"cells": 1000}}
    path.write_text(yaml.safe_dump(knobs))
    return path


def findings(config: Path, before: str = "", **variables: str) -> list[str]:
    script = f'{before} exec "$0" -c "$CODE" {config}'
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", "CODE": CODE, **variables}
    done = subprocess.run(["bash", "-c", script, sys.executable], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("before", "variables", "part"),
    [
        ("ulimit -n 64;", {}, "host warning 64 open files are allowed, and up to 256 are needed; raise ulimit -n"),
        ("ulimit -u 50;", {}, "host warning 50 processes and threads of this user are allowed"),
        ("ulimit -v 3000000;", {}, "bytes of address space are allowed"),
        ("ulimit -f 1000;", {}, "bytes of a file are allowed"),
        ("", {"PYTHONIOENCODING": "ascii"}, "host warning the terminal's encoding is ascii"),
    ],
)
def test_a_limit_is_found_with_its_remedy(config, before, variables, part):
    assert any(part in line for line in findings(config, before, **variables))


@pytest.mark.parametrize(("now", "level"), [(0.0, "error"), (EARLIEST_CLOCK - 1, "error"), (EARLIEST_CLOCK, None)])
def test_a_clock_that_was_never_set_is_an_error(now, level):
    assert [finding.level for finding in clock_findings(now)] == ([level] if level else [])


@pytest.mark.parametrize(
    ("limit", "cells", "level"),
    [
        (512 * 2**20, 1000, "error"),
        (2 * 2**30, 1000, None),
        (2 * 2**30, 100_000, "warning"),
        (6 * 2**30, 100_000, None),
    ],
)
def test_memory_is_held_against_the_cells(limit, cells, level):
    assert [finding.level for finding in memory_findings(limit, cells)] == ([level] if level else [])
