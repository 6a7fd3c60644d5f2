"""A class may have a budget of its own: it moves that class's threshold, and what is left to the others theirs."""

import numpy as np
import pytest

from detector.core.encoder import Embeddings
from detector.core.scoring.classifier import BLOCKS_PER_1000_CELL_DAYS, FAULT, NORMAL, UNKNOWN, Classifier, threshold
from detector.core.scoring.exemplars import Exemplar, ExemplarIndex
from detector.core.scoring.tail_fit import CEILING, FLOOR
from tests.builders import embedded, exemplar, ordinary_life, unit
from tests.core.scoring.test_classifier import ALPHA, BETA, HELD, STADIUM, WEIGHTS

BUDGET = 50.0


def judge_of(*exemplars: Exemplar, **own: float) -> Classifier:
    return Classifier(ExemplarIndex(exemplars, ordinary_life(np.random.default_rng(1))), WEIGHTS, BUDGET, own)


def asked(count: int = 2000) -> Embeddings:
    """Windows of all directions and sizes."""
    rng = np.random.default_rng(7)
    return embedded(np.stack([unit(*one) for one in rng.normal(size=(count, 4))]), np.exp(rng.normal(0, 1, count)))


def thresholds(judge: Classifier, own: dict[str, float]) -> dict[str, float]:
    """What each class's unmoved scores must reach, one class at a time."""
    others = [name for name in judge.classes if name not in own]
    left = BUDGET - sum(own[name] for name in judge.classes if name in own)
    return {name: threshold(1, own.get(name, left / max(1, len(others)))) for name in judge.classes}


@pytest.mark.parametrize(
    "own", [{}, {"alpha": 1.0}, {"alpha": 49.0}, {"unknown": 0.01, "beta": 20.0}, {"alpha": 3, "beta": 4, "unknown": 5}]
)
def test_verdicts_are_those_of_a_threshold_for_each_class(own: dict[str, float]) -> None:
    plain, judge = judge_of(ALPHA, BETA, STADIUM), judge_of(ALPHA, BETA, STADIUM, **own)
    scores, needed = plain.score_classes(asked()).astype(np.float32), np.array(list(thresholds(plain, own).values()))
    expected = [
        FAULT if (row[:-1] >= needed[:-1]).any() else UNKNOWN if row[-1] >= needed[-1] else NORMAL for row in scores
    ]
    clear = (np.abs(scores - needed) > 0.05).all(axis=1)  # half precision rounds a score and a moved one differently
    assert clear.mean() > 0.9
    assert np.array(expected)[clear].tolist() == judge.decide(asked()).kind[clear].tolist()


def test_without_one_not_a_bit_is_another_and_the_one_for_a_class_that_nobody_taught_is_nobodys() -> None:
    plain, spared = judge_of(ALPHA, BETA, STADIUM, HELD), judge_of(ALPHA, BETA, STADIUM, HELD, never_taught=49.0)
    assert spared.threshold == plain.threshold
    assert np.array_equal(plain.score_columns(asked()), spared.score_columns(asked()))


def test_what_a_class_may_spend_moves_no_other_classes_scores() -> None:
    plain, judge = judge_of(ALPHA, BETA), judge_of(ALPHA, BETA, beta=1.0)
    before, after = plain.score_classes(asked()).astype(np.float32), judge.score_classes(asked()).astype(np.float32)
    assert np.array_equal(before[:, [0, 2]], after[:, [0, 2]])
    moved = (before[:, 1] > FLOOR) & (before[:, 1] < CEILING)
    assert after[moved, 1] == pytest.approx(before[moved, 1] - np.log(24.5), abs=0.05)
    assert judge.threshold == pytest.approx(threshold(2, 49.0))


def test_a_held_class_is_recognised_by_its_own_budget_too() -> None:
    plain, judge = judge_of(ALPHA, HELD), judge_of(ALPHA, HELD, gamma=1.0)
    assert judge.threshold == plain.threshold, "it is told to nobody, and takes nothing from the others"
    assert judge.score_columns(asked())[:, -1].max() < plain.score_columns(asked())[:, -1].max()


def test_ordinary_life_spends_about_what_each_may() -> None:
    stretches, length, own = 6000, 40, {"alpha": 40.0, "unknown": 160.0}
    rng = np.random.default_rng(11)
    library = ExemplarIndex([ALPHA, BETA, exemplar("delta", unit(0, 0, 0, 1))], ordinary_life(rng, stretches, length))
    judge = Classifier(library, np.ones(1, np.float32), 300.0, own)
    fresh = ordinary_life(rng, stretches, length).stretches
    scores = judge.score_classes(fresh.reshaped(-1)).astype(np.float32).reshape(stretches, length, -1)
    alarms = (scores >= judge.threshold).any(axis=1).sum(axis=0)
    promised = np.array([40.0, 50.0, 50.0, 160.0]) * stretches / BLOCKS_PER_1000_CELL_DAYS
    assert (abs(alarms - promised) <= 3 * np.sqrt(promised)).all(), (alarms, promised)  # the draw's own
