"""How far ordinary life reaches is told by ordinary life: not by what befell many cells at once, nor by one of them."""

import numpy as np
import pytest
from numpy.typing import NDArray

from detector.core.scoring.tail_fit import FAR_TAIL, TAIL, TWO_HOURS, fit_tail

CELLS, MOMENTS = 200, 24
ENDS = np.repeat(np.arange(MOMENTS), CELLS) * TWO_HOURS + 7


def life(seed: int = 1) -> NDArray[np.float32]:
    """Exponential peaks of one column, each in a stretch of three windows. # [S, 3, 1]"""
    rng = np.random.default_rng(seed)
    smooth = np.zeros((len(ENDS), 3, 1), np.float32)
    smooth[:, 1, 0] = rng.exponential(size=len(ENDS))
    return smooth


def test_an_exponential_is_found_again() -> None:
    found = fit_tail(life(), ENDS)
    assert found.location[0] == pytest.approx(-np.log(TAIL), abs=0.15)
    assert found.scale[0] == pytest.approx(1, abs=0.15)


def test_what_befell_a_third_of_the_cells_at_once_has_no_say() -> None:
    befallen = life()
    for moment in (5, 6):
        rows = np.flatnonzero(moment == ENDS // TWO_HOURS)[: CELLS // 3]
        befallen[rows, 1, 0] += 30
    calm, other = fit_tail(life(), ENDS), fit_tail(befallen, ENDS)
    assert other.scale[0] == pytest.approx(calm.scale[0], rel=0.1)
    assert other.location[0] == pytest.approx(calm.location[0], rel=0.1)
    together = fit_tail(befallen, np.zeros_like(ENDS))
    assert together.scale[0] > 5 * calm.scale[0], "were it not known when, it would hide the class"


def test_another_column_keeps_the_moment() -> None:
    both = np.concatenate([life(1), life(2)], axis=2)
    both[ENDS // TWO_HOURS == 5, 1, 0] += 30
    alone = fit_tail(life(2), ENDS)
    found = fit_tail(both, ENDS)
    assert found.location[1] == alone.location[0]
    assert found.scale[1] == alone.scale[0]


def test_what_recurs_every_day_is_ordinary() -> None:
    """Twelve of twenty-four moments: no alarm is to be raised for it."""
    daily = life()
    daily[(ENDS // TWO_HOURS) % 2 == 0, 1, 0] += 2
    assert fit_tail(daily, ENDS).location[0] > fit_tail(life(), ENDS).location[0] + 1


def test_a_few_stretches_of_one_moment_are_chance() -> None:
    lucky = life()
    lucky[np.flatnonzero(ENDS // TWO_HOURS == 5)[:3], 1, 0] = 50
    few = slice(5 * CELLS, 5 * CELLS + 20)
    assert fit_tail(lucky[few], ENDS[few]).scale[0] > 20, "too few to be a crowd: they are believed"


def test_a_crowd_everywhere_leaves_the_rest_to_judge_by() -> None:
    assert np.isfinite(fit_tail(np.ones((6, 2, 1), np.float32), np.zeros(6, np.int64)).location).all()


@pytest.mark.parametrize("stretches", [1, 2, 5, 40])
def test_few_stretches_are_enough(stretches: int) -> None:
    found = fit_tail(life()[:stretches], ENDS[:stretches])
    assert np.isfinite(found.location).all()
    assert (found.scale > 0).all()
    assert 0 < FAR_TAIL < TAIL < 1
