"""Processes that share the work of one command."""

import os
from functools import partial
from pathlib import Path

import pytest

from trainer.workers import SharedCounter, WorkerError, run_workers


def tell_parent(path: Path, count: SharedCounter) -> None:
    path.write_text(str(os.getppid()))
    count.add(3)


def test_none_is_forked_from_a_process_that_may_have_threads(tmp_path: Path) -> None:
    # Beside threads that resolve names, one in fifteen forks never resolved one: its producer timed out.
    count, parents = SharedCounter(), [tmp_path / "one", tmp_path / "other"]

    run_workers([partial(tell_parent, path, count) for path in parents], 2, count)

    assert count.value == 6
    assert str(os.getpid()) not in [path.read_text() for path in parents]


def test_one_that_is_killed_ends_the_work_with_the_remedy() -> None:
    with pytest.raises(WorkerError, match="fewer --workers"):
        run_workers([partial(os._exit, 9)], 1, SharedCounter())
