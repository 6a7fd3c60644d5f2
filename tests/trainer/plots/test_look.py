"""`faultline-trainer look`: plots of a scenario or history, and their printed summaries."""

import re
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from detector.core.features import Catalogue, Feature
from tests.trainer.files import write_catalogue
from trainer.__main__ import main
from trainer.plots import choose_cell, choose_episodes, open_subject
from trainer.plots.style import WIDTH

SCENARIO = """
about: Thirty cells for a day, dead name servers in one and a weak branch in another.
network: {cells: 30, seed: 21, operator: A}
start: 2026-01-09
days: 1
faults:
  - {class: dns_failure, cell: A00003-1, at: "12:05", minutes: 45, severity: 0.9}
  - {class: rx_branch_loss, cell: A00005-2, at: "18:00", minutes: 60, severity: 0.3}
"""
WEEK, DNS, BRANCH = "week-A00003-1.png", "fault-dns_failure-A00003-1.png", "fault-rx_branch_loss-A00005-2.png"

FOREIGN = Catalogue(
    (
        Feature("drops", "1", "counter", "log1p", low=0.0, high=1e9, group="QUALITY"),
        Feature("load", "%", "ratio", "identity", low=0.0, high=100.0),
    )
)


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("look") / "scenario.yaml"
    path.write_text(SCENARIO)
    return path


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """History of a real network: four hours of three cells, `south` the busiest."""
    import pyarrow
    import pyarrow.parquet

    folder = tmp_path / "foreign"
    (folder / "day=2026-01-05").mkdir(parents=True)
    write_catalogue(FOREIGN, folder / "catalogue.yaml")
    minute = np.tile(29_459_520 + np.arange(240), 3)
    level = np.repeat([1.0, 2.0, 9.0], 240)
    drops = pyarrow.array(level.astype(np.float32), mask=(level == 1) & (minute % 7 == 0))
    cell = np.repeat(["east", "north", "south"], 240)
    table = {"cell": cell, "minute": minute, "drops": drops, "load": (level * 10).astype(np.float32)}
    pyarrow.parquet.write_table(pyarrow.table(table), folder / "day=2026-01-05" / "minutes.parquet")
    return folder


@pytest.fixture(scope="module")
def drawn(scenario: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Folder of the scenario's pictures, and the summary of each by its name."""
    return look(scenario, tmp_path_factory.mktemp("look") / "drawn")


def look(source: Path, out: Path, *more: str) -> tuple[Path, dict[str, str]]:
    lines = StringIO()
    with redirect_stdout(lines):
        assert main(["look", str(source), "--out", str(out), *more]) == 0
    summaries = [line.split(": ", 1) for line in lines.getvalue().splitlines()]
    assert {path for path, _ in summaries} <= {str(path) for path in out.iterdir()}
    return out, {Path(path).name: words for path, words in summaries}


def refusal(capsys: pytest.CaptureFixture[str], source: Path, out: Path, *more: str) -> str:
    assert main(["look", str(source), "--out", str(out), *more]) == 2
    sentence = capsys.readouterr().err
    assert sentence.startswith("faultline-trainer: ")
    assert sentence.count("\n") == 1
    return sentence.removeprefix("faultline-trainer: ").strip()


def test_every_picture_is_as_wide_as_promised_and_shows_something(drawn: tuple[Path, dict[str, str]]) -> None:
    folder, words = drawn

    pictures = {path.name: imread(path) for path in folder.iterdir()}
    assert set(pictures) == set(words) == {WEEK, DNS, BRANCH, "population.png"}
    for name, pixels in pictures.items():
        assert pixels.shape[1] == WIDTH, name
        assert 1000 <= pixels.shape[0] <= 1500, name
        assert len(np.unique((pixels[::7, ::7, :3] * 255).astype(np.uint8).reshape(-1, 3), axis=0)) > 10, name


def test_the_words_name_what_a_fault_really_moves(drawn: tuple[Path, dict[str, str]]) -> None:
    _, words = drawn

    moved = re.search(r"dns_timeout ([\d.]+) -> ([\d.]+) per minute \(\+", words[DNS])
    assert moved is not None
    assert float(moved[2]) > 10 * float(moved[1])
    assert re.search(r"rssi_br[01]_dbm -\d+\S* -> -\d+\S* dBm \(-", words[BRANCH])
    assert "dns_failure Fri 9 Jan 2026 12:05 to 12:50" in words[WEEK]
    assert "30 of 30 cells on Fri 9 Jan 2026" in words["population.png"]


def test_the_week_is_that_of_the_episode_asked_for_or_else_of_the_gravest(scenario: Path) -> None:
    subject = open_subject(str(scenario))
    effects = subject.effects()

    assert choose_episodes(subject, effects, None) == np.argsort(-effects).tolist()
    chosen = {requested: choose_cell(subject, None, choose_episodes(subject, effects, requested), effects)
              for requested in (0, 1, None)}  # fmt: skip
    assert [subject.cells[cell] for cell, _ in chosen.values()] == ["A00003-1", "A00005-2", "A00003-1"]
    assert chosen[1][1] == subject.span[0] + 18 * 60


def test_a_written_folder_shows_its_files_and_the_episode_asked_for(
    scenario: Path, drawn: tuple[Path, dict[str, str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = tmp_path / "written"
    assert main(["simulate", str(scenario), "--out", str(written), "--workers", "1"]) == 0
    capsys.readouterr()

    folder, words = look(written, tmp_path / "out", *("--episode", "1", "--cell", "A00003-1"))

    assert words == {name: summary for name, summary in drawn[1].items() if name != DNS}
    assert (imread(folder / WEEK) == imread(drawn[0] / WEEK)).all()
    for path in written.glob("day=*/*"):
        path.unlink()
    assert "give another folder, or finish the run" in refusal(capsys, written, tmp_path / "gone")


def test_a_history_that_nobody_simulated_has_a_week_and_a_population(foreign: Path, tmp_path: Path) -> None:
    _, words = look(foreign, tmp_path)

    assert set(words) == {"week-south.png", "population.png"}
    assert words["week-south.png"].startswith("drops 9 to 9 per minute")
    assert "3 of 3 cells" in words["population.png"]


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (("--cell", "A00003-9"), "--cell A00003-9: {source} has no such cell among its 30; did you mean A00003-"),
        (("--episode", "2"), "--episode 2: {source} has episodes 0 to 1; give one of them, or leave the option out."),
    ],
)
def test_what_the_scenario_does_not_have_is_said_in_one_sentence(
    scenario: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], sentence: str
) -> None:
    assert refusal(capsys, scenario, tmp_path / "out", *more).startswith(sentence.format(source=scenario))
    assert not (tmp_path / "out").exists()


def test_what_is_no_network_is_said_in_one_sentence(
    foreign: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere, empty, file, out = (tmp_path / name for name in ("nowhere", "empty", "file", "out"))
    empty.mkdir()
    file.write_text("")

    assert refusal(capsys, nowhere, out).startswith(f"{nowhere}: cannot be read (No such file or directory); give a")
    assert refusal(capsys, empty, out).endswith("put the catalogue of the features there.")
    assert refusal(capsys, foreign, out, "--episode", "0") == (
        f"--episode 0: {foreign} has no known episodes; leave the option out."
    )
    assert "cannot be written (Not a directory); give another folder" in refusal(capsys, foreign, file)
