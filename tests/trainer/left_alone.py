"""A small training in a process of its own, to be killed and given again: FOLDER of its checkpoints, OUT for weights.

It prints every step, so that whoever kills it knows when.
"""

import sys
from pathlib import Path

import numpy as np

from detector.core.networks.spec import Spec
from tests.builders import catalogue
from trainer.data.examples import Examples
from trainer.training.learner import Hyperparameters
from trainer.training.loop import StepMetrics, TrainingHooks, train_encoder

FEATURES, STEPS = 8, 40
NETWORKS = 2
SPEC = Spec(FEATURES, first=8, second=8, hidden=24, dimension=8, shift=6)
SCHEDULE = Hyperparameters(steps=STEPS, rate=5e-3, warm_up=5, seed=4, examinations=5)


def pictures(classes: int = 40, each: int = 7, seed: int = 0) -> Examples:
    """Windows of classes that can be told apart: each lifts features of its own, from a minute of its own on."""
    rng = np.random.default_rng(seed)
    label = np.repeat(np.arange(classes), each)
    lift = rng.integers(-60, 60, (classes, FEATURES))[label]
    begun = np.arange(60)[None, :] >= rng.integers(0, 50, len(label))[:, None]
    twins = rng.integers(-12, 13, (len(label), 60, FEATURES)).astype(np.int8)
    windows = np.clip(twins + begun[:, :, None] * lift[:, None, :], -127, 127).astype(np.int8)
    network = np.arange(len(label)) % NETWORKS
    return Examples(windows, twins, label, np.full(len(label), 5, np.float32), network)


def train(folder: Path | None, tell=lambda moment: None, schedule: Hyperparameters = SCHEDULE, exam: bool = True):
    watch = TrainingHooks(
        on_step=tell,
        validation=pictures(12, 8, seed=1) if exam else None,
        checkpoint_folder=folder,
        checkpoint_minutes=0,
    )
    return train_encoder(SPEC, pictures(), 0, catalogue(FEATURES), schedule, watch)


def say(moment: StepMetrics) -> None:
    print(moment.step, flush=True)


if __name__ == "__main__":
    np.savez(sys.argv[2], **train(Path(sys.argv[1]), say))
