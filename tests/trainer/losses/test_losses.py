"""The training objectives: each against its paper's equation written out, and each training a small encoder."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.core.networks.registry import shapes
from tests import naive
from tests.trainer.fixtures import SPEC
from tests.trainer.twins import slow_loss
from trainer.data.examples import Examples
from trainer.errors import TrainingError
from trainer.losses.batchwise import supervised_contrastive
from trainer.losses.loss import Loss, LossError, Option
from trainer.losses.mining import mine_triplets
from trainer.losses.pairs import same_class
from trainer.losses.registry import LOSSES, choose_loss, refuse_pairless
from trainer.losses.triplet import lossless_triplet, triplet
from trainer.simulator import catalogue
from trainer.training.learner import Hyperparameters
from trainer.training.loop import TrainingHooks, train_encoder

TWINS: dict[str, Callable[..., list[float]]] = {
    "supervised_contrastive": lambda *batch, temperature: list(
        slow_loss(*batch, np.exp(np.clip(float(temperature), -4, 0)))
    ),
    "triplet": partial(naive.over_triplets, naive.triplet),
    "soft_margin": partial(naive.over_triplets, naive.soft_margin),
    "lossless_triplet": partial(naive.over_triplets, naive.lossless_triplet),
    "contrastive": naive.contrastive,
    "similarity": naive.similarity,
    "prototypical": naive.prototypical,
    "multi_similarity": naive.multi_similarity,
}

VARIANTS: list[tuple[str, dict[str, Option]]] = [
    *((name, {}) for name in LOSSES if name != "lossless_triplet"),
    ("triplet", {"mining": "batch-hard", "margin": 0.5}),
    ("soft_margin", {"mining": "batch-hard", "embedding": "linear"}),
    ("lossless_triplet", {"mining": "batch-hard"}),
    ("lossless_triplet", {"mining": "semi-hard", "beta": 9.5, "epsilon": 1e-3}),
    ("similarity", {"join": "concatenation"}),
    ("similarity", {"join": "distance", "embedding": "sigmoid"}),
    ("prototypical", {"embedding": "unit"}),
    ("multi_similarity", {"alpha": 3.0, "beta": 20.0, "base": 0.7, "epsilon": 0.3}),
]
"""Every loss, and every option of one. Random mining has no twin, only a choice that it must be from."""

BATCHES = st.tuples(
    st.integers(0, 2**31),  # seed
    st.lists(st.integers(1, 4), min_size=1, max_size=4),  # windows of each class
    st.integers(0, 3),  # windows of no class
    st.integers(1, 9),  # dimension
    st.booleans(),  # whether some windows are embedded alike
).filter(lambda drawn: sum(drawn[1]) + drawn[2] > 1)


def directions(rng: np.random.Generator, count: int) -> np.ndarray:
    drawn = rng.normal(size=(count, 6))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


def batch(loss: Loss, drawn: tuple[int, list[int], int, int, bool]) -> tuple[np.ndarray, np.ndarray, int]:
    """Embeddings as the loss wants them, class numbers in any order, and how many are anchors."""
    seed, sizes, normals, dimension, alike = drawn
    rng = np.random.default_rng(seed)
    label = np.concatenate([rng.permutation(np.repeat(np.arange(len(sizes)), sizes)), -1 - np.arange(normals)])
    raw = rng.normal(size=(len(label), dimension)) * rng.choice([0.1, 1, 2])
    if alike:
        raw[rng.random(len(label)) < 0.5] = raw[0]
    made = {"linear": raw, "sigmoid": 1 / (1 + np.exp(-raw)), "unit": raw / np.linalg.norm(raw, axis=1, keepdims=True)}
    return made[loss.embedding].astype(np.float32), label, sum(sizes)


def learned(loss: Loss, dimension: int) -> dict[str, np.ndarray]:
    """Not as it starts, where a head may be 0, but as it might become."""
    rng = np.random.default_rng(dimension)
    start = loss.initial_parameters(dimension)
    return {name: (value + 0.3 * rng.normal(size=value.shape)).astype(np.float32) for name, value in start.items()}


def gradient(loss: Loss, embedding: np.ndarray, label: np.ndarray, anchors: int) -> np.ndarray:
    import tensorflow as tf

    rows = tf.constant(embedding)
    with tf.GradientTape() as tape:
        tape.watch(rows)
        cost = tf.reduce_mean(loss(rows, tf.constant(label), anchors, learned(loss, embedding.shape[1])))
    return tf.convert_to_tensor(tape.gradient(cost, rows)).numpy()


@pytest.mark.parametrize(("name", "options"), VARIANTS)
@given(drawn=BATCHES)
def test_every_loss_is_the_one_of_its_paper(
    name: str, options: dict[str, Option], drawn: tuple[int, list[int], int, int, bool]
) -> None:
    loss = choose_loss(name, options)
    embedding, label, anchors = batch(loss, drawn)
    head = learned(loss, embedding.shape[1])

    cost = loss(embedding, label, anchors, head).numpy()

    slow = TWINS[name](embedding.astype(float), label, anchors, **loss.options, **head)
    np.testing.assert_allclose(cost, slow, rtol=1e-3, atol=2e-5)
    assert np.isfinite(gradient(loss, embedding, label, anchors)).all()


@pytest.mark.parametrize("mining", ["semi-hard", "batch-hard"])
@given(drawn=BATCHES)
def test_the_miner_chooses_what_the_slow_one_chooses(mining: str, drawn: tuple[int, list[int], int, int, bool]) -> None:
    embedding, label, anchors = batch(LOSSES["prototypical"], (*drawn[:4], False))

    mined = [tuple(row) for row in mine_triplets(embedding, label, anchors, mining).numpy().tolist()]

    assert mined == naive.triplets(embedding, label.tolist(), anchors, mining)


def test_random_mining_draws_one_triplet_of_each_anchor_and_in_time_all(rng: np.random.Generator) -> None:
    label = np.array([0, 0, 0, 1, 1, 2, -1])
    embedding = directions(rng, len(label))

    draws = [mine_triplets(embedding, label, 6, "random", (1, draw)).numpy().tolist() for draw in range(200)]

    assert all([row[0] for row in draw] == [0, 1, 2, 3, 4] for draw in draws)
    assert {tuple(row) for draw in draws for row in draw} == set(naive.triplets(embedding, label, 6, "random"))


@pytest.mark.parametrize("name", LOSSES)
def test_windows_embedded_alike_have_finite_costs_and_slopes(name: str) -> None:
    label = np.array([0, 0, 1, 1, -1])
    embedding = np.full((5, 4), 0.5, np.float32)

    assert np.isfinite(gradient(LOSSES[name], embedding, label, 4)).all()
    assert np.isfinite(LOSSES[name](embedding, label, 4, learned(LOSSES[name], 4)).numpy()).all()


def test_a_lossless_triplet_is_the_cross_entropy_of_its_two_pairs(rng: np.random.Generator) -> None:
    import keras

    anchor, positive, negative = rng.uniform(0.02, 0.98, (3, 50, 8)).astype(np.float32)

    loss = lossless_triplet(anchor, positive, negative, beta=8, epsilon=1e-7).numpy()

    same, other = (np.square(anchor - end).sum(axis=1, keepdims=True) / 8 for end in (positive, negative))
    entropy = keras.losses.binary_crossentropy(np.zeros((50, 1)), same)
    entropy += keras.losses.binary_crossentropy(np.ones((50, 1)), other)
    np.testing.assert_allclose(loss, entropy, rtol=1e-5)


def test_opposite_corners_of_the_cube_are_the_most_a_lossless_triplet_can_ask_for() -> None:
    corner = np.zeros((1, 3), np.float32)

    best = lossless_triplet(corner, corner, corner + 1, beta=None, epsilon=1e-7).numpy()
    worst = lossless_triplet(corner, corner + 1, corner, beta=None, epsilon=1e-7).numpy()

    assert best == pytest.approx([0], abs=1e-6)
    assert worst == pytest.approx([-2 * np.log(1e-7)], rel=1e-3)


@pytest.mark.slow
def test_a_network_with_three_inputs_learns_by_a_triplet_and_leaves_its_base(rng: np.random.Generator) -> None:
    import keras

    keras.utils.set_random_seed(1)
    base = keras.Sequential([keras.Input((6,)), keras.layers.Dense(4), keras.layers.UnitNormalization()])
    inputs = [keras.Input((6,)) for _ in range(3)]
    siamese = keras.Model(inputs, keras.ops.stack([base(one) for one in inputs], axis=1))
    siamese.compile("adam", loss=lambda _, three: triplet(three[:, 0], three[:, 1], three[:, 2], 0.2))
    fault = rng.normal(size=(256, 6))
    three = [fault, fault * rng.uniform(0.5, 2, fault.shape), rng.normal(size=fault.shape)]
    before = triplet(*(base(np.float32(one)) for one in three), margin=0.2).numpy().mean()

    siamese.fit(three, np.zeros(len(fault)), epochs=15, verbose=0)

    assert triplet(*(base(np.float32(one)) for one in three), margin=0.2).numpy().mean() < 0.7 * before


@pytest.mark.parametrize("join", ["difference", "distance"])
def test_a_head_calls_two_windows_the_same_above_one_half(join: str) -> None:
    left, right = np.zeros((3, 2), np.float32), np.array([[0.1, 0], [1, 0], [0.4, 0]], np.float32)
    weight = np.full((1 if join == "distance" else 2, 1), -1, np.float32)

    assert same_class(left, right, join, weight, np.float32([0.5])).numpy().tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("triplets", {}, "there is no loss 'triplets'. Choose one of supervised_contrastive, triplet, soft_margin, "),
        ("triplet", {"beta": 3}, "the loss triplet has no option 'beta'. Its options are embedding, mining, margin."),
        ("triplet", {"margin": -1}, "the loss triplet has margin -1; allowed is a number above 0. Give such a number."),
        (
            "contrastive",
            {"margin": float("nan")},
            "the loss contrastive has margin nan; allowed is a number above 0. Give such",
        ),
        (
            "triplet",
            {"mining": "hard"},
            "the loss triplet has mining 'hard'; allowed are random, semi-hard, batch-hard. Give one of these.",
        ),
        ("similarity", {"join": "sum"}, "the loss similarity has join 'sum'; allowed are concatenation, difference, d"),
        (
            "lossless_triplet",
            {"embedding": "linear"},
            "the loss lossless_triplet has embedding 'linear'; allowed are sigmoid. Give one of these.",
        ),
    ],
)
def test_what_cannot_be_had_is_refused_with_a_sentence(name: str, options: dict, sentence: str) -> None:
    with pytest.raises(LossError) as refused:
        choose_loss(name, options)

    assert str(refused.value).startswith(sentence)
    assert str(refused.value).endswith(".")


def test_a_beta_below_the_dimension_is_refused_before_the_training_and_in_it() -> None:
    sentence = (
        r"^the lossless triplet loss has beta 15, below the embedding's 16 dimensions: .* Give a beta of 16 or more\.$"
    )

    with pytest.raises(LossError, match=sentence):
        choose_loss("lossless_triplet", {"beta": 15}).initial_parameters(16)
    with pytest.raises(LossError, match=sentence):
        lossless_triplet(*np.zeros((3, 1, 16), np.float32), beta=15, epsilon=1e-7)
    assert choose_loss("lossless_triplet", {"beta": 16}).initial_parameters(16) == {}


@pytest.mark.parametrize("label", [[0, 0, 0], [0, 1, 2, -1], [0], []])
def test_a_batch_without_a_positive_or_without_a_negative_pair_is_refused(label: list[int]) -> None:
    with pytest.raises(LossError, match=r"^a batch of \d windows in \d classes has no .* pairs\. Give at least two"):
        refuse_pairless(np.array(label, np.int64))


def test_one_pair_and_a_stranger_are_enough() -> None:
    refuse_pairless(np.array([0, 1, 1]))


def train(examples: Examples, loss: str, steps: int = 12, **options: Option) -> tuple[dict, list[float]]:
    told: list[float] = []
    schedule = Hyperparameters(steps=steps, rate=5e-3, seed=1, loss=loss, loss_options=options)
    weights = train_encoder(
        SPEC, examples, 0, catalogue(), schedule, TrainingHooks(on_step=lambda moment: told.append(moment.loss))
    )
    return weights, told


@pytest.mark.slow
@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_trains_an_encoder_without_collapse(name: str, examples: Examples) -> None:
    weights, told = train(examples, name)

    assert np.isfinite(told).all()
    assert {part: value.shape for part, value in weights.items()} == shapes(SPEC)
    assert all(np.isfinite(value).all() for value in weights.values())


@pytest.mark.slow
def test_turning_an_option_leads_elsewhere_and_equal_seeds_to_the_same_place(examples: Examples) -> None:
    first, again = (train(examples, "triplet", mining="random", margin=0.2)[1] for _ in range(2))
    wider = train(examples, "triplet", mining="random", margin=0.4)[1]

    assert first == again
    assert wider[0] > first[0]


@pytest.mark.slow
def test_hard_mining_that_collapses_the_encoder_is_refused_with_a_sentence(examples: Examples) -> None:
    with pytest.raises(
        TrainingError,
        match=r"^the encoder collapsed at step \d+: its spread per dimension is \S+, at least 0\.02 is needed\."
        r" Lower the rate or add classes\.$",
    ):
        train(examples, "soft_margin", steps=150, mining="batch-hard")


def test_a_beta_too_narrow_for_the_encoder_is_refused_before_the_first_step(examples: Examples) -> None:
    with pytest.raises(LossError, match=r"^the lossless triplet loss has beta 3, below the embedding's 16 dimensions"):
        train(examples, "lossless_triplet", beta=3)


def test_an_anchor_without_a_fellow_costs_nothing_instead_of_dividing_by_zero(rng: np.random.Generator) -> None:
    loss = supervised_contrastive(directions(rng, 4), np.array([0, 0, 1, -1]), 3, np.float32(0.1)).numpy()

    assert loss.shape == (3,)
    assert (loss[:2] > 0).all()
    assert loss[2] == 0


def test_the_loss_is_the_one_of_the_paper_at_every_temperature(rng: np.random.Generator) -> None:
    for temperature in (1.0, 0.1, 0.02):
        label = np.concatenate([rng.integers(0, 4, 20), -1 - np.arange(5)])
        direction = directions(rng, len(label))

        loss = supervised_contrastive(direction, label, 20, np.float32(temperature)).numpy()

        np.testing.assert_allclose(loss, slow_loss(direction.astype(float), label, 20, temperature), rtol=2e-4)


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
