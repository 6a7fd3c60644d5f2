"""Every kind of network, small and with random weights: what its twin says, the same bits in any batch, any backend."""

import json
import os
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from detector.core.encoder import Encoder
from detector.core.networks.kinds import NETWORKS, shapes, spec_of
from detector.core.networks.normalising import MOMENTUM
from detector.core.networks.spec import Lesson, Spec
from tests.conftest import unavailable
from tests.core.slow_networks import slow_network
from tests.weights import random_weights, random_windows

FEATURES = 5
SPECS = {kind: Spec(FEATURES, kind, first=8, second=8, hidden=16, dimension=6) for kind in NETWORKS}

ELSEWHERE = ("jax", "numpy", *(["torch"] if find_spec("torch") else []))
"""Keras' other backends: its numpy borrows from jax, which the tests' extra brings; torch where it happens to be."""

kinds = pytest.mark.parametrize("kind", NETWORKS)


@cache
def encoder(kind: str) -> Encoder:
    return Encoder(SPECS[kind], random_weights(SPECS[kind]))


@pytest.fixture(scope="module")
def windows() -> np.ndarray:
    return random_windows(np.random.default_rng(1), 700, FEATURES)


@kinds
def test_a_network_is_that_of_its_slow_twin(kind: str, windows: np.ndarray) -> None:
    weights = random_weights(SPECS[kind])
    fast = encoder(kind)(windows[:20])
    for at in range(20):
        direction, size = slow_network(windows[at], SPECS[kind], weights)
        assert fast.direction[at] == pytest.approx(direction, abs=2e-3)
        assert float(fast.size[at]) == pytest.approx(size, rel=2e-3)


@kinds
def test_no_window_depends_on_its_batch_whatever_the_kind(kind: str, windows: np.ndarray) -> None:
    rng = np.random.default_rng(2)
    assert encoder(kind).unsteady_windows(windows) == 0
    reference = encoder(kind)(windows)
    for count in (1, 2, 63, 65, 511, 513):
        order = rng.permutation(len(windows))[:count]
        some = encoder(kind)(windows[order])
        assert np.array_equal(some.direction, reference.direction[order])
        assert np.array_equal(some.size, reference.size[order])


@kinds
def test_at_its_usual_size_every_kind_has_about_the_trees_number_of_weights(kind: str) -> None:
    def count(kind: str) -> int:
        return sum(int(np.prod(shape)) for shape in shapes(spec_of(kind, 130)).values())

    assert 0.95 * count("tree") <= count(kind) <= 1.02 * count("tree")


@kinds
def test_what_no_gradient_moves_is_among_the_weights(kind: str) -> None:
    assert NETWORKS[kind].unlearned <= shapes(SPECS[kind]).keys()


def lesson(kind: str, windows: np.ndarray, weights: dict[str, np.ndarray], dropout: float = 0.0):
    import keras
    import tensorflow as tf

    from detector.core.networks.views import blocks

    network = NETWORKS[kind]
    return network.forward(blocks(tf.constant(windows)), weights, Lesson(dropout, keras.random.SeedGenerator(1)))


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_what_is_served_is_what_was_learned_once_the_averages_have_settled(kind: str, windows: np.ndarray) -> None:
    weights = random_weights(SPECS[kind])
    learned = lesson(kind, windows[:64], weights)
    for name, value in learned.moved.items():
        weights[name] = weights[name] + (value.numpy() - weights[name]) / (1 - MOMENTUM)

    served = Encoder(SPECS[kind], weights)(windows[:64]).direction
    np.testing.assert_allclose(served.astype(float), learned.direction.numpy(), atol=2e-3)


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_an_average_moves_by_a_twentieth_of_the_way(kind: str, windows: np.ndarray) -> None:
    low, high = random_weights(SPECS[kind]), random_weights(SPECS[kind])
    high["norm_mean"] = low["norm_mean"] + 1

    near, far = (lesson(kind, windows[:64], weights).moved["norm_mean"].numpy() for weights in (low, high))

    np.testing.assert_allclose(far - near, MOMENTUM, rtol=1e-5)


@kinds
def test_only_a_lesson_drops_anything_out(kind: str, windows: np.ndarray) -> None:
    weights = random_weights(SPECS[kind])
    whole = lesson(kind, windows[:64], weights).hidden.numpy()
    dropped = lesson(kind, windows[:64], weights, dropout=0.5).hidden.numpy()

    lost = (dropped == 0) & (whole > 0)
    assert 0.4 < lost.sum() / (whole > 0).sum() < 0.6
    np.testing.assert_allclose(dropped[~lost], 2 * whole[~lost], rtol=1e-5)


IN_ANOTHER = """
import json, sys
import numpy as np
from tests.gpu.running import prepared
from tests.core.test_networks import SPECS
from tests.weights import random_weights
windows = np.load(sys.argv[1])
given = {kind: prepared(spec, random_weights(spec))(windows) for kind, spec in SPECS.items()}
assert "tensorflow" not in sys.modules
print(json.dumps({kind: [direction.tolist(), size.tolist()] for kind, (direction, size) in given.items()}))
"""


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
    for kind, (direction, size) in json.loads(done.stdout).items():
        here = encoder(kind)(windows[:64])
        np.testing.assert_allclose(direction, here.direction.astype(float), atol=1e-3)
        np.testing.assert_allclose(size, here.size.astype(float), rtol=1e-3)
