"""Every kind of network, small and with random weights: what its twin says, the same bits in any batch, any backend."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detector.core.encoder import Encoder
from detector.core.networks.inputs import LINES, View, blocks, departure, shift_projection, view, whiten_view
from detector.core.networks.normalization import MOMENTUM
from detector.core.networks.registry import NETWORKS, build_network, shapes, spec_of
from detector.core.networks.spec import Spec
from tests.conftest import unavailable
from tests.core.networks.slow_networks import slow_network
from tests.weights import random_weights, random_windows

FEATURES = 6
"""Of five, products of 64 windows differ in their last bit from those of 512 (XLA, on a CPU; of no other number)."""
SPECS = {kind: Spec(FEATURES, kind, first=8, second=8, hidden=16, dimension=6, shift=4) for kind in NETWORKS}

ELSEWHERE = ("jax", "numpy", *(["torch"] if find_spec("torch") else []))
"""Keras' other backends: its numpy borrows from jax, which the tests' extra brings; torch where it happens to be."""

kinds = pytest.mark.parametrize("kind", NETWORKS)
learners = pytest.mark.parametrize("kind", [kind for kind in NETWORKS if kind != "shared"])
"""Those whose weights are learned for a catalogue; what is shared was learned for all of them."""


@cache
def encoder(kind: str) -> Encoder:
    return Encoder(SPECS[kind], random_weights(SPECS[kind]))


@pytest.fixture(scope="module")
def windows() -> np.ndarray:
    return random_windows(np.random.default_rng(1), 700, FEATURES)


@pytest.mark.slow
@kinds
def test_a_network_is_that_of_its_slow_twin(kind: str, windows: np.ndarray) -> None:
    weights = random_weights(SPECS[kind])
    fast = encoder(kind)(windows[:20])
    for at in range(20):
        direction, size, shift = slow_network(windows[at], SPECS[kind], weights)
        assert fast.direction[at] == pytest.approx(direction, abs=2e-3)
        assert float(fast.size[at]) == pytest.approx(size, rel=2e-3)
        assert fast.shift[at] == pytest.approx(shift, abs=2e-3 * size)


@pytest.mark.slow
@pytest.mark.bitwise
@kinds
def test_no_window_depends_on_its_batch_whatever_the_kind(kind: str, windows: np.ndarray) -> None:
    rng = np.random.default_rng(2)
    assert encoder(kind).count_unsteady_windows(windows) == 0
    reference = encoder(kind)(windows)
    for count in (1, 2, 63, 65, 511, 513):
        order = rng.permutation(len(windows))[:count]
        some = encoder(kind)(windows[order])
        assert np.array_equal(some.direction, reference.direction[order])
        assert np.array_equal(some.size, reference.size[order])
        assert np.array_equal(some.shift, reference.shift[order])


@learners
def test_at_its_usual_size_every_kind_has_about_the_trees_number_of_weights(kind: str) -> None:
    def count(kind: str) -> int:
        return sum(int(np.prod(shape)) for shape in shapes(spec_of(kind, 130)).values())

    assert 0.95 * count("tree") <= count(kind) <= 1.02 * count("tree")


def test_the_shared_kind_learns_nothing_of_a_catalogue() -> None:
    assert NETWORKS["shared"].untrained_arrays == shapes(SPECS["shared"]).keys()


@pytest.mark.parametrize(("features", "width"), [(1, 2), (3, 6), (60, 120), (128, 256), (300, 256)])
def test_a_shared_direction_has_two_tokens_a_feature_and_is_folded_when_they_are_many(
    features: int, width: int
) -> None:
    spec = spec_of("shared", features)

    assert spec.dimension == width
    assert ("fold" in shapes(spec)) == (2 * features > width)


def test_the_order_of_features_means_nothing_to_the_shared_kind(windows: np.ndarray) -> None:
    """Only its direction's coordinates change places with them."""
    spec = spec_of("shared", FEATURES)
    weights, order = random_weights(spec), np.array([3, 0, 4, 2, 5, 1])
    turned = {**weights, "view_centre": weights["view_centre"][:, order], "centre": weights["centre"][order]}
    turned["view_whiten"] = weights["view_whiten"][:, order][:, :, order]
    turned["whiten"] = weights["whiten"][order]

    here, there = Encoder(spec, weights)(windows[:64]), Encoder(spec, turned)(windows[:64][:, :, order])

    expected = here.direction.reshape(64, 2, FEATURES)[:, :, order].reshape(64, -1)
    np.testing.assert_allclose(there.direction.astype(float), expected.astype(float), atol=2e-3)
    np.testing.assert_allclose(there.size.astype(float), here.size.astype(float), rtol=4e-3)


@pytest.mark.slow
def test_the_shared_kind_is_served_the_window_unwhitened(windows: np.ndarray) -> None:
    """Its views are whitened as they are; by the size's centre and whitening before, they would be so twice."""
    weights = random_weights(SPECS["shared"])
    elsewhere = {**weights, "centre": weights["centre"] + 1, "whiten": 2 * weights["whiten"]}

    here, there = (Encoder(SPECS["shared"], told)(windows[:20]) for told in (weights, elsewhere))

    np.testing.assert_array_equal(here.direction, there.direction)
    assert (here.size != there.size).all()


@pytest.mark.slow
@pytest.mark.bitwise
@pytest.mark.parametrize("features", [3, 130, 300])
def test_the_shared_kind_is_steady_for_few_features_and_for_many(features: int) -> None:
    spec = spec_of("shared", features)
    crowd = random_windows(np.random.default_rng(4), 64, features)

    assert Encoder(spec, random_weights(spec)).count_unsteady_windows(crowd) == 0


@kinds
def test_what_no_gradient_moves_is_among_the_weights(kind: str) -> None:
    assert NETWORKS[kind].untrained_arrays <= shapes(SPECS[kind]).keys()


def seen(windows: np.ndarray, weights: dict[str, np.ndarray]) -> View:
    """What a network is given: whitened, explicitly."""
    import tensorflow as tf

    return whiten_view(view(blocks(tf.constant(windows))), weights["centre"], weights["whiten"])


def learned(kind: str, windows: np.ndarray, weights: dict[str, np.ndarray], drop: Any = lambda hidden: hidden) -> Any:
    """The output where it learns."""
    return NETWORKS[kind].forward(seen(windows, weights), weights, drop)


FOLDING = [kind for kind, network in NETWORKS.items() if network.fold_whitening]


@pytest.mark.parametrize("features", [FEATURES, 130])
@pytest.mark.parametrize("kind", FOLDING)
def test_whitening_multiplied_into_the_weights_is_whitening(kind: str, features: int) -> None:
    """As large as it may come: what it is proven for is the direction that is served, of unit length."""
    import tensorflow as tf

    spec = replace(SPECS[kind], features=features)
    windows = random_windows(np.random.default_rng(3), 64, features)
    weights = random_weights(spec)
    explicit = NETWORKS[kind].forward(seen(windows, weights), weights).raw.numpy()
    folded = build_network(spec, weights)(blocks(tf.constant(windows))).direction.numpy()

    length = np.linalg.norm(explicit, axis=1, keepdims=True)
    np.testing.assert_allclose(folded, explicit / length, atol=1e-4)
    unwhitened = NETWORKS[kind].forward(view(blocks(tf.constant(windows))), weights).raw.numpy()
    assert np.abs(unwhitened / np.linalg.norm(unwhitened, axis=1, keepdims=True) - folded).max() > 0.1


def test_the_default_kind_is_served_with_its_whitening_multiplied_in() -> None:
    assert Spec(FEATURES).kind in FOLDING


def test_lines_of_windows_whitened_by_one_network_are_those_whitened_each_by_its_own(windows: np.ndarray) -> None:
    import tensorflow as tf

    weights = random_weights(SPECS["tree"])
    raw = view(blocks(tf.constant(windows[:8])))
    own = whiten_view(raw, np.stack([weights["centre"]] * 8), np.stack([weights["whiten"]] * 8))
    for mine, ours in zip(own, whiten_view(raw, weights["centre"], weights["whiten"]), strict=True):
        np.testing.assert_allclose(mine, ours, atol=1e-5)


def test_a_window_at_the_centre_has_not_departed_and_one_beyond_has_by_its_whitened_mean() -> None:
    import tensorflow as tf

    windows = np.zeros((2, 60, FEATURES), np.int8)
    windows[1, :, 2] = 127  # 8 spreads
    project = np.eye(FEATURES, 4, dtype=np.float32)
    whiten = np.diag([1, 1, 3, 1, 1, 1]).astype(np.float32)
    weights = {"centre": np.zeros(FEATURES, np.float32), "whiten": whiten, "project": project}

    size, shift = departure(view(blocks(tf.constant(windows))), {**weights, **shift_projection(weights)})

    np.testing.assert_allclose(size, [0, 24 / np.sqrt(4)], rtol=1e-6)
    np.testing.assert_allclose(shift, [[0, 0, 0, 0], [0, 0, 24, 0]], rtol=1e-6)


@learners
def test_whitened_lines_reach_the_output_past_a_network_that_says_nothing(kind: str, windows: np.ndarray) -> None:
    weights = random_weights(SPECS[kind])
    weights["out"], weights["out_bias"] = np.zeros_like(weights["out"]), np.zeros_like(weights["out_bias"])

    straight = NETWORKS[kind].forward(seen(windows[:5], weights), weights).raw.numpy()

    lines = np.asarray(seen(windows[:5], weights).lines).reshape(5, LINES * FEATURES)
    np.testing.assert_allclose(straight, lines @ weights["straight"], rtol=1e-4, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_what_is_served_is_what_was_learned_once_the_averages_have_settled(kind: str, windows: np.ndarray) -> None:
    weights = random_weights(SPECS[kind])
    output = learned(kind, windows[:64], weights)
    for name, value in output.moving_averages.items():
        weights[name] = weights[name] + (value.numpy() - weights[name]) / (1 - MOMENTUM)

    served = Encoder(SPECS[kind], weights)(windows[:64]).direction
    raw = output.raw.numpy()
    np.testing.assert_allclose(served.astype(float), raw / np.linalg.norm(raw, axis=1, keepdims=True), atol=2e-3)


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_an_average_moves_by_a_twentieth_of_the_way(kind: str, windows: np.ndarray) -> None:
    low, high = random_weights(SPECS[kind]), random_weights(SPECS[kind])
    high["norm_mean"] = low["norm_mean"] + 1

    near, far = (learned(kind, windows[:64], weights).moving_averages["norm_mean"].numpy() for weights in (low, high))

    np.testing.assert_allclose(far - near, MOMENTUM, rtol=1e-5)


@learners
def test_nothing_is_dropped_out_and_no_average_moved_unless_it_learns(kind: str, windows: np.ndarray) -> None:
    """What is dropped is the hidden layer's: without it, only the straight way and the bias are left."""
    weights = random_weights(SPECS[kind])
    served = NETWORKS[kind].forward(seen(windows[:8], weights), weights)
    nothing = learned(kind, windows[:8], weights, drop=lambda hidden: 0 * hidden)

    lines = np.asarray(seen(windows[:8], weights).lines).reshape(8, LINES * FEATURES)
    left = lines @ weights["straight"] + weights["out_bias"]
    np.testing.assert_allclose(nothing.raw, left, rtol=1e-4, atol=1e-4)
    assert np.abs(served.raw - left).max() > 0.1
    assert served.moving_averages == {}
    assert nothing.moving_averages.keys() == NETWORKS[kind].untrained_arrays - {"centre", "whiten", "project"}


IN_ANOTHER = """
import json, sys
import numpy as np
from benchmarks.gpu.running import prepared
from tests.core.networks.test_networks import SPECS
from tests.weights import random_weights
windows = np.load(sys.argv[1])
given = {kind: prepared(spec, random_weights(spec))(windows) for kind, spec in SPECS.items()}
assert "tensorflow" not in sys.modules
print(json.dumps({kind: [part.tolist() for part in parts] for kind, parts in given.items()}))
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ELSEWHERE)
def test_another_backend_gives_the_same_embeddings_and_needs_no_tensorflow(
    backend: str, windows: np.ndarray, tmp_path: Path
) -> None:
    if not find_spec("jax"):
        unavailable("jax is not installed; install the extra `test`")
    np.save(tmp_path / "windows.npy", windows[:64])
    done = subprocess.run(
        [sys.executable, "-c", IN_ANOTHER, tmp_path / "windows.npy"],
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        check=True,
    )
    for kind, (direction, size, shift) in json.loads(done.stdout).items():
        here = encoder(kind)(windows[:64])
        np.testing.assert_allclose(direction, here.direction.astype(float), atol=1e-3)
        np.testing.assert_allclose(size, here.size.astype(float), rtol=1e-3)
        np.testing.assert_allclose(shift, here.shift.astype(float), atol=1e-3 * max(size))
