"""`faultline feed` prints what it found for a person, or for a program, and ends with 3 where something is wrong."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from detector.__main__ import main
from detector.commands.documents import FeedDocument
from detector.text import columns
from tests.feed_profile.feeds import CELLS, FIRST, good, history, lines
from tests.feed_profile.page import BLOCK, PAGE, write_folder
from tests.service.network import record, told, value
from tests.trainer.files import write_catalogue, write_day

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("feed")
    write_folder(made)
    return made


@pytest.fixture
def feed(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the verb in the folder; gives its exit code, its output and what stands beside it."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "100")

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["feed", *arguments])
        return code, *capsys.readouterr()

    return run


@pytest.mark.parametrize(("file", "code"), [("good.jsonl", 0), ("release.jsonl.gz", 3)])
def test_the_page_shows_what_the_verb_prints(feed, file, code):
    ended, printed, _ = feed(file)

    assert ended == code
    assert max(columns(line) for line in printed.splitlines()) <= 100
    assert {block["file"]: block["printed"] for block in BLOCK.finditer(PAGE.read_text())}[file] == printed


def test_the_document_has_all_that_was_measured(feed):
    code, printed, _ = feed("--json", "release.jsonl.gz")

    document = msgspec.json.decode(printed.encode(), type=FeedDocument)
    assert code == 3
    assert not document.ok
    assert {finding.part for finding in document.findings if finding.level == "error"} >= {"clock", "cells", "features"}
    assert len(document.features) == len(history().catalogue)
    assert [new.name for new in document.new_features if not new.near] == [f"vendor_{new}" for new in range(5)]
    assert document.records.time_forms == {"epoch milliseconds": document.records.count}


def test_no_more_records_are_looked_at_than_wanted(feed):
    _, printed, _ = feed("--json", "--records", "50", "good.jsonl")

    assert json.loads(printed)["records"]["count"] == 50


def test_records_without_their_keys_are_read(feed, folder):
    values = [one.record()[1] for one in good()]
    (folder / "values.jsonl").write_bytes(b"\n".join(values))

    code, printed, _ = feed("--json", "values.jsonl")

    assert (code, json.loads(printed)["keys"]["has_keys"]) == (0, False)


def test_the_files_of_a_history_are_read(feed, folder):
    cell, minute = (grid.ravel() for grid in np.meshgrid(np.arange(CELLS), FIRST + np.arange(20)))
    names = [history().cells[number] for number in cell.tolist()]
    catalogue = history().catalogue
    write_day(folder / "past", "2026-01-08", names, minute, history().read(cell, minute), catalogue.names)
    write_catalogue(catalogue, folder / "past" / "catalogue.yaml")

    code, printed, _ = feed("--json", "past")

    document = json.loads(printed)
    assert (code, document["findings"], document["records"]["count"]) == (0, [], CELLS * 20)
    assert document["period"]["seen_minutes"] == 1


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot be read (No such file or directory)"),
        (b"PAR1 and more", "is Parquet; give the folder of the history"),
        (b"\x1f\x8b and more", "cannot be read ("),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_one_sentence(feed, folder, content, sentence):
    (folder / "broken").unlink(missing_ok=True)
    if content is not None:
        (folder / "broken").write_bytes(content)

    code, printed, beside = feed("broken")

    assert (code, printed) == (2, "")
    assert beside.startswith(f"faultline: broken: {sentence}")
    assert beside.count("\n") == 1


@pytest.mark.parametrize("content", [b"", b"\n\n"])
def test_an_empty_file_is_said(feed, folder, content):
    (folder / "empty").write_bytes(content)

    code, printed, _ = feed("empty")

    assert code == 0
    assert "holds no record" in printed


def test_a_strangers_names_are_harmless(feed, folder):
    nasty = [replace(one, features={"\x1b[31mred\n": 1}, cell="a\x1b[2Jb\n") for one in good(minutes=6)]
    (folder / "nasty").write_text(lines(nasty))

    code, printed, _ = feed("nasty")

    assert code == 3
    assert "\x1b" not in printed
    assert all(columns(line) <= 100 for line in printed.splitlines())


@pytest.mark.broker
def test_the_last_records_of_a_topic_are_looked_at(stage, capfd):
    config = str(stage.config())
    assert main(["feed", "--config", config]) == 0
    assert "holds no record" in capfd.readouterr().out

    stage.tell(told(0, 60))
    assert main(["feed", "--config", config, "--json"]) == 0
    document = json.loads(capfd.readouterr().out)
    assert (document["period"]["seen_minutes"], document["keys"]["partitions"]) == (1, stage.partitions)
    assert document["records"]["count"] == len(told(0, 60))

    minutes = range(60, 90)
    renamed = [
        value(one, minute, np.zeros(6)).replace(b"drops", b"drop_count") for minute in minutes for one in ("cell-0",)
    ]
    stage.tell(record("cell-0", minute, body) for minute, body in zip(minutes, renamed, strict=True))
    assert main(["feed", "--config", config, "--records", "40"]) == 3
    assert "drop_count" in capfd.readouterr().out


@pytest.mark.broker
def test_a_check_tells_of_the_feed_and_refuses_nothing_for_it(stage, capfd, kept_process):
    config = str(stage.config())
    stage.tell(told(0, 60))

    assert main(["check", "--config", config]) == 0
    assert "feed     " in capfd.readouterr().out

    stage.tell(record("cell-0", minute, b'{"cell": "cell-0"}') for minute in range(60, 200))
    assert main(["check", "--config", config]) == 0
    assert "feed     warning: " in capfd.readouterr().out
