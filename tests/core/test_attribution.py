"""What carried a score, where it is known: an encoder whose score is a weighted sum of what is off."""

import numpy as np
import pytest

from detector.core.attribution import BLOCK_MINUTES, MAX_FEATURES, attribute
from detector.core.encoder import BATCHES, Embeddings, embeddings_of
from detector.core.features import ABSENT, WINDOW

FEATURES = 40
WEIGHTS = np.linspace(-1, 1, FEATURES)
COUNTED: list[int] = []


def encode(windows) -> Embeddings:
    """Its size is the weighted mean of the codes; what is absent counts as three spreads."""
    COUNTED.append(len(windows))
    off = np.where(windows == ABSENT, 48, windows).mean(axis=1) @ WEIGHTS
    return embeddings_of(np.zeros((len(windows), 1)), off, np.zeros((len(windows), 1)))


def score(embeddings: Embeddings):
    return embeddings.size.astype(np.float32)


def test_each_feature_is_given_what_it_adds():
    codes = np.zeros((WINDOW, FEATURES), np.int8)
    codes[:, 30], codes[:, 35], codes[:, 5] = 60, 20, 40
    parts = attribute(codes, encode, score)
    told = dict(zip(parts.features.tolist(), parts.by_feature.tolist(), strict=True))
    assert parts.features[0] == 30
    for feature in (30, 35, 5):
        assert told[feature] == pytest.approx(codes[0, feature] * WEIGHTS[feature], abs=0.1)
    assert all(abs(told[one]) < 0.1 for one in set(told) - {30, 35, 5})


def test_five_minutes_are_given_what_they_add():
    codes = np.zeros((WINDOW, FEATURES), np.int8)
    codes[40:45, 39] = 120
    parts = attribute(codes, encode, score)
    assert parts.by_block[40 // BLOCK_MINUTES] == pytest.approx(120 * 5 / WINDOW, abs=0.02)
    assert np.abs(np.delete(parts.by_block, 8)).max() < 0.02


def test_what_is_not_reported_carries_too():
    codes = np.zeros((WINDOW, FEATURES), np.int8)
    codes[:, 39] = ABSENT
    assert attribute(codes, encode, score).features[0] == 39


def test_one_smallest_batch_is_enough_however_many_features_there_are():
    COUNTED.clear()
    parts = attribute(np.ones((WINDOW, FEATURES), np.int8), encode, score)
    assert len(parts.features) == MAX_FEATURES
    assert COUNTED[0] <= BATCHES[0]
