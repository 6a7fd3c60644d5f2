"""The network itself, small and with random weights: the same window gives the same bits wherever it rides."""

import numpy as np
import pytest

from detector.core.encoder import BATCHES, Encoder
from detector.core.features import ABSENT
from detector.core.networks.kinds import shapes
from detector.core.networks.spec import Spec
from tests.weights import random_weights, random_windows

SPEC = Spec(features=5, first=8, second=8, hidden=16, dimension=6)


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder(SPEC, random_weights(SPEC))


@pytest.fixture(scope="module")
def windows() -> np.ndarray:
    return random_windows(np.random.default_rng(1), 700, SPEC.features)


def test_the_same_window_gives_the_same_bits_in_any_batch_size(encoder: Encoder, windows: np.ndarray) -> None:
    reference = encoder(windows[:1])
    for count in (2, 63, 64, 65, 512, 513, 700):
        together = encoder(windows[:count])
        assert len(together) == count
        assert np.array_equal(together.direction[0], reference.direction[0])
        assert together.size[0] == reference.size[0]


def test_the_same_window_gives_the_same_bits_at_any_position_beside_any_neighbours(
    encoder: Encoder, windows: np.ndarray
) -> None:
    rng = np.random.default_rng(2)
    reference = encoder(windows)
    for _ in range(10):
        order = rng.permutation(len(windows))[: rng.integers(1, len(windows))]
        shuffled = encoder(windows[order])
        assert np.array_equal(shuffled.direction, reference.direction[order])
        assert np.array_equal(shuffled.size, reference.size[order])


def test_more_windows_than_the_largest_batch_are_taken_in_parts(encoder: Encoder, windows: np.ndarray) -> None:
    many = np.resize(windows, (BATCHES[-1] + 70, *windows.shape[1:]))
    together = encoder(many)
    assert len(together) == len(many)
    assert np.array_equal(together.direction[: len(windows)], encoder(windows).direction)
    assert np.array_equal(together.direction[-70:], encoder(many[-70:]).direction)


def test_no_window_depends_on_its_batch_here(encoder: Encoder, windows: np.ndarray) -> None:
    assert encoder.unsteady_windows(windows) == 0
    assert encoder.unsteady_windows(windows[:3]) == 0


def test_no_window_gives_no_embedding(encoder: Encoder) -> None:
    none = encoder(np.empty((0, 60, SPEC.features), np.int8))
    assert (len(none), none.direction.shape) == (0, (0, SPEC.dimension))


def test_directions_have_unit_length_and_nothing_is_no_number(encoder: Encoder) -> None:
    extremes = np.stack([np.full((60, SPEC.features), code, np.int8) for code in (ABSENT, -127, 0, 127)])
    embeddings = encoder(extremes)
    assert np.linalg.norm(embeddings.direction.astype(np.float32), axis=1) == pytest.approx(1, abs=2e-3)
    assert np.isfinite(embeddings.size).all()


def test_absent_is_not_zero_to_the_network(encoder: Encoder) -> None:
    zero = np.zeros((1, 60, SPEC.features), np.int8)
    assert not np.array_equal(encoder(zero).direction, encoder(np.full_like(zero, ABSENT)).direction)


def test_the_weights_of_a_spec_are_named_with_their_shapes() -> None:
    named = shapes(SPEC)
    assert named["first"] == (15, 8)
    assert named["hidden"] == (8 + 6 * 5, 16)
    assert named["whiten"] == (5, 5)
