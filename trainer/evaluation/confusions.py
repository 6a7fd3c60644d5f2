"""The most confident wrong names, and which features carried them: each feature in turn made usual, what then changes.

What matters is how much nearer the wrong example lies than the right one; a feature carried that as far as the lead
shrinks when the feature is taken to be as usual for the whole hour.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.core.encoder import Encode
from trainer.evaluation.baseline_methods import cosine
from trainer.evaluation.dataset import EvaluationWindows
from trainer.metrics.nearest_exemplar import QuestionSheet

MOST = 4
"""Mistakes shown: what a person looks at in one sitting."""

CARRIERS = 6
"""Features drawn of each."""


@dataclass(frozen=True)
class Confusion:
    question: int
    """By its place in the cut."""
    right: int
    """Episode of the right name that lies nearest, by its place in the cut; and of the wrong one."""
    wrong: int
    lead: float
    """Cosine to the wrong example less that to the right one."""
    carried: list[tuple[int, float]]
    """Features, and by how much the lead shrinks without each; the largest first."""


def find_mistakes(
    similarity: NDArray[np.float32],
    sheet: QuestionSheet,
    cut: EvaluationWindows,
    questions: NDArray[np.int64],
    episodes: NDArray[np.int64],
    encode: Encode,
) -> list[Confusion]:
    """One of each kind of confusion, the most confident first. # similarity [Q, E], of these questions and episodes"""
    found: list[Confusion] = []
    seen: set[tuple[int, int]] = set()
    right, wrong, lead = _leads(similarity, sheet)
    for row in np.argsort(-lead, kind="stable").tolist():
        kind = (int(sheet.asked[row]), int(sheet.shown[wrong[row]]))
        if not lead[row] > 0 or len(found) == MOST:
            break
        if kind not in seen:
            seen.add(kind)
            places = int(questions[row]), int(episodes[right[row]]), int(episodes[wrong[row]])
            found.append(Confusion(*places, float(lead[row]), _carriers(cut, *places, encode)))
    return found


def _leads(
    similarity: NDArray[np.float32], sheet: QuestionSheet
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Nearest example of the right class, nearest of any other, and the latter's lead; -inf where there is no fair
    example of the right class. # -> [Q], [Q], [Q]
    """
    own = sheet.asked[:, None] == sheet.shown
    fair = sheet.shown_event != sheet.asked_event[:, None]
    fair &= sheet.shown_cell != sheet.asked_cell[:, None]
    right = np.where(own & fair, similarity, -np.inf)
    wrong = np.where(own, -np.inf, similarity)
    lead = np.where((own & fair).any(axis=1), wrong.max(axis=1) - right.max(axis=1), -np.inf)
    return right.argmax(axis=1), wrong.argmax(axis=1), lead.astype(np.float32)


def _carriers(cut: EvaluationWindows, question: int, right: int, wrong: int, encode: Encode) -> list[tuple[int, float]]:
    window = cut.asked[question]
    features = window.shape[1]
    without = np.repeat(window[None], features + 1, axis=0)
    without[np.arange(features), :, np.arange(features)] = 0
    examples = np.stack(
        [encode(cut.shown[cut.shown_of == one]).direction.astype(np.float32).mean(axis=0) for one in (wrong, right)]
    )
    near = cosine(encode(without).direction.astype(np.float32), examples)
    lead = near[:, 0] - near[:, 1]
    shrinks = lead[-1] - lead[:-1]
    order = np.argsort(-shrinks, kind="stable")[:CARRIERS].tolist()
    return [(feature, float(shrinks[feature])) for feature in order]
