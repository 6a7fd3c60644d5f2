"""What a calibration says it can promise is what comes of drawing it again."""

import numpy as np
import pytest

from detector.core.scoring.classifier import BLOCKS_PER_1000_CELL_DAYS, threshold
from detector.core.scoring.tail_fit import TWO_HOURS, fit_tail
from trainer.calibration.budget_interval import budget_interval, print_budget_interval


@pytest.mark.parametrize(("stretches", "classes"), [(1200, 1), (4800, 1), (4800, 10)])
def test_of_many_calibrations_nineteen_in_twenty_keep_within(stretches: int, classes: int) -> None:
    """Exponential life, so that what comes of a threshold is known: BLOCKS · exp(-level) for each class."""
    rng, budget = np.random.default_rng(3), 5.0
    low, high = budget_interval(stretches, budget, classes)
    ends = np.arange(stretches) * TWO_HOURS
    came = []
    for _ in range(200):
        found = fit_tail(rng.exponential(size=(stretches, 1, classes)).astype(np.float32), ends)
        level = found.location + threshold(classes, budget) * found.scale
        came.append(BLOCKS_PER_1000_CELL_DAYS * np.exp(-level.astype(float)).sum())
    within = np.mean([low <= one <= high for one in came])
    assert 0.88 <= within < 1


def test_more_stretches_promise_more() -> None:
    wide, narrow = budget_interval(1200, 5, 10), budget_interval(12_000, 5, 10)
    assert wide[0] < narrow[0] < 5 < narrow[1] < wide[1]


def test_a_handful_of_stretches_is_said_to_promise_nothing() -> None:
    assert budget_interval(1, 5, 10)[1] > 1000


def test_it_is_told_of_what_the_history_holds(capsys: pytest.CaptureFixture[str]) -> None:
    print_budget_interval(1200, 2100.0, 10_080)
    told = capsys.readouterr().out.replace("\n", " ")
    assert "calibrated on 100 cell-days: with a budget of 5 false alarms and 10 classes taught, expect" in told
    assert "the history spans" not in told
    assert "too little" not in told
    print_budget_interval(1200, 30.0, 3 * 1440)
    told = capsys.readouterr().out.replace("\n", " ")
    assert "too little past to tell: 30 cell-days, 100 wanted" in told
    assert "calibrated on 30 cell-days:" in told
    assert "the history spans 3.0 days:" in told
