"""Cost of a head over two concatenated embeddings, compared with two other ways, as figures and as sentences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.loss_comparison.results import PairAnswers, mean_pairs
from trainer.loss_comparison.variants import Variant
from trainer.metrics.embedding import half_interval

SIDES = {
    "concatenation": "the head over a concatenation",
    "distance": "the Euclidean layer",
    "contrastive": "the contrastive loss with a cut-off",
}
"""Compared ways to decide whether two windows are of one class, with their names in sentences."""

COMPARISONS = (("concatenation", "distance"), ("distance", "contrastive"))


@dataclass(frozen=True)
class Gap:
    """Difference of two sides in the share of pairs classified right, second minus first, with half of its interval."""

    first: str
    second: str
    difference: float
    half: float


def compare_heads(answers: Mapping[Variant, Sequence[PairAnswers]]) -> tuple[list[Gap], str]:
    """Return the differences of the sides over the same pairs, and a text about them.

    Of several encoders, the first one counts.
    """
    by_side = {
        side: mean_pairs(variant_answers)
        for variant, variant_answers in reversed(list(answers.items()))
        if (side := _side(variant))
    }
    trained = {side: pairs for side in SIDES if (pairs := by_side.get(side)) is not None}
    gaps = [_gap(first, second, trained) for first, second in COMPARISONS if first in trained and second in trained]
    return gaps, _text(gaps, trained)


def _text(gaps: Sequence[Gap], trained: Mapping[str, NDArray[np.float64]]) -> str:
    missing = [SIDES[side] for side in SIDES if side not in trained]
    right = [f"{SIDES[side]} was right in {_percent(pairs.mean())}" for side, pairs in trained.items()]
    parts = []
    if right:
        differences = "".join(f"; {_gap_text(gap)}" for gap in gaps)
        parts.append(
            f"For the question whether two windows of unseen classes are of one class, {_enumerate(right)} (chance"
            f" {_percent(0.5)}){differences}."
        )
    if missing:
        parts.append(f"Not trained in this run, and so not compared: {_enumerate(missing)}.")
    return " ".join(parts)


def _side(variant: Variant) -> str:
    """Return the variant's key in SIDES, or another key: a loss with options of its own is not compared."""
    side = variant.join if variant.join is not None else variant.loss
    return side if all(name == "join" for name, _ in variant.options) else variant.key


def _gap(first: str, second: str, pairs: Mapping[str, NDArray[np.float64]]) -> Gap:
    difference = pairs[second] - pairs[first]
    return Gap(first, second, float(difference.mean()), half_interval(difference))


def _gap_text(gap: Gap) -> str:
    first, second = SIDES[gap.first], SIDES[gap.second]
    points = f"{abs(100 * gap.difference):.1f} ± {100 * gap.half:.1f} points"
    if abs(gap.difference) <= gap.half:
        return f"between {first} and {second} these pairs show no difference ({points})"
    ahead, behind = (second, first) if gap.difference > 0 else (first, second)
    return f"{ahead} is {points} ahead of {behind}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _enumerate(parts: Sequence[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
