"""The training objective, against the paper's equation written out."""

import numpy as np

from tests.trainer.twins import slow_loss
from trainer.losses import supervised_contrastive


def directions(rng: np.random.Generator, count: int) -> np.ndarray:
    drawn = rng.normal(size=(count, 6))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


def test_the_loss_is_the_one_of_the_paper(rng: np.random.Generator) -> None:
    for temperature in (1.0, 0.1, 0.02):
        label = np.concatenate([rng.integers(0, 4, 20), -1 - np.arange(5)])
        direction = directions(rng, len(label))

        loss = supervised_contrastive(direction, label, 20, np.float32(temperature)).numpy()

        np.testing.assert_allclose(loss, slow_loss(direction.astype(float), label, 20, temperature), rtol=2e-4)


def test_an_anchor_without_a_fellow_costs_nothing_instead_of_dividing_by_zero(rng: np.random.Generator) -> None:
    loss = supervised_contrastive(directions(rng, 4), np.array([0, 0, 1, -1]), 3, np.float32(0.1)).numpy()

    assert loss.shape == (3,)
    assert (loss[:2] > 0).all()
    assert loss[2] == 0


def test_rows_beyond_the_anchors_only_push(rng: np.random.Generator) -> None:
    direction = directions(rng, 6)
    label = np.array([0, 0, 1, 1, -1, -2])

    alone = supervised_contrastive(direction[:4], label[:4], 4, np.float32(0.1)).numpy()
    crowded = supervised_contrastive(direction, label, 4, np.float32(0.1)).numpy()

    assert crowded.shape == (4,)
    assert (crowded > alone).all()


def test_an_embedding_that_tells_classes_apart_costs_next_to_nothing() -> None:
    direction = np.repeat(np.eye(3, dtype=np.float32), 2, axis=0)
    label = np.repeat(np.arange(3), 2)

    loss = supervised_contrastive(direction, label, 6, np.float32(0.05)).numpy()

    assert (loss < 1e-6).all()
    assert (supervised_contrastive(direction, np.roll(label, 1), 6, np.float32(0.05)).numpy() > 1).all()
