"""Every cell has a row of its own, and gives it back."""

import numpy as np

from detector.core.ingest.cell_index import CellIndex


def test_a_cell_keeps_its_row() -> None:
    cells = CellIndex(10)
    rows, new = cells.locate(0, ["a", "b", "a"])
    assert (rows.tolist(), new.tolist()) == ([0, 1, 0], [0, 1])
    rows, new = cells.locate(0, ["b", "c"])
    assert (rows.tolist(), new.tolist()) == ([1, 2], [2])


def test_a_row_that_was_given_back_is_the_next_to_be_taken() -> None:
    cells = CellIndex(2)
    cells.locate(0, ["a", "b"])
    cells.remove(0, np.array([0]))
    assert len(cells) == 1
    rows, new = cells.locate(0, ["c"])
    assert (rows.tolist(), new.tolist(), cells.names) == ([0], [0], ["c", "b"])


def test_beyond_the_limit_there_is_no_row_and_known_cells_keep_theirs() -> None:
    cells = CellIndex(2)
    rows, new = cells.locate(0, ["a", "b", "c", "a", "c"])
    assert (rows.tolist(), new.tolist()) == ([0, 1, -1, 0, -1], [0, 1])


def test_a_cell_seen_on_two_partitions_is_two_cells() -> None:
    cells = CellIndex(10)
    cells.locate(0, ["a"])
    rows, _ = cells.locate(1, ["a"])
    assert rows.tolist() == [1]
    assert (cells.rows_of(0).tolist(), cells.rows_of(1).tolist()) == ([0], [1])
    cells.remove(0, cells.rows_of(0))
    assert (cells.rows_of(0).tolist(), cells.rows_of(1).tolist()) == ([], [1])
