"""Attribution: the features and minutes of a window that its score depends on, found by trials without them.

No property of the encoder is assumed. A feature is tried both ways: the window without it, and a usual window with it
alone. Of two features that usually move together, either way alone would name the wrong one.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.core.encoder import BATCHES, Embeddings, Encode
from detector.core.features import ABSENT, STEPS, WINDOW

BLOCK_MINUTES = 5
"""The encoder's own step: the order of the minutes within it has no effect."""

BLOCKS = WINDOW // BLOCK_MINUTES

MAX_FEATURES = (BATCHES[0] - BLOCKS - 2) // 2
"""Features that are tried, the most deviating ones. With the blocks, the window and a usual one, their trials fill the
smallest batch."""

ABSENT_DEVIATION = 2 * STEPS
"""Deviation that an absent value counts as in the choice of features: two spreads."""


@dataclass(frozen=True)
class Attribution:
    """Attribution of one window's score: the score that it would lose without each part."""

    features: NDArray[np.int64]
    """The features that were tried, by descending weight. # [t]"""
    by_feature: NDArray[np.float32]
    """# [t]"""
    by_block: NDArray[np.float32]
    """Weight of each five minutes, oldest first. # [12]"""


def attribute(
    codes: NDArray[np.int8], encode: Encode, score: Callable[[Embeddings], NDArray[np.float32]]
) -> Attribution:
    """Attribute the score of a window to its parts. # int8 [60, F]; score: of n -> [n]"""
    features = _most_deviating(codes)
    scores = score(encode(_trials(codes, features)))
    window_score, usual_score, trial_scores = scores[0], scores[1], scores[2:]
    scores_without, scores_alone, scores_without_block = np.split(trial_scores, [len(features), 2 * len(features)])
    by_feature = ((window_score - scores_without) + (scores_alone - usual_score)) / 2
    order = np.argsort(-by_feature, kind="stable")
    return Attribution(features[order], by_feature[order], window_score - scores_without_block)


def _most_deviating(codes: NDArray[np.int8]) -> NDArray[np.int64]:
    """Return the features that deviate most, in the hour or in its last quarter. # [60, F] -> [t]"""
    deviation = np.where(codes == ABSENT, ABSENT_DEVIATION, codes).astype(np.float32)
    largest_deviation = np.maximum(np.abs(deviation.mean(axis=0)), np.abs(deviation[-15:].mean(axis=0)))
    return np.argsort(-largest_deviation, kind="stable")[:MAX_FEATURES]


def _trials(codes: NDArray[np.int8], features: NDArray[np.int64]) -> NDArray[np.int8]:
    """Return the window, a usual one, then those without each feature, with each alone, without each block.

    # [60, F], [t] -> [2 + 2t + 12, 60, F]
    """
    count = len(features)
    trials = np.zeros((2 + 2 * count + BLOCKS, *codes.shape), np.int8)
    trials[0] = codes
    trials[2 : 2 + count] = codes
    trials[2 + 2 * count :] = codes
    for position, feature in enumerate(features.tolist()):
        trials[2 + position, :, feature] = 0
        trials[2 + count + position, :, feature] = codes[:, feature]
    for block in range(BLOCKS):
        trials[2 + 2 * count + block, block * BLOCK_MINUTES : (block + 1) * BLOCK_MINUTES] = 0
    return trials
