"""Confusions: the most confident wrong names, with the features that caused them.

The lead is how much nearer the wrong exemplar lies than the right one. A feature contributes as far as the lead shrinks
when the feature is set to usual for the whole window.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.core.encoder import Encode
from trainer.evaluation.baseline_methods import cosine
from trainer.evaluation.dataset import EvaluationWindows
from trainer.metrics.nearest_exemplar import QuestionSheet

MOST = 4
"""Confusions shown: as many as a person looks at in one sitting."""

CONTRIBUTORS = 6
"""Features drawn of each confusion."""


@dataclass(frozen=True, kw_only=True)
class Confusion:
    """Question that lies nearer to an exemplar of another class than to any exemplar of its own."""

    question: int
    """Index of the question in the windows."""
    right: int
    """Index of the nearest episode of the right class."""
    wrong: int
    """Index of the nearest episode of another class."""
    lead: float
    """Cosine to the wrong exemplar less that to the right one."""
    contributions: list[tuple[int, float]]
    """Features, and by how much the lead shrinks without each; the largest first."""


def find_mistakes(
    similarity: NDArray[np.float32],
    sheet: QuestionSheet,
    windows: EvaluationWindows,
    *,
    questions: NDArray[np.int64],
    episodes: NDArray[np.int64],
    encode: Encode,
) -> list[Confusion]:
    """Return the most confident confusion of each pair of classes. # similarity [Q, E], of these questions, episodes"""
    mistakes: list[Confusion] = []
    pairs: set[tuple[int, int]] = set()
    right, wrong, lead = _leads(similarity, sheet)
    for row in np.argsort(-lead, kind="stable").tolist():
        pair = (int(sheet.question_class[row]), int(sheet.exemplar_class[wrong[row]]))
        if not lead[row] > 0 or len(mistakes) == MOST:
            break
        if pair not in pairs:
            pairs.add(pair)
            indices = int(questions[row]), int(episodes[right[row]]), int(episodes[wrong[row]])
            contributions = _contributions(windows, *indices, encode)
            mistakes.append(
                Confusion(
                    question=indices[0],
                    right=indices[1],
                    wrong=indices[2],
                    lead=float(lead[row]),
                    contributions=contributions,
                )
            )
    return mistakes


def _leads(
    similarity: NDArray[np.float32], sheet: QuestionSheet
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Return the nearest exemplar of the right class, the nearest of another, and the lead of the latter.

    An exemplar of the right class must be of another event and cell; without one the lead is -inf. # -> [Q], [Q], [Q]
    """
    same_class = sheet.question_class[:, None] == sheet.exemplar_class
    fair = sheet.exemplar_event != sheet.question_event[:, None]
    fair &= sheet.exemplar_cell != sheet.question_cell[:, None]
    right = np.where(same_class & fair, similarity, -np.inf)
    wrong = np.where(same_class, -np.inf, similarity)
    lead = np.where((same_class & fair).any(axis=1), wrong.max(axis=1) - right.max(axis=1), -np.inf)
    return right.argmax(axis=1), wrong.argmax(axis=1), lead.astype(np.float32)


def _contributions(
    windows: EvaluationWindows, question: int, right: int, wrong: int, encode: Encode
) -> list[tuple[int, float]]:
    """Return the features with the largest contributions to the lead."""
    window = windows.question_windows[question]
    features = window.shape[1]
    without = np.repeat(window[None], features + 1, axis=0)
    without[np.arange(features), :, np.arange(features)] = 0
    exemplars = np.stack([_exemplar_direction(windows, episode, encode) for episode in (wrong, right)])
    near = cosine(encode(without).direction.astype(np.float32), exemplars)
    lead = near[:, 0] - near[:, 1]
    shrinkage = lead[-1] - lead[:-1]
    order = np.argsort(-shrinkage, kind="stable")[:CONTRIBUTORS].tolist()
    return [(feature, float(shrinkage[feature])) for feature in order]


def _exemplar_direction(windows: EvaluationWindows, episode: int, encode: Encode) -> NDArray[np.float32]:
    codes = windows.exemplar_windows[windows.exemplar_episode == episode]
    return np.asarray(encode(codes).direction.astype(np.float32).mean(axis=0))
