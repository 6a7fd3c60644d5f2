"""Verbs that need no encoder start without what only the encoder needs, in a fraction of a second of processor time."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands.runner import ROOT, run_all

CONFIG = 'bundle: b\nkafka: {reach_seconds: 1, common: {bootstrap.servers: "127.0.0.1:9"}}\n'

LIGHT = [
    ("faultline", "labels"),
    ("faultline", "labels", "--json"),
    ("faultline", "topics"),
    ("faultline", "forget", "5b0c91aa"),
    ("faultline", "explain", "5b0c91aa"),
]

MOST_STARTS = 15
"""Processor time of a verb, in starts of a bare interpreter: 8 were measured for `labels`, and 4 for `--help`."""


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "config.yaml").write_text(CONFIG)
    return tmp_path


def processor_seconds(arguments: list[str], folder: Path) -> float:
    """Return the processor time of a child, the least of three."""
    seconds = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *arguments], cwd=folder, env={"PYTHONPATH": str(ROOT)}, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(seconds)


@pytest.mark.slow
@pytest.mark.parametrize("line", LIGHT, ids=" ".join)
def test_a_verb_of_the_topics_alone_imports_no_numpy(line, folder):
    (ending,) = run_all([line], folder)

    assert (ending.code, ending.out) == (2, "")
    assert "127.0.0.1:9" in ending.err
    assert not {"numpy", "tensorflow", "keras", "faiss"} & set(ending.heavy)


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["--help"], ["--version"], *([*line[1:]] for line in LIGHT)], ids=" ".join)
def test_a_light_verb_costs_little_more_than_the_interpreter(arguments, folder):
    bare = processor_seconds(["-c", "pass"], folder)

    assert processor_seconds(["-m", "detector", *arguments], folder) < MOST_STARTS * bare
