"""What joining two embeddings side by side costs, in sentences made of this run's figures alone."""

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


@dataclass(frozen=True)
class Gap:
    """From one side to another, in shares of pairs told right."""

    one: str
    other: str
    difference: float
    half: float


def gaps(answers: Mapping[Variant, Sequence[PairAnswers]]) -> tuple[list[Gap], str]:
    """The differences of the three sides, over the same pairs, and what they say; sides on the first encoder."""
    found = {
        side: mean_pairs(told) for contestant, told in reversed(list(answers.items())) if (side := _side(contestant))
    }
    there = {side: pairs for side in SIDES if (pairs := found.get(side)) is not None}
    missing = [SIDES[side] for side in SIDES if side not in there]
    right = [f"{SIDES[side]} was right in {_percent(pairs.mean())}" for side, pairs in there.items()]
    compared = [
        _gap(one, other, there)
        for one, other in (("concatenation", "distance"), ("distance", "contrastive"))
        if one in there and other in there
    ]
    parts = []
    if right:
        parts.append(f"Asked whether two windows of classes it had not learned are of one class, {_row(right)} (chance")
        parts[-1] += f" {_percent(0.5)}){''.join(f'; {_words(gap)}' for gap in compared)}."
    if missing:
        parts.append(f"Not trained in this run, and so not compared: {_row(missing)}.")
    return compared, " ".join(parts)


def _side(contestant: Variant) -> str:
    """Its key in SIDES, if it has one: a loss with options of its own is another."""
    side = contestant.join if contestant.join is not None else contestant.loss
    return side if all(name == "join" for name, _ in contestant.options) else contestant.key


def _gap(one: str, other: str, pairs: Mapping[str, NDArray[np.float64]]) -> Gap:
    difference = pairs[other] - pairs[one]
    return Gap(one, other, float(difference.mean()), half_interval(difference))


def _words(gap: Gap) -> str:
    one, other = SIDES[gap.one], SIDES[gap.other]
    points = f"{abs(100 * gap.difference):.1f} ± {100 * gap.half:.1f} points"
    if abs(gap.difference) <= gap.half:
        return f"between {one} and {other} these pairs show no difference ({points})"
    ahead, behind = (other, one) if gap.difference > 0 else (one, other)
    return f"{ahead} is {points} ahead of {behind}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _row(parts: Sequence[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
