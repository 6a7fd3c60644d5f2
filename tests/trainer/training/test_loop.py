"""The training loop on a small encoder and 40 procedural classes, and the examination that follows it."""

from dataclasses import fields, replace

import numpy as np
import pytest

from detector.core.encoder import Embeddings, Encoder
from detector.core.features import Baseline
from detector.core.networks.registry import shapes
from detector.core.networks.spec import Spec
from tests.builders import embedded
from tests.trainer.fixtures import CLASSES, EACH, SPEC
from trainer.data.examples import Examples, simulate_examples
from trainer.data.history import SimulatedHistory
from trainer.errors import TrainingError
from trainer.metrics.one_shot import one_shot_accuracy
from trainer.simulator import catalogue
from trainer.training.learner import Hyperparameters
from trainer.training.loop import TrainingHooks, train_encoder

SCHEDULE = Hyperparameters(steps=250, rate=5e-3, warm_up=20, seed=1)
CHANCE = 1 / 6


class Trained:
    """Weights, and the smoothed loss after every step."""

    def __init__(self, examples: Examples, schedule: Hyperparameters, spec: Spec = SPEC) -> None:
        self.losses: list[float] = []
        self.weights = train_encoder(
            spec,
            examples,
            0,
            catalogue(),
            schedule,
            TrainingHooks(on_step=lambda moment: self.losses.append(moment.loss)),
        )


@pytest.fixture(scope="module")
def trained(examples: Examples) -> Trained:
    return Trained(examples, SCHEDULE)


def test_the_loss_falls_while_it_learns(trained: Trained) -> None:
    assert len(trained.losses) == SCHEDULE.steps
    assert np.isfinite(trained.losses).all()
    assert trained.losses[-1] < 0.75 * trained.losses[0]


def test_one_example_of_a_class_is_enough_to_name_unseen_windows_of_it(
    trained: Trained, town: SimulatedHistory, usual: Baseline, rng: np.random.Generator
) -> None:
    unseen = simulate_examples(town, usual, range(CLASSES), each=EACH, seed=77, workers=2)

    assert one_shot_accuracy(Encoder(SPEC, trained.weights), unseen, rng) > 2 * CHANCE


def test_the_weights_are_those_of_the_spec_in_single_precision(trained: Trained) -> None:
    assert {name: value.shape for name, value in trained.weights.items()} == shapes(SPEC)
    assert all(value.dtype == np.float32 and np.isfinite(value).all() for value in trained.weights.values())


@pytest.mark.slow
def test_equal_seeds_give_equal_weights_and_others_others(examples: Examples) -> None:
    schedule = replace(SCHEDULE, steps=25, warm_up=5)

    first, second = Trained(examples, schedule), Trained(examples, schedule)
    other = Trained(examples, replace(schedule, seed=2))

    assert first.losses == second.losses
    for name, value in first.weights.items():
        np.testing.assert_array_equal(value, second.weights[name])
    assert (first.weights["out"] != other.weights["out"]).any()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "loss"),
    [
        ("lstm", "supervised_contrastive"),
        ("lstm", "lossless_triplet"),
        ("gru", "triplet"),
        ("conv", "similarity"),
        ("transformer", "contrastive"),
    ],
)
def test_every_kind_of_encoder_learns_with_losses_of_every_sort(kind: str, loss: str, examples: Examples) -> None:
    spec = replace(SPEC, kind=kind)
    before = Trained(examples, Hyperparameters(steps=1, warm_up=0, seed=1, loss=loss), spec)
    trained = Trained(examples, Hyperparameters(steps=12, rate=5e-3, seed=1, loss=loss), spec)

    assert np.isfinite(trained.losses).all()
    assert {name: value.shape for name, value in trained.weights.items()} == shapes(spec)
    assert all(np.isfinite(value).all() for value in trained.weights.values())
    still = {name for name, value in trained.weights.items() if np.array_equal(value, before.weights[name])}
    assert still == {"centre", "whiten", "project"}, "weights are learned and averages moved; the rest is measured"


def test_a_collapsed_encoder_is_refused(examples: Examples) -> None:
    with pytest.raises(
        TrainingError,
        match=r"^the encoder collapsed at step \d+: its spread per dimension is \S+, at least 0\.02 is needed\."
        r" Lower the rate or add classes\.$",
    ):
        Trained(examples, replace(SCHEDULE, steps=10, warm_up=2, rate=1e4))


def test_a_training_shorter_than_its_warm_up_still_trains(examples: Examples) -> None:
    assert len(Trained(examples, Hyperparameters(steps=5)).losses) == 5


def test_too_few_classes_for_a_batch_are_refused_with_a_sentence(examples: Examples) -> None:
    few = np.flatnonzero(examples.label < 10)
    part = Examples(*(getattr(examples, column.name)[few] for column in fields(Examples)))

    with pytest.raises(TrainingError, match=r"^0 named and 10 procedural classes do not fill a batch of 32 classes\. "):
        Trained(part, replace(SCHEDULE, steps=3, warm_up=1))


def stencilled(label: np.ndarray) -> Examples:
    """Windows that bear their class in every code; all of them can be seen."""
    windows = np.broadcast_to(label[:, None, None], (len(label), 60, 3)).astype(np.int8)
    return Examples(windows, np.zeros_like(windows), label, np.full(len(label), 9, np.float32), 0 * label)


def test_an_encoder_that_reads_the_class_is_always_right(rng: np.random.Generator) -> None:
    def reader(windows: np.ndarray, /) -> Embeddings:
        return embedded(np.eye(10)[windows[:, 0, 0]], np.ones(len(windows)))

    assert one_shot_accuracy(reader, stencilled(np.repeat(np.arange(10), 8)), rng) == 1


def test_an_encoder_that_guesses_is_right_once_in_six(rng: np.random.Generator) -> None:
    def guesser(windows: np.ndarray, /) -> Embeddings:
        return embedded(rng.normal(size=(len(windows), 8)), np.ones(len(windows)))

    assert one_shot_accuracy(guesser, stencilled(np.repeat(np.arange(200), 30)), rng) == pytest.approx(CHANCE, abs=0.03)


def test_the_examination_can_leave_out_what_cannot_be_seen(rng: np.random.Generator) -> None:
    told = stencilled(np.repeat(np.arange(10), 20))
    hidden = np.arange(len(told.label)) % 2 == 0
    half = replace(told, windows=np.where(hidden[:, None, None], 0, told.windows), effect=np.where(hidden, 0.5, 9))

    def reader(windows: np.ndarray, /) -> Embeddings:
        return embedded(np.eye(10)[windows[:, 0, 0]], np.ones(len(windows)))

    assert one_shot_accuracy(reader, half, rng, least_effect=2) == 1
    assert one_shot_accuracy(reader, half, rng) < 0.9
