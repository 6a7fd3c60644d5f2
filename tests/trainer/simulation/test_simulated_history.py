"""A simulated past in files: `faultline-trainer simulate`, and what is read back."""

import csv
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest

from detector.config.catalogue import read_catalogue
from tests.kafka.broker import ROOT
from tests.trainer.files import write_catalogue, write_day
from trainer.__main__ import main
from trainer.data.history import START_MINUTE, HistoryError, ParquetHistory, SimulatedHistory
from trainer.simulation.episodes_file import COLUMNS
from trainer.simulation.parquet_writer import ArchiveError
from trainer.simulation.run import write
from trainer.simulator import OPERATOR_B, Network, PreparedScenario, catalogue, prepare_scenario, read_scenario

SPAN = (START_MINUTE, START_MINUTE + 1440)

SCENARIO = """
network: {cells: 6, seed: 3, operator: A}
days: 1
faults:
  - {class: cell_outage, cell: A00000-2, at: "08:00", minutes: 90, severity: 1}
  - {class: mass_event, cell: A00001-1, at: "18:00", severity: 0.8, place: site}
"""


def simulate(scenario: Path, out: Path, *more: str) -> int:
    return main(["simulate", str(scenario), "--out", str(out), "--workers", "1", *more])


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scenarios") / "six.yaml"
    path.write_text(SCENARIO)
    return path


@pytest.fixture(scope="module")
def folder(scenario: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("histories") / "six"
    assert simulate(scenario, out, "--labels") == 0
    return out


@pytest.fixture(scope="module")
def told(scenario: Path) -> PreparedScenario:
    return prepare_scenario(read_scenario(str(scenario)), "six")


@pytest.fixture(scope="module")
def simulated(told: PreparedScenario) -> SimulatedHistory:
    """What the files should hold."""
    return SimulatedHistory(told.timeline.network, SPAN, told.timeline.episodes)


def everything(history: SimulatedHistory | ParquetHistory) -> np.ndarray:
    minutes = np.arange(*history.span)
    count = len(history.cells)
    return history.read(np.repeat(np.arange(count), len(minutes)), np.tile(minutes, count))


def test_what_is_read_is_what_was_simulated_to_the_last_bit(folder: Path, simulated: SimulatedHistory) -> None:
    written = ParquetHistory(folder)

    assert list(written.cells) == list(simulated.cells)
    assert written.span == SPAN
    np.testing.assert_array_equal(everything(written), everything(simulated))


def test_not_reported_is_null_in_the_files_and_nan_in_memory(folder: Path, simulated: SimulatedHistory) -> None:
    (file,) = folder.glob("day=*/*.parquet")
    table = pyarrow.parquet.ParquetFile(file).read()
    values = everything(simulated)

    assert np.isnan(values).any()
    assert table.column_names == ["cell", "minute", *simulated.catalogue.names]
    for feature, name in enumerate(simulated.catalogue.names):
        absent = table[name].is_null().to_numpy()
        assert not table[name].is_null(nan_is_null=True).to_numpy()[~absent].any()
        np.testing.assert_array_equal(absent, np.isnan(values[:, feature]))


def test_the_simulated_past_begins_on_a_monday(folder: Path) -> None:
    monday = datetime.fromtimestamp(START_MINUTE * 60, UTC)

    assert monday.strftime("%A %H:%M") == "Monday 00:00"
    assert list((folder / f"day={monday.date()}").glob("*.parquet"))


def test_the_episodes_stand_beside_the_minutes_one_line_for_each_stricken_cell(folder: Path) -> None:
    with (folder / "episodes.csv").open() as file:
        header, *rows = csv.reader(file)

    assert tuple(header) == COLUMNS == ("cell", "class", "kind", "begin", "end", "severity", "effect")
    assert [(cell, name, kind) for cell, name, kind, *_ in rows] == [
        ("A00000-2", "cell_outage", "fault"),
        ("A00001-1", "mass_event", "ignore"),
        ("A00001-2", "mass_event", "ignore"),
        ("A00001-3", "mass_event", "ignore"),
    ]
    outage = rows[0]
    assert (int(outage[3]), int(outage[4])) == (SPAN[0] + 480, SPAN[0] + 570)
    assert float(outage[5]) == 1
    assert float(outage[6]) > 20  # nothing is more visible than a cell that is gone


def test_labels_say_of_each_minute_what_was_wrong(folder: Path, told: PreparedScenario) -> None:
    (file,) = folder.glob("_labels/day=*/*.parquet")
    rows = pyarrow.parquet.ParquetFile(file).read().to_pylist()

    outage = [row for row in rows if row["class"] == "cell_outage"]
    assert [row["minute"] for row in outage] == list(range(SPAN[0] + 480, told.timeline.episodes[0].effect_end))
    assert {row["cell"] for row in outage} == {"A00000-2"}
    assert [row["phase"] for row in outage[8:12]] == ["onset", "onset", "active", "active"]
    assert outage[-1]["phase"] == "recovery"
    assert {row["role"] for row in rows if row["class"] == "neighbour_absorb"} == {"secondary"}


def test_labels_are_no_part_of_the_history(folder: Path, simulated: SimulatedHistory) -> None:
    assert len(ParquetHistory(folder).cells) == len(simulated.cells)


def test_another_operators_history_holds_what_it_delivers_in_its_units(scenario: Path, tmp_path: Path) -> None:
    scenario_b = tmp_path / "b.yaml"
    scenario_b.write_text("network: {cells: 3, seed: 3, operator: B}\ndays: 0.1\n")
    assert simulate(scenario_b, tmp_path / "b") == 0

    written = ParquetHistory(tmp_path / "b")

    assert len(written.catalogue) == 105
    assert written.catalogue == OPERATOR_B.measurement.catalogue()
    history = SimulatedHistory(Network(3, seed=3, operator=OPERATOR_B), written.span)
    np.testing.assert_array_equal(everything(written), everything(history))


def test_what_came_late_twice_or_never_is_written_as_it_came(scenario: Path, tmp_path: Path) -> None:
    rough = tmp_path / "rough.yaml"
    rough.write_text("network: {cells: 60, seed: 3}\ndays: 0.5\ndelivery: live\n")
    assert simulate(rough, tmp_path / "rough") == 0

    (file,) = (tmp_path / "rough").glob("day=*/*.parquet")
    table = pyarrow.parquet.ParquetFile(file).read()

    pairs = set(zip(table["cell"].to_pylist(), table["minute"].to_pylist(), strict=True))
    assert len(pairs) < 60 * 720
    assert table.num_rows > len(pairs)
    latency = table["received"].to_numpy() - 60 * (table["minute"].to_numpy() + 1)
    assert 10 < np.median(latency) < 40
    history = ParquetHistory(tmp_path / "rough")
    assert np.isnan(everything(history)).all(axis=1).any()


def test_the_same_run_again_goes_on_and_another_is_refused(
    scenario: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    # Given a run of two days that lost one of its files and left half of another behind,
    out = tmp_path / "out"
    assert simulate(scenario, out, "--days", "2") == 0
    first, second = sorted(out.glob("day=*/*.parquet"))
    whole, kept = second.read_bytes(), first.stat().st_mtime_ns
    second.unlink()
    half = second.with_name(f".{second.name}.99")
    half.write_bytes(whole[:1000])

    assert simulate(scenario, out, "--days", "2") == 0
    assert "1 of 2 files are written already" in capfd.readouterr().out
    assert second.read_bytes() == whole
    assert first.stat().st_mtime_ns == kept
    assert not half.exists()

    assert simulate(scenario, out) == 2
    refusal = capfd.readouterr().err
    assert f"{out}: holds another run" in refusal
    assert refusal.count("\n") == 1


def test_a_folder_with_something_else_in_it_is_left_alone(
    scenario: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thesis.txt").write_text("mine")

    assert simulate(scenario, tmp_path) == 2
    assert "is not empty" in capfd.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """A process that may not write larger ones: as far as a full disk can be had without a disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)


def test_a_full_disk_ends_in_one_sentence_and_leaves_no_half_file(scenario: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    # A process of its own: those that simulate are forked from a server, which would keep this one's limits.
    limited = ["sh", "-c", f'ulimit -f {100_000 // 512}; exec "$@"', "sh", sys.executable]
    command = [*limited, "-m", "trainer", "simulate", str(scenario), "--out", str(out), "--workers", "1"]
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=False)

    assert done.returncode == 2
    assert "cannot be written" in done.stderr
    assert "the same command again" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not [path for path in out.rglob("*minutes*") if path.is_file()]


@pytest.mark.parametrize("name", ["simulation.yaml", "catalogue.yaml", "episodes.csv"])
def test_a_disk_too_full_for_the_small_files_ends_in_a_sentence_too_and_leaves_no_half_of_them(
    scenario: Path, told: PreparedScenario, tmp_path: Path, name: str
) -> None:
    # Given a run of which all that was to be written before the file is there,
    small = ["simulation.yaml", "catalogue.yaml", "episodes.csv"]
    out, read = tmp_path / "out", read_scenario(str(scenario))
    write(read, told, out, False, 1)
    for other in small[small.index(name) :]:
        (out / other).unlink()
    for day in out.glob("day=*"):
        shutil.rmtree(day)
    before = sorted(out.iterdir())

    with files_of_at_most(10), pytest.raises(ArchiveError) as refusal:
        write(read, told, out, False, 1)

    remedy = "free disk space or take another folder, then give the same command again."
    assert str(refusal.value) == f"{out / name}: cannot be written (File too large); {remedy}"
    assert sorted(out.iterdir()) == before


def test_a_folder_that_is_a_file_is_refused_in_one_sentence(
    scenario: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").write_text("mine")

    assert simulate(scenario, tmp_path / "out") == 2

    assert capfd.readouterr().err.startswith(
        f"faultline-trainer: {tmp_path / 'out'}: cannot be written (Not a directory)"
    )
    assert (tmp_path / "out").read_text() == "mine"


def test_the_episodes_are_written_once_and_again_only_where_they_are_gone(
    scenario: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert simulate(scenario, out) == 0
    assert "6 cells, 2 episodes, seed 3" in capfd.readouterr().out
    written = (out / "episodes.csv").read_bytes()
    before = (out / "episodes.csv").stat().st_mtime_ns

    assert simulate(scenario, out) == 0
    assert "6 cells, 2 episodes, seed 3" in capfd.readouterr().out
    assert (out / "episodes.csv").stat().st_mtime_ns == before

    (out / "episodes.csv").unlink()
    (out / ".episodes.csv.99").write_text("half of it")
    assert simulate(scenario, out) == 0
    assert (out / "episodes.csv").read_bytes() == written
    assert not (out / ".episodes.csv.99").exists()


def test_the_catalogue_lies_beside_the_minutes(folder: Path) -> None:
    assert read_catalogue(folder / "catalogue.yaml") == catalogue()


def test_minutes_outside_a_history_were_not_reported(folder: Path) -> None:
    written = ParquetHistory(folder)

    outside = written.read(np.array([0, 2]), np.array([SPAN[0] - 1, SPAN[1]]))

    assert np.isnan(outside).all()


def test_cells_are_in_order_and_a_minute_that_a_cell_did_not_tell_is_a_hole(tmp_path: Path) -> None:
    small = replace(catalogue(), features=catalogue().features[:2])
    write_catalogue(small, tmp_path / "catalogue.yaml")
    values = np.array([[1, 2], [3, np.nan], [5, 6]], np.float32)
    write_day(tmp_path, "2026-01-05", ["b", "a", "b"], np.array([100, 100, 102]), values, small.names)

    history = ParquetHistory(tmp_path)

    assert list(history.cells) == ["a", "b"]
    assert history.span == (100, 103)
    nan = np.nan
    told = [[3, nan], [nan, nan], [nan, nan], [1, 2], [nan, nan], [5, 6]]
    np.testing.assert_array_equal(everything(history), np.array(told, np.float32))


def test_a_folder_that_is_not_there_ends_in_one_sentence(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    gone = tmp_path / "gone"

    code = main(["train", "--history", str(gone), "--out", str(tmp_path / "bundle")])

    assert code == 2
    told = capfd.readouterr().err
    assert told.startswith(f"faultline-trainer: {gone}")
    assert "cannot be read" in told
    assert told.count("\n") == 1


def test_a_folder_without_a_minute_is_no_history_and_says_so_in_one_line(tmp_path: Path) -> None:
    write_catalogue(catalogue(), tmp_path / "catalogue.yaml")

    with pytest.raises(HistoryError, match=r"make one with `faultline-trainer simulate`\.$") as refusal:
        ParquetHistory(tmp_path)

    assert "\n" not in str(refusal.value)


def test_training_refuses_a_missing_history_before_it_learns_for_minutes(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    gone = tmp_path / "gone"

    code = main(["train", "--out", str(tmp_path / "bundle"), "--history", str(gone), "--cells", "3"])

    assert code == 2
    assert str(gone) in capfd.readouterr().err


@pytest.mark.parametrize("knob", ["--cells", "--days", "--workers"])
def test_a_history_of_nothing_is_refused_with_a_sentence(
    scenario: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], knob: str
) -> None:
    try:
        code = simulate(scenario, tmp_path / "out", knob, "0")
    except SystemExit as refusal:  # argparse ends so
        code = int(str(refusal.code))

    assert code == 2
    assert knob.removeprefix("--") in capfd.readouterr().err
