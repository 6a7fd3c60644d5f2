"""A simulated past in files: `faultline-trainer simulate`, and what is read back."""

import csv
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest

from detector.config import read_catalogue, write_catalogue
from trainer.__main__ import main
from trainer.episodes import COLUMNS, draw_episodes
from trainer.history import START_MINUTE, HistoryError, ParquetHistory, SimulatedHistory, write_day
from trainer.simulator import FAULTS, Network, catalogue

SPAN = (START_MINUTE, START_MINUTE + 1440)


def simulate(out: Path, *more: str) -> int:
    usual = ["--cells", "3", "--days", "1", "--episodes", "2", "--workers", "1"]
    return main(["simulate", "--out", str(out), *usual, *more])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("histories") / "three"
    assert simulate(out) == 0
    return out


@pytest.fixture(scope="module")
def simulated() -> SimulatedHistory:
    """What the files should hold."""
    network = Network(3, seed=0)
    return SimulatedHistory(network, SPAN, draw_episodes(network, SPAN, 2, np.random.default_rng([0, 11])))


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
    (file,) = folder.glob("day=*/minutes.parquet")
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
    assert (folder / f"day={monday.date()}" / "minutes.parquet").is_file()


def test_the_episodes_stand_beside_the_minutes(folder: Path, simulated: SimulatedHistory) -> None:
    with (folder / "episodes.csv").open() as file:
        header, *rows = csv.reader(file)

    assert tuple(header) == COLUMNS == ("cell", "class", "kind", "begin", "end", "severity")
    told = sorted(simulated.episodes, key=lambda episode: episode.begin)
    assert len(rows) == len(told) == 2
    for (cell, name, kind, begin, end, severity), episode in zip(rows, told, strict=True):
        assert cell == simulated.cells[episode.cell]
        assert (int(begin), int(end)) == (episode.begin, episode.end)
        assert SPAN[0] <= int(begin) < int(end) <= SPAN[1]
        assert kind == ("fault" if FAULTS[name].kind == "fault" else "ignore")
        assert float(severity) == pytest.approx(episode.severity, abs=1e-3)


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


def test_a_folder_that_is_not_there_ends_in_one_sentence(
    configuration: Callable[..., Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    gone = tmp_path / "gone"
    episode = ["--cell", "A00000-1", "--class", "backhaul_loss", "--begin", "0", "--end", "9"]

    code = main(["label", "--config", str(configuration()), "--history", str(gone), *episode])

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


def test_a_second_history_in_the_same_folder_leaves_nothing_of_the_first(tmp_path: Path) -> None:
    assert simulate(tmp_path, "--days", "2") == 0
    code = simulate(tmp_path, "--cells", "1", "--days", "1")

    assert code == 2 or len(ParquetHistory(tmp_path).cells) == 1


@pytest.mark.parametrize("knob", ["--cells", "--days", "--workers"])
def test_a_history_of_nothing_is_refused_with_a_sentence(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], knob: str
) -> None:
    try:
        code = simulate(tmp_path, knob, "0")
    except SystemExit as refusal:  # argparse ends so
        code = int(str(refusal.code))

    assert code == 2
    assert knob.removeprefix("--") in capfd.readouterr().err


def test_a_fault_that_only_some_cells_can_have_befalls_one_of_those() -> None:
    network = Network(60, seed=3)

    episodes = draw_episodes(network, SPAN, 30, np.random.default_rng(1), names=("sync_loss_tdd",))

    assert 0 < network.statics.tdd.sum() < 60
    assert all(network.statics.tdd[episode.cell] for episode in episodes)


def test_every_episode_lies_inside_the_history_in_a_cell_of_its_network() -> None:
    network = Network(4, seed=3)

    episodes = draw_episodes(network, SPAN, 200, np.random.default_rng(1))

    assert len(episodes) == 200
    assert all(SPAN[0] <= episode.begin < episode.end <= SPAN[1] for episode in episodes)
    assert {episode.cell for episode in episodes} == {0, 1, 2, 3}
    assert all(0.12 <= episode.severity <= 1 for episode in episodes)
