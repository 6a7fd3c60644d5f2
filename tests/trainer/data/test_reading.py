"""A history read from files as it is asked for, against the same files in a dictionary."""

from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from detector.core.features import Catalogue
from detector.history.parquet import HistoryError, ParquetDays
from tests.builders import catalogue
from tests.trainer.files import write_catalogue
from tests.trainer.twins import slow_history, slow_read
from trainer.data.baselines import fit_baseline
from trainer.data.history import ParquetHistory

FIRST = 29_459_520
DAYS = 3
CELLS = 40
"""More than are remembered as one."""

FEATURES = catalogue(3)


def write_file(
    path: Path, cells: np.ndarray, minute: np.ndarray, values: np.ndarray, received: np.ndarray | None, group: int
) -> None:
    """# cells, minute [n], values [n, F], received [n]"""
    columns = {"cell": pyarrow.array(cells.tolist()), "minute": pyarrow.array(minute)}
    if received is not None:
        columns["received"] = pyarrow.array(received)
    for feature, name in enumerate(FEATURES.names):
        columns[name] = pyarrow.array(values[:, feature], from_pandas=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.table(columns), path, row_group_size=group)


def write_history(folder: Path, rng: np.random.Generator) -> None:
    """Some hours of each day, by cell, by minute or in no order, in files of some cells, with and without arrival.

    A tenth of the minutes is missing, another is told twice with other values, and cells come and go.
    """
    write_catalogue(FEATURES, folder / "catalogue.yaml")
    names = np.array([f"cell {number}" for number in rng.permutation(CELLS)])
    with_arrival = rng.random() < 0.5
    for day in range(DAYS):
        there = rng.permutation(CELLS)[: int(rng.integers(CELLS // 2, CELLS))]
        for part, cells in enumerate(np.array_split(there, rng.integers(1, 4))):
            minute = FIRST + day * 1440 + rng.integers(1200) + np.arange(40)
            who, when = np.repeat(cells, len(minute)), np.tile(minute, len(cells))
            rows = rng.permutation(len(who))[: int(0.9 * len(who))]
            rows = np.concatenate([rows, rng.choice(rows, len(rows) // 10)])
            order = rng.choice(["by cell", "by minute", "in no order"])
            rows = rows[np.lexsort({"by cell": (when[rows], who[rows]), "by minute": (who[rows], when[rows])}[order])] \
                if order != "in no order" else rows  # fmt: skip
            values = rng.normal(size=(len(rows), 3)).astype(np.float32)
            values[rng.random(values.shape) < 0.2] = np.nan
            received = when[rows] * 60.0 + rng.integers(0, 4, len(rows)) * 60 if with_arrival else None
            path = folder / f"day={day}" / f"{'ab'[int(rng.integers(2))]}{part}.parquet"
            write_file(path, names[who[rows]], when[rows], values, received, int(rng.integers(20, 2000)))


@pytest.mark.parametrize("seed", range(12))
def test_every_read_gives_what_the_same_files_give_in_a_dictionary(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    write_history(tmp_path, rng)
    told = slow_history(tmp_path)

    history = ParquetHistory(tmp_path)

    assert list(history.cells) == sorted({cell for cell, _ in told})
    assert history.span == (min(minute for _, minute in told), max(minute for _, minute in told) + 1)
    everywhere = np.arange(history.span[0] - 2, history.span[1] + 2)
    for count in (1, 7, 3000):
        cell = rng.integers(len(history.cells), size=count)
        minute = rng.choice(everywhere, count)
        np.testing.assert_array_equal(history.read(cell, minute), slow_read(told, history.cells, cell, minute, 3))
    cell, minute = np.repeat(np.arange(len(history.cells)), len(everywhere)), np.tile(everywhere, len(history.cells))
    np.testing.assert_array_equal(history.read(cell, minute), slow_read(told, history.cells, cell, minute, 3))


@pytest.mark.parametrize("seed", range(3))
def test_an_episode_of_one_cell_is_what_a_read_gives(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    write_history(tmp_path, rng)
    (cell, minute), *_ = told = slow_history(tmp_path)

    values = ParquetDays(tmp_path).episode(cell, minute - 5, minute + 40)

    expected = slow_read(told, [cell], np.zeros(45, int), np.arange(minute - 5, minute + 40), 3)
    np.testing.assert_array_equal(values, expected)


def test_nothing_asked_for_is_nothing_told(tmp_path: Path) -> None:
    write_history(tmp_path, np.random.default_rng(1))

    assert ParquetHistory(tmp_path).read(np.zeros(0, int), np.zeros(0, int)).shape == (0, 3)


def test_what_a_wrong_clock_told_of_another_year_is_no_part_of_the_past(tmp_path: Path) -> None:
    # Given a day of twenty cells, of which one says a minute of the year after,
    write_catalogue(FEATURES, tmp_path / "catalogue.yaml")
    minute = np.repeat(FIRST + np.arange(100), 20)
    minute[1000] += 525_600
    cells = np.tile([f"c{number:02d}" for number in range(20)], 100)
    write_file(tmp_path / "any.parquet", cells, minute, np.ones((2000, 3), np.float32), None, 500)

    history = ParquetHistory(tmp_path)

    assert history.span == (FIRST, FIRST + 100)
    assert np.isfinite(fit_baseline(history).table).all()


@pytest.mark.bitwise
def test_baselines_do_not_depend_on_how_much_is_read_together(tmp_path: Path) -> None:
    write_history(tmp_path, np.random.default_rng(2))
    history = ParquetHistory(tmp_path)

    little, much = (fit_baseline(history, rows_at_once=rows).table for rows in (1, history.rows_at_once))

    np.testing.assert_array_equal(little, much)


def test_a_row_without_a_cell_is_refused_with_the_file(tmp_path: Path) -> None:
    write_catalogue(FEATURES, tmp_path / "catalogue.yaml")
    values = {name: [1.0, 2.0] for name in FEATURES.names}
    pyarrow.parquet.write_table(
        pyarrow.table({"cell": ["a", None], "minute": [1, 2], **values}), tmp_path / "x.parquet"
    )

    with pytest.raises(HistoryError, match=r"x\.parquet: has rows without a cell; every minute of a history has cell"):
        ParquetHistory(tmp_path)


@pytest.mark.parametrize("lacking", ["f1", "cell", "minute"])
def test_a_file_without_a_column_is_refused(tmp_path: Path, lacking: str) -> None:
    write_catalogue(FEATURES, tmp_path / "catalogue.yaml")
    columns = {"cell": ["a"], "minute": [FIRST], "f0": [1.0], "f1": [1.0], "f2": [1.0]}
    columns.pop(lacking)
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "x.parquet")

    with pytest.raises(HistoryError, match=lacking):
        ParquetHistory(tmp_path).read(np.zeros(1, int), np.array([FIRST]))


def test_another_tools_types_are_read_as_well(tmp_path: Path) -> None:
    """Whole numbers of 32 bits, doubles, names as a dictionary."""
    write_catalogue(Catalogue(FEATURES.features[:1]), tmp_path / "catalogue.yaml")
    cell = pyarrow.array(["b", "a", "b"]).dictionary_encode()
    table = {"cell": cell, "minute": pyarrow.array([100, 100, 101], "int32"), "f0": pyarrow.array([1.5, 2.5, None])}
    pyarrow.parquet.write_table(pyarrow.table(table), tmp_path / "x.parquet")

    values = ParquetHistory(tmp_path).read(np.array([0, 1, 1]), np.array([100, 100, 101]))

    np.testing.assert_array_equal(values, np.array([[2.5], [1.5], [np.nan]], np.float32))
