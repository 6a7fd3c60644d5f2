"""The network itself, small and with random weights: the same window gives the same bits wherever it rides."""

import numpy as np
import pytest

from detector.core.encoder import BATCHES, Encoder, concatenate, embeddings_of
from detector.core.features import ABSENT
from detector.core.networks.registry import shapes
from detector.core.networks.spec import Spec
from tests.weights import random_weights, random_windows

SPEC = Spec(features=6, first=8, second=8, hidden=16, dimension=6, shift=4)


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder(SPEC, random_weights(SPEC))


@pytest.fixture(scope="module")
def windows() -> np.ndarray:
    return random_windows(np.random.default_rng(1), 700, SPEC.features)


@pytest.mark.bitwise
def test_the_same_window_gives_the_same_bits_in_any_batch_size(encoder: Encoder, windows: np.ndarray) -> None:
    reference = encoder(windows[:1])
    for count in (2, 63, 64, 65, 512, 513, 700):
        together = encoder(windows[:count])
        assert len(together) == count
        assert np.array_equal(together.direction[0], reference.direction[0])
        assert together.size[0] == reference.size[0]
        assert np.array_equal(together.shift[0], reference.shift[0])


@pytest.mark.bitwise
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
        assert np.array_equal(shuffled.shift, reference.shift[order])


@pytest.mark.bitwise
def test_more_windows_than_the_largest_batch_are_taken_in_parts(encoder: Encoder, windows: np.ndarray) -> None:
    many = np.resize(windows, (BATCHES[-1] + 70, *windows.shape[1:]))
    together = encoder(many)
    assert len(together) == len(many)
    assert np.array_equal(together.direction[: len(windows)], encoder(windows).direction)
    assert np.array_equal(together.direction[-70:], encoder(many[-70:]).direction)


@pytest.mark.bitwise
def test_no_window_depends_on_its_batch_here(encoder: Encoder, windows: np.ndarray) -> None:
    assert encoder.count_unsteady_windows(windows) == 0
    assert encoder.count_unsteady_windows(windows[:3]) == 0


class ByItsSize(Encoder):
    """Its last bits depend on how many windows ride together."""

    def _run_network(self, windows):
        direction, size, shift = super()._run_network(windows)
        return [direction, size * np.float32(1 + len(windows) * 2.0**-23), shift]


class ByItsPlace(Encoder):
    """Its last bits depend on where in the batch a window rides."""

    def _run_network(self, windows):
        direction, size, shift = super()._run_network(windows)
        return [direction, size * (1 + np.arange(len(windows), dtype=np.float32) * np.float32(2.0**-23)), shift]


def test_where_the_size_of_a_batch_matters_all_windows_go_through_one(windows: np.ndarray) -> None:
    careless = ByItsSize(SPEC, random_weights(SPEC))
    assert careless.count_unsteady_windows(windows) == 0
    assert np.array_equal(careless(windows[:3]).size, careless(windows).size[:3])


def test_where_the_place_in_a_batch_matters_it_cannot_serve_and_rounding_does_not_hide_it(windows: np.ndarray) -> None:
    assert ByItsPlace(SPEC, random_weights(SPEC)).count_unsteady_windows(windows) > 600


def test_no_window_gives_no_embedding(encoder: Encoder) -> None:
    none = encoder(np.empty((0, 60, SPEC.features), np.int8))
    assert (len(none), none.direction.shape, none.shift.shape) == (0, (0, SPEC.dimension), (0, SPEC.shift))


def test_directions_have_unit_length_and_nothing_is_no_number(encoder: Encoder) -> None:
    extremes = np.stack([np.full((60, SPEC.features), code, np.int8) for code in (ABSENT, -127, 0, 127)])
    embeddings = encoder(extremes)
    assert np.linalg.norm(embeddings.direction.astype(np.float32), axis=1) == pytest.approx(1, abs=2e-3)
    assert np.isfinite(embeddings.size).all()
    assert np.isfinite(embeddings.shift).all()


def test_what_is_too_large_for_half_precision_is_held_at_its_largest() -> None:
    most = np.finfo(np.float16).max
    held = embeddings_of(np.eye(2), np.array([1e9, 2]), np.array([[-1e9, 0.5], [65504, 1e-9]]))
    assert held.size.tolist() == [most, 2]
    assert held.shift.tolist() == [[-most, 0.5], [most, 0]]


def test_embeddings_are_cut_put_end_to_end_and_given_other_axes_all_three_alike(
    encoder: Encoder, windows: np.ndarray
) -> None:
    whole = encoder(windows[:6])
    again = concatenate([whole[:2], whole[2:3], whole[3:]])
    folded = again.reshaped(2, 3)
    assert (folded.direction.shape, folded.size.shape, folded.shift.shape) == ((2, 3, 6), (2, 3), (2, 3, 4))
    for name, part in vars(folded.reshaped(-1)).items():
        assert np.array_equal(part, getattr(whole, name))


def test_absent_is_not_zero_to_the_network(encoder: Encoder) -> None:
    zero = np.zeros((1, 60, SPEC.features), np.int8)
    assert not np.array_equal(encoder(zero).direction, encoder(np.full_like(zero, ABSENT)).direction)


def test_the_weights_of_a_spec_are_named_with_their_shapes() -> None:
    named = shapes(SPEC)
    assert named["first"] == (18, 8)
    assert named["hidden"] == (8 + 6 * 6, 16)
    assert named["straight"] == (3 * 6, 6)
    assert named["whiten"] == (6, 6)
    assert named["project"] == (6, 4)
