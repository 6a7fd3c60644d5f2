"""Confusions: the most confident misclassifications, with the features that caused them.

The lead is the cosine to the wrong exemplar minus the cosine to the right exemplar. The contribution of a feature is
the decrease of the lead when the feature's deviations are set to 0 in the whole window.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.core.encoder import Encode
from trainer.evaluation.baseline_methods import cosine
from trainer.evaluation.dataset import EvaluationWindows
from trainer.metrics.nearest_exemplar import QuestionSheet

MAX_CONFUSIONS = 4
"""Largest number of confusions in a report: more would not be read."""

CONTRIBUTORS = 6
"""Features plotted for each confusion."""


@dataclass(frozen=True, kw_only=True)
class Confusion:
    """Question that is nearer to an exemplar of another class than to any exemplar of its own class."""

    question: int
    """Index of the question in the windows."""
    right: int
    """Index of the nearest episode of the right class."""
    wrong: int
    """Index of the nearest episode of another class."""
    lead: float
    """Cosine to the wrong exemplar minus the cosine to the right exemplar."""
    contributions: list[tuple[int, float]]
    """Features, each with the decrease of the lead without it; the largest first."""


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
        if not lead[row] > 0 or len(mistakes) == MAX_CONFUSIONS:
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
    """Return the nearest exemplars of the right class and of another class, and the lead of the latter.

    An exemplar of the right class must be of another event and cell; if there is none, the lead is -inf.
    # -> [Q], [Q], [Q]
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
