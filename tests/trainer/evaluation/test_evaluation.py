"""The figures of an evaluation, on cases that can be checked by eye or by a slower way."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from detector.backtest.matching import ClassCounts, Episode
from detector.bundle.format import Bundle, read_bundle
from detector.core.encoder import Embeddings
from detector.core.ingest.samples import Samples
from detector.labels.builder import LabelMeta, LabelWindow, build_label, label_span
from detector.labels.embedding import label_windows
from tests.naive import auroc as slow_auroc
from tests.naive import warped_distance
from trainer.data.history import SimulatedHistory
from trainer.evaluation.baseline_methods import WARP_MINUTES, closeness, cosine, dtw_similarity
from trainer.evaluation.confusions import find_mistakes
from trainer.evaluation.dataset import NORMAL_WINDOWS, SINCE_ONSET, EvaluationWindows, cut_evaluation_windows
from trainer.evaluation.replay import auroc, summarize_outcomes
from trainer.evaluation.report.projection import flatten
from trainer.evaluation.selection import EpisodeSelection, select_episodes, select_taught, usable_classes
from trainer.metrics.nearest_exemplar import QuestionSheet, evaluate_nearest_exemplar, macro_f1

EACH = 6


def sheet(classes: Sequence[str] = ("a", "b", "c")) -> QuestionSheet:
    """Six events of each class in cells of their own, each shown once and asked once."""
    label = np.repeat(np.arange(len(classes)), EACH)
    place = np.arange(len(label))
    return QuestionSheet(
        classes=classes,
        question_class=label,
        question_event=place,
        question_cell=place,
        exemplar_class=label,
        exemplar_event=place,
        exemplar_cell=place,
    )


def everything(of: QuestionSheet) -> dict[str, NDArray[np.bool_]]:
    return {"all": np.ones(len(of.question_class), bool), "none": np.zeros(len(of.question_class), bool)}


def episode(name: str, cell: str, begin: int, minutes: int = 90, kind: str = "fault") -> Episode:
    return Episode(cell, name, kind, begin, begin + minutes)


def test_what_is_nearest_to_its_own_class_is_named_right_every_time(rng: np.random.Generator) -> None:
    asked = sheet()

    named = evaluate_nearest_exemplar(
        (asked.question_class[:, None] == asked.exemplar_class).astype(np.float32), asked, everything(asked), rng
    )

    assert named.macro_f1["all"] == named.accuracy["all"] == (1, 1, 1)
    assert np.isnan([*named.macro_f1["none"], *named.accuracy["none"]]).all()
    assert named.by_class["a"] == pytest.approx((1, 0.610, 1), abs=1e-3)  # Wilson's interval of 6 of 6
    np.testing.assert_array_equal(named.confusion, np.eye(3))


def test_what_is_nearest_to_another_class_is_never_named_right(rng: np.random.Generator) -> None:
    asked = sheet()

    named = evaluate_nearest_exemplar(
        (asked.question_class[:, None] != asked.exemplar_class).astype(np.float32), asked, everything(asked), rng
    )

    assert named.macro_f1["all"] == named.accuracy["all"] == (0, 0, 0)
    assert np.diag(named.confusion).sum() == 0


def test_nothing_is_recognised_by_its_own_event_or_cell(rng: np.random.Generator) -> None:
    # Given questions that are near to nothing but their own episode,
    asked = sheet()
    count = len(asked.question_class)
    lonely = np.eye(count, dtype=np.float32) - np.linspace(0, 1e-3, count, dtype=np.float32)

    named = evaluate_nearest_exemplar(lonely, asked, everything(asked), rng)
    one_cell = evaluate_nearest_exemplar(
        lonely, replace(asked, exemplar_event=asked.exemplar_event + 100), everything(asked), rng
    )

    # then all are called "a", whose examples come first: what was equal never counted.
    np.testing.assert_array_equal(named.confusion, [[1, 0, 0]] * 3)
    np.testing.assert_array_equal(one_cell.confusion, [[1, 0, 0]] * 3)


def test_guesses_are_right_as_often_as_chance_and_the_interval_says_so(rng: np.random.Generator) -> None:
    asked = sheet([str(number) for number in range(10)])

    named = evaluate_nearest_exemplar(rng.random((60, 60), np.float32), asked, everything(asked), rng)

    value, low, high = named.accuracy["all"]
    assert low < 0.1 < high
    assert low < value < high


def test_macro_f1_is_the_textbooks_where_classes_are_asked_alike() -> None:
    # Given a: 8 of 10 right; b: 6 of 10 right, and one of b's wrong names is an "a", three are "c"; c is not asked,
    table = np.array([[0.8, 0.2, 0.0], [0.1, 0.6, 0.3], [np.nan, np.nan, np.nan]])

    # then F1 is 2·8 / (2·8 + 2 + 1) and 2·6 / (2·6 + 4 + 2).
    assert macro_f1(table) == pytest.approx((16 / 19 + 12 / 18) / 2)


def test_an_auroc_is_the_share_of_pairs_in_the_right_order(rng: np.random.Generator) -> None:
    strange, normal = np.round(rng.normal(1, 1, 40), 1), np.round(rng.normal(0, 1, 70), 1)

    value, low, high = auroc(strange, list(range(40)), normal, list(range(70)), rng)

    assert value == pytest.approx(slow_auroc(strange, normal))
    assert low < value < high
    assert auroc(normal + 100, list(normal), normal, list(normal), rng) == (1, 1, 1)
    assert np.isnan(auroc(strange[:0], [], normal, list(range(70)), rng)).all()


def test_an_event_in_a_hundred_cells_is_one_event() -> None:
    missed = [(episode("a", f"cell-{number}", 1000), ClassCounts(1)) for number in range(100)]
    named = [
        (episode("a", f"cell-{number}", 2000 + number), ClassCounts(1, right=1, minutes=[12])) for number in range(3)
    ]

    told = summarize_outcomes([*missed, *named])

    assert (told.episodes, told.events) == (103, 4)
    assert (told.shares["right"][0], told.shares["missed"][0], told.minutes) == (0.75, 0.25, (12, 12))


def test_few_cells_of_an_event_are_chosen_and_none_with_another_class_beside_it(rng: np.random.Generator) -> None:
    region = [episode("a", f"cell-{number}", 1000) for number in range(50)]
    mixed = [episode("a", "x", 5000), episode("b", "x", 5050)]
    alone = [episode("b", "x", 9000), episode("b", "y", 9000), episode("c", "x", 20_000), episode("c", "x", 30_000)]

    choice = select_episodes([*region, *mixed, *alone], rng)

    assert [one.name for one in choice.episodes].count("a") == 3
    assert choice.mixed == 2
    assert len(np.unique(choice.event)) == 4
    # "a" and "b" have one event each, and both events of "c" were in one cell: nobody can be asked.
    assert usable_classes(choice.episodes, choice.event) == []


def test_one_episode_of_most_classes_is_taught_and_every_third_fault_is_not(rng: np.random.Generator) -> None:
    names = ["a", "b", "c", "d", "e", "f"]
    some = [episode(name, cell, 1000 * n) for name in names for n, cell in enumerate(("x", "y", "z"))]
    crowd = [episode("crowd", cell, 1000, kind="ignore") for cell in ("x", "y")]

    taught, left = select_taught([*some, *crowd], [*names, "crowd"], rng)

    assert len(left) == 2
    assert sorted([one.name for one in taught] + left) == sorted([*names, "crowd"])


class Days:
    """A simulated history as a reader of files would give it, in the order of minutes."""

    blocks = 1

    def __init__(self, history: SimulatedHistory, first: int, days: int) -> None:
        self._history, self._first, self._days = history, first, days
        self.catalogue = history.catalogue
        self.total_records = days * 1440 * len(history.cells)

    def days(self, block: int) -> Iterator[Samples]:
        count = len(self._history.cells)
        for day in range(self._days):
            minute = np.repeat(self._first + 1440 * day + np.arange(1440), count)
            cell = np.tile(np.arange(count), 1440)
            names = [self._history.cells[number] for number in cell.tolist()]
            yield Samples(block, np.arange(len(cell)), names, minute, self._history.read(cell, minute))

    def episode(self, cell: str, first: int, last: int) -> NDArray[np.float32]:
        number = list(self._history.cells).index(cell)
        return self._history.read(np.full(last - first, number), np.arange(first, last))


@pytest.fixture(scope="module")
def bundle(bundle_path: Path) -> Bundle:
    return read_bundle(bundle_path)


@pytest.fixture(scope="module")
def windows(town: SimulatedHistory, bundle: Bundle) -> EvaluationWindows:
    """Two episodes of a town to which nothing happens, one of them over midnight; and whatever else."""
    first = town.span[0]
    cells = town.cells
    listed = [episode("a", cells[3], first + 1400), episode("b", cells[4], first + 300, 20)]
    choice = EpisodeSelection(listed, np.array([0, 1]), 0)
    days = Days(town, first, 2)
    return cut_evaluation_windows(
        days, bundle.baseline, choice, listed=listed, min_coverage=0.5, rng=np.random.default_rng(0)
    )


def test_an_example_is_what_a_label_would_be(
    town: SimulatedHistory, bundle: Bundle, windows: EvaluationWindows
) -> None:
    for place, one in enumerate(windows.episodes):
        values = Days(town, town.span[0], 2).episode(
            one.cell, *label_span(one.begin, one.end, town.catalogue.granularity)
        )
        label = build_label(
            LabelWindow(values=values, catalogue=town.catalogue, baseline=bundle.baseline),
            LabelMeta(name=one.name, kind=one.kind, cell=one.cell, begin=one.begin, end=one.end),
        )

        np.testing.assert_array_equal(
            windows.exemplar_windows[windows.exemplar_episode == place], label_windows(label, town.catalogue)
        )


def test_a_question_has_seen_so_many_minutes_while_its_episode_lasts(windows: EvaluationWindows) -> None:
    # Given episodes of 90 and of 20 minutes,
    assert windows.minutes_seen[windows.question_episode == 0].tolist() == [m for m in SINCE_ONSET if m <= 90]
    assert windows.minutes_seen[windows.question_episode == 1].tolist() == [m for m in SINCE_ONSET if m <= 20]
    # then what is asked 60 minutes into the first is among what is shown of it, 90 minus six times five.
    asked = windows.question_windows[(windows.question_episode == 0) & (windows.minutes_seen == 60)][0]
    np.testing.assert_array_equal(windows.exemplar_windows[windows.exemplar_episode == 0][6], asked)


def test_normal_windows_lie_where_nothing_is_listed(windows: EvaluationWindows) -> None:
    assert NORMAL_WINDOWS * 0.9 < len(windows.normal_windows) <= NORMAL_WINDOWS
    assert len(windows.normal_cell) == len(windows.normal_windows)


def leading(windows: NDArray[np.int8], /) -> Embeddings:
    """Points wherever the last minute's first two features do."""
    direction = windows[:, -1, :2].astype(np.float32) + np.float32(1e-3)
    length = np.linalg.norm(direction, axis=1, keepdims=True)
    ones = np.ones(len(windows), np.float16)
    return Embeddings((direction / length).astype(np.float16), ones, ones[:, None])


def flat_window(*values: int) -> NDArray[np.int8]:
    return np.tile(np.array(values, np.int8), (60, 1))


def test_a_mistake_names_the_feature_that_carried_it() -> None:
    # Given classes that move feature 0 and feature 1, and a window of the first in which feature 1 moves more,
    shown = np.stack([flat_window(80, 0, 0), flat_window(80, 0, 0), flat_window(0, 80, 0)])
    asked = flat_window(20, 70, 9)[None]
    episodes = [episode("a", "x", 0), episode("a", "y", 1), episode("b", "z", 2)]
    nothing = np.empty((0, 60, 3), np.int8)
    one = EvaluationWindows(
        episodes=episodes,
        event=np.arange(3),
        exemplar_windows=shown,
        exemplar_episode=np.arange(3),
        question_windows=asked,
        question_episode=np.array([0]),
        minutes_seen=np.array([60]),
        normal_windows=nothing,
        normal_cell=[],
    )
    who = QuestionSheet(
        classes=["a", "b"],
        question_class=np.array([0]),
        question_event=np.array([0]),
        question_cell=np.array([0]),
        exemplar_class=np.array([0, 0, 1]),
        exemplar_event=np.arange(3),
        exemplar_cell=np.arange(3),
    )
    near = cosine(leading(asked).direction.astype(np.float32), leading(shown).direction.astype(np.float32))

    (mistake,) = find_mistakes(near, who, one, questions=np.array([0]), episodes=np.arange(3), encode=leading)

    assert (mistake.question, mistake.right, mistake.wrong) == (0, 1, 2)
    assert mistake.lead == pytest.approx((70 - 20) / np.hypot(70, 20), abs=1e-3)
    assert mistake.contributions[0][0] == 1
    assert mistake.contributions[0][1] == pytest.approx(mistake.lead + 1, abs=1e-2)
    assert find_mistakes(-near, who, one, questions=np.array([0]), episodes=np.arange(3), encode=leading) == []


def test_near_is_near_by_either_measure(rng: np.random.Generator) -> None:
    queries, supports = rng.normal(size=(5, 7)).astype(np.float32), rng.normal(size=(3, 7)).astype(np.float32)

    apart = [[-((q - s) ** 2).sum() for s in supports] for q in queries]
    angle = [[q @ s / np.linalg.norm(q) / np.linalg.norm(s) for s in supports] for q in queries]

    np.testing.assert_allclose(closeness(queries, supports), apart, atol=1e-4)
    np.testing.assert_allclose(cosine(queries, supports), angle, atol=1e-5)


def test_warping_is_that_of_the_slow_twin(rng: np.random.Generator) -> None:
    pytest.importorskip("dtaidistance", reason="the extra `evaluate` is not installed")
    queries, supports = (rng.normal(size=(n, 60, 2)).astype(np.float32) for n in (2, 3))

    near = dtw_similarity(queries.reshape(2, -1), supports.reshape(3, -1))

    slow = [[-warped_distance(q, s, WARP_MINUTES) for s in supports] for q in queries]
    np.testing.assert_allclose(near, slow, rtol=1e-5)


def test_a_map_keeps_a_plane_as_it_is(rng: np.random.Generator) -> None:
    plane = rng.normal(size=(50, 2)) * (3, 1)
    turned = (plane @ np.linalg.qr(rng.normal(size=(8, 8)))[0][:2]).astype(np.float32)

    flat, share = flatten(turned, turned)

    assert share == pytest.approx(1)
    apart = [np.linalg.norm(rows[:, None] - rows, axis=2) for rows in (flat, plane)]
    np.testing.assert_allclose(*apart, atol=1e-4)
