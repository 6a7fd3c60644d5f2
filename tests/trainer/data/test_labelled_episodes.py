"""Labelled episodes of a real network as classes to learn: what is cut, what its twin is, and what is refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from detector.backtest.matching import Episode
from detector.core.features import Baseline, Catalogue
from detector.history.parquet import HistoryError
from tests.builders import catalogue
from tests.trainer.files import write_catalogue, write_day
from tests.trainer.twins import TableHistory, slow_window
from trainer.__main__ import main
from trainer.data.baselines import fit_baseline
from trainer.data.examples import Examples
from trainer.data.history import SimulatedHistory
from trainer.data.labelled_episodes import DAYS, add_labelled_episodes, cut_labelled_episodes
from trainer.data.sampler import ClassBalancedSampler
from trainer.errors import TrainingError

FIRST, DAYS_TOLD = 28_800_000, 5
CELLS = ("a", "b", "c")


@pytest.fixture(scope="module")
def past() -> TableHistory:
    """Five days of three cells with three features, the first a daily wave."""
    rng = np.random.default_rng(8)
    minute = FIRST + np.arange(DAYS_TOLD * 1440)
    values = rng.normal(0, 1, (len(CELLS), len(minute), 3))
    values[:, :, 0] += 5 * np.sin(2 * np.pi * (minute % 1440) / 1440)
    return TableHistory(catalogue(), CELLS, FIRST, values.astype(np.float32))


@pytest.fixture(scope="module")
def usual(past: TableHistory) -> Baseline:
    return fit_baseline(past)


def episode(cell: str, day: int, at: int, name: str = "leak", minutes: int = 200) -> Episode:
    begin = FIRST + 1440 * day + at
    return Episode(cell, name, "fault", begin, begin + minutes)


def test_windows_lie_in_the_episode_and_twins_at_the_same_time_of_the_day_before(
    past: TableHistory, usual: Baseline
) -> None:
    told = [episode("a", 2, 600), episode("c", 3, 900)]

    lessons = cut_labelled_episodes(past, usual, told, "episodes.csv")

    assert (lessons.names, lessons.skipped) == (["leak"], [])
    ends = [one.begin + minutes for one in told for minutes in (4, 27, 50, 73, 96, 119)]
    cells = [CELLS.index(one.cell) for one in told for _ in range(6)]
    assert len(lessons.examples.windows) == len(ends)
    for place, (cell, end) in enumerate(zip(cells, ends, strict=True)):
        np.testing.assert_array_equal(lessons.examples.windows[place], slow_window(past, usual, cell, end))
        np.testing.assert_array_equal(lessons.examples.twins[place], slow_window(past, usual, cell, end - 1440))


def test_a_twin_keeps_away_from_what_is_listed_for_its_cell(past: TableHistory, usual: Baseline) -> None:
    told = [episode("a", 3, 600), episode("c", 3, 900), episode("a", 2, 560, "other", 10), episode("c", 2, 10, "other")]

    lessons = cut_labelled_episodes(past, usual, told, "episodes.csv")

    first = lessons.names.index("leak")
    rows = np.flatnonzero(lessons.examples.label == first)
    end = told[0].begin + 4
    np.testing.assert_array_equal(lessons.examples.twins[rows[0]], slow_window(past, usual, 0, end - 2 * 1440))
    np.testing.assert_array_equal(
        lessons.examples.twins[rows[6]], slow_window(past, usual, 2, told[1].begin + 4 - 1440)
    )


def test_on_the_first_day_the_twin_lies_a_day_later(past: TableHistory, usual: Baseline) -> None:
    told = [episode("a", 0, 600), episode("b", 0, 600)]

    lessons = cut_labelled_episodes(past, usual, told, "episodes.csv")

    np.testing.assert_array_equal(lessons.examples.twins[0], slow_window(past, usual, 0, told[0].begin + 4 + 1440))
    assert DAYS[0] == 1


def test_a_class_of_one_episode_is_skipped_and_said_also_where_the_same_line_stands_twice(
    past: TableHistory, usual: Baseline
) -> None:
    told = [episode("a", 2, 600), episode("b", 2, 600), *[episode("c", 3, 60, "lonely")] * 2]

    lessons = cut_labelled_episodes(past, usual, told, "episodes.csv")

    assert lessons.names == ["leak"]
    assert lessons.skipped == ["lonely: has 1 of the 2 usable episodes that a class needs."]


def test_an_episode_that_was_not_reported_is_skipped_and_said(past: TableHistory, usual: Baseline) -> None:
    silent = replace(past, values=past.values.copy())
    silent.values[1, 2 * 1440 + 500 : 2 * 1440 + 900] = np.nan
    told = [episode("a", 2, 600), episode("b", 2, 600), episode("c", 2, 600), episode("c", 0, 0, "early", 9)]

    lessons = cut_labelled_episodes(silent, usual, told, "episodes.csv")

    assert lessons.names == ["leak"]
    assert len(lessons.examples.label) == 12
    assert lessons.skipped == [
        f"leak of b at {told[1].begin}: no window and its twin were reported.",
        f"early of c at {told[3].begin}: the history begins too late for a window.",
        "early: has 0 of the 2 usable episodes that a class needs.",
    ]


@pytest.mark.parametrize(
    ("cell", "day", "sentence"),
    [
        (
            "z",
            2,
            r"^lines\.csv: cell 'z' is not in the history \(cells: 3\)\. Give the history in which these",
        ),
        (
            "a",
            5,
            r"^lines\.csv: leak of a from minute \d+ to \d+ lies outside the history \(28800000 to 28807200\)",
        ),
        ("a", -1, r"lies outside the history"),
    ],
)
def test_episodes_of_another_network_or_time_are_refused(
    cell: str, day: int, sentence: str, past: TableHistory, usual: Baseline
) -> None:
    with pytest.raises(HistoryError, match=sentence):
        cut_labelled_episodes(past, usual, [episode(cell, day, 600)], "lines.csv")


def test_lessons_stand_beside_simulated_classes_and_share_the_ones_they_name(
    past: TableHistory, usual: Baseline
) -> None:
    told = [episode(cell, 2, 600, name) for name in ("drip", "known") for cell in "ab"]
    lessons = cut_labelled_episodes(
        past, usual, [replace(one, begin=one.begin + 5 * len(one.name)) for one in told], "x"
    )
    windows = np.zeros((4, 60, 3), np.int8)
    simulated = Examples(windows, windows, np.array([0, 1, 2, 3]), np.ones(4, np.float32), np.array([0, 1, 0, 1]))

    examples, named = add_labelled_episodes(simulated, lessons, ["other", "known"])

    assert named == ["other", "known", "drip"]
    assert examples.label.tolist() == [0, 1, 3, 4, *[2] * 12, *[1] * 12]
    assert len(examples.windows) == len(examples.twins) == len(examples.effect) == 28
    assert examples.network.tolist() == [0, 1, 0, 1, *[2] * 24], "theirs is a network of its own"


def test_a_feature_never_reported_or_always_the_same_breaks_nothing(past: TableHistory) -> None:
    odd = replace(past, values=past.values.copy())
    odd.values[:, :, 1] = np.nan
    odd.values[:, :, 2] = 7

    usual = fit_baseline(odd)
    lessons = cut_labelled_episodes(odd, usual, [episode("a", 2, 600), episode("b", 2, 600)], "episodes.csv")

    assert np.isfinite(usual.table.astype(np.float32)).all()
    assert (usual.table[:, 0] > 0).all()
    assert (lessons.examples.windows[:, :, 1] == -128).all()
    assert (np.abs(lessons.examples.windows[:, :, 2]) <= 1).all()
    assert np.isfinite(lessons.examples.effect).all()


def test_a_history_without_a_value_is_refused(past: TableHistory) -> None:
    void = replace(past, values=np.full_like(past.values, np.nan))

    with pytest.raises(
        HistoryError, match=r"^the history holds no value of its 3 cells from minute 28800000 to 28807200"
    ):
        fit_baseline(void)


def test_windows_of_another_catalogue_are_refused() -> None:
    windows = np.zeros((80, 60, 3), np.int8)
    examples = Examples(windows, windows, np.repeat(np.arange(40), 2), np.ones(80, np.float32), np.zeros(80, np.int64))
    four = Catalogue(catalogue(4).features)

    with pytest.raises(
        TrainingError, match=r"^the windows have the shape \(60, 3\); the catalogue's 4 features need \(60, 4\)"
    ):
        ClassBalancedSampler(examples, 0, four, 0)


def test_a_class_of_one_window_is_refused() -> None:
    windows = np.zeros((81, 60, 3), np.int8)
    examples = Examples(
        windows, windows, np.r_[np.repeat(np.arange(40), 2), 77], np.ones(81, np.float32), np.zeros(81, np.int64)
    )

    with pytest.raises(
        TrainingError, match=r"^class 77 has one window; a class needs two, to be compared with each other\. Give"
    ):
        ClassBalancedSampler(examples, 0, catalogue(), 0)


def test_nothing_to_learn_from_is_refused() -> None:
    none, number = np.zeros((0, 60, 3), np.int8), np.empty(0, np.int64)

    with pytest.raises(TrainingError, match=r"^0 named and 0 procedural classes do not fill a batch of 32 classes\. "):
        ClassBalancedSampler(Examples(none, none, number, np.empty(0, np.float32), number), 0, catalogue(), 0)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (
            ["--episodes", "lines.csv"],
            "--episodes lines.csv: a simulated network has no such episodes; give the network's --history, too.",
        ),
        (
            ["--episodes", "lines.csv", "--faults", "synthetic"],
            "--episodes lines.csv: labelled episodes are learned only beside simulated faults, ",
        ),
        (
            ["--loss-option", "margin=0.3"],
            "the loss supervised_contrastive has no option 'margin'. Its options are embedding.",
        ),
        (["--loss", "triplet", "--loss-option", "mining=easy"], "the loss triplet has mining 'easy'; allowed are "),
        (
            ["--loss", "triplet", "--loss-option", "margin=-1"],
            "the loss triplet has margin -1.0; allowed is a number above 0. Give such a number.",
        ),
    ],
)
def test_what_cannot_be_trained_on_is_refused_before_anything_is_simulated(
    more: list[str], sentence: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code = main(["train", "--out", str(tmp_path / "bundle"), "--cells", "3", *more])

    told = capfd.readouterr().err
    assert code == 2
    assert told.startswith(f"faultline-trainer: {sentence}")
    assert told.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_labelled_cell_that_the_history_lacks_ends_the_command_with_a_sentence(
    town: SimulatedHistory, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    minute = town.span[0] + np.arange(240)
    history = tmp_path / "history"
    history.mkdir()
    write_catalogue(town.catalogue, history / "catalogue.yaml")
    values = town.read(np.full(240, 3), minute)
    write_day(history, "2026-01-05", [town.cells[3]] * 240, minute, values, town.catalogue.names)
    lines = tmp_path / "episodes.csv"
    lines.write_text(f"cell,class,kind,begin,end,effect\nnowhere,leak,fault,{minute[80]},{minute[90]},3\n")
    out = tmp_path / "bundle"

    code = main(["train", "--out", str(out), "--history", str(history), "--episodes", str(lines), "--cells", "3"])

    told = capfd.readouterr().err
    assert code == 2
    assert told.startswith(f"faultline-trainer: {lines}: cell 'nowhere' is not in the history (cells: 1). ")
    assert not (tmp_path / "bundle.training").exists()


@pytest.mark.parametrize("given", [["--loss-option", "margin"], ["--checkpoint-minutes", "-1"], ["--devices", "0"]])
def test_a_knob_turned_too_far_is_refused_by_its_name(given: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["train", "--out", "bundle", *given])

    assert given[0] in capfd.readouterr().err
