"""A smoothed score is a finite weighted mean of the last minutes, whatever stood in the ring before."""

import numpy as np
import pytest

from detector.core.encoder import Embeddings
from detector.core.scoring.score_history import ScoreHistory
from detector.core.settings import kernel
from tests.builders import T0, embedded


def scores_of(minutes: dict[int, float], weights: np.ndarray, keep: int, row: int = 1) -> ScoreHistory:
    scores = ScoreHistory(3, 1, 1, weights, keep)
    for minute, score in minutes.items():
        push(scores, row, minute, score)
    return scores


def push(scores: ScoreHistory, row: int, minute: int, score: float) -> None:
    one = embedded(np.full((1, 1), score, np.float16), np.ones(1))
    scores.push(np.array([row]), np.array([T0 + minute]), one, np.array([[score]], np.float16))


def smoothed(scores: ScoreHistory, minute: int, row: int = 1) -> float:
    return float(scores.smoothed_scores(np.array([row]), np.array([T0 + minute]))[0, 0])


def test_the_kernel_halves_every_half_life() -> None:
    assert kernel(5, 2.0)[::2].tolist() == [1, 0.5, 0.25]


def test_the_newest_minute_weighs_most() -> None:
    scores = scores_of({0: 8, 1: 0, 2: 0}, kernel(3, 1.0), 6)
    assert [smoothed(scores, minute) for minute in (0, 1, 2)] == pytest.approx([8, 8 / 3, 8 / 7])


def test_a_mean_of_less_than_half_the_weight_does_not_count() -> None:
    scores = scores_of({0: 8}, kernel(4, 1e9), 8)
    assert np.isnan([smoothed(scores, minute) for minute in (0, 1, 2, 3)]).all()
    push(scores, 1, 1, 4)
    assert smoothed(scores, 1) == 6
    assert np.isnan(smoothed(scores, 4))


def test_minutes_never_scored_do_not_weigh() -> None:
    assert smoothed(scores_of({0: 3, 2: 3}, kernel(3, 1.0), 6), 2) == 3


def test_minutes_older_than_the_ring_leave_no_trace() -> None:
    scores = scores_of({0: 8, 7: 2}, kernel(2, 1.0), 7)
    assert smoothed(scores, 7) == 2


def test_another_owner_of_a_row_begins_with_nothing() -> None:
    scores = scores_of({0: 8, 1: 8}, kernel(2, 1.0), 4)
    scores.reset(np.array([1]))
    assert np.isnan(smoothed(scores, 1))
    push(scores, 1, 1, 2)
    assert smoothed(scores, 1) == 2


@pytest.mark.bitwise
def test_a_smoothed_score_is_the_same_bits_beside_any_neighbours() -> None:
    rng = np.random.default_rng(2)
    many, weights = 60, kernel(9, 3.0)
    scores = ScoreHistory(many, 1, 1, weights, 20)
    rows = np.arange(many)
    for minute in range(20):
        told = rows[rng.random(many) < 0.8]
        score = rng.normal(0, 3, (len(told), 1)).astype(np.float16)
        scores.push(told, np.full(len(told), T0 + minute), embedded(score, np.ones(len(told))), score)
    together = scores.smoothed_scores(rows, np.full(many, T0 + 19))
    alone = np.concatenate([scores.smoothed_scores(rows[[k]], np.array([T0 + 19])) for k in range(many)])
    assert np.array_equal(together, alone, equal_nan=True)


def test_history_is_the_smoothed_past_and_raw_the_unsmoothed() -> None:
    scores = scores_of({0: 1, 1: 2, 3: 4}, kernel(1, 1.0), 5)
    assert scores.smoothed_history(1, T0 + 3, 4)[:, 0].tolist() == pytest.approx([1, 2, np.nan, 4], nan_ok=True)
    assert scores.raw_history(1, T0 + 3, 3)[:, 0].tolist() == pytest.approx([2, np.nan, 4], nan_ok=True)


def test_another_library_scores_the_past_anew() -> None:
    scores = scores_of({0: 1, 1: 2}, kernel(2, 1e9), 4)
    scores.use_classifier(lambda kept, _: np.repeat(kept.direction * 2, 3, axis=1), 3)
    scores.refresh(np.array([1]))
    assert scores.smoothed_scores(np.array([1]), np.array([T0 + 1]))[0].tolist() == [3, 3, 3]


def test_the_past_is_scored_anew_once_and_only_of_those_who_are_asked_about() -> None:
    scores, asked = scores_of({0: 1, 1: 2}, kernel(2, 1e9), 4), []

    def judged(kept: Embeddings, minute: np.ndarray) -> np.ndarray:
        asked.append(len(kept))
        return kept.direction

    scores.use_classifier(judged, 1)
    scores.reset(np.array([2]))
    for rows in ([1], [1], [2], [1, 2]):
        scores.refresh(np.array(rows))
    assert asked == [4], "a new cell has no past"
    scores.use_classifier(judged, 1)
    scores.refresh(np.array([0, 1]))
    assert asked == [4, 8]
