"""Which features and which minutes of a window carried its score, told by trying it without them.

Nothing is assumed of the encoder. A feature is tried both ways, the window without it and a usual one with it alone:
of two features that usually go together, either way on its own would blame the wrong one.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.core.encoder import BATCHES, Embeddings, Encode
from detector.core.features import ABSENT, STEPS, WINDOW

BLOCK_MINUTES = 5
"""The encoder's own step: within it the order of the minutes counts for nothing."""

BLOCKS = WINDOW // BLOCK_MINUTES

FEATURES_TRIED = (BATCHES[0] - BLOCKS - 2) // 2
"""Those that stray furthest: with the blocks, the window itself and a usual one they fill the smallest batch."""

ABSENT_STRAYS = 2 * STEPS
"""Not to be reported counts as two spreads when it comes to what is tried."""


@dataclass(frozen=True)
class Attribution:
    """Parts of one window's score, in its units: what the score would lose without them."""

    features: NDArray[np.int64]
    """Those tried, the weightiest first. # [t]"""
    by_feature: NDArray[np.float32]
    """# [t]"""
    by_block: NDArray[np.float32]
    """Of each five minutes, oldest first. # [12]"""


def attribute(
    codes: NDArray[np.int8], encode: Encode, score: Callable[[Embeddings], NDArray[np.float32]]
) -> Attribution:
    """What carried the score of a window. # int8 [60, F]; score: of n -> [n]"""
    tried = _straying(codes)
    scores = score(encode(_trials(codes, tried)))
    whole, nothing, parts = scores[0], scores[1], scores[2:]
    without, alone, blocks = np.split(parts, [len(tried), 2 * len(tried)])
    by_feature = ((whole - without) + (alone - nothing)) / 2
    order = np.argsort(-by_feature, kind="stable")
    return Attribution(tried[order], by_feature[order], whole - blocks)


def _straying(codes: NDArray[np.int8]) -> NDArray[np.int64]:
    """The features furthest from usual, in the hour or at its end. # [60, F] -> [t]"""
    off = np.where(codes == ABSENT, ABSENT_STRAYS, codes).astype(np.float32)
    strays = np.maximum(np.abs(off.mean(axis=0)), np.abs(off[-15:].mean(axis=0)))
    return np.argsort(-strays, kind="stable")[:FEATURES_TRIED]


def _trials(codes: NDArray[np.int8], tried: NDArray[np.int64]) -> NDArray[np.int8]:
    """The window, a usual one; without each feature, with each alone, without each block.

    # [60, F], [t] -> [2 + 2t + 12, 60, F]
    """
    count = len(tried)
    trials = np.zeros((2 + 2 * count + BLOCKS, *codes.shape), np.int8)
    trials[0] = codes
    trials[2 : 2 + count] = codes
    trials[2 + 2 * count :] = codes
    for place, feature in enumerate(tried.tolist()):
        trials[2 + place, :, feature] = 0
        trials[2 + count + place, :, feature] = codes[:, feature]
    for block in range(BLOCKS):
        trials[2 + 2 * count + block, block * BLOCK_MINUTES : (block + 1) * BLOCK_MINUTES] = 0
    return trials
