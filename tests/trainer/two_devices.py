"""A training on two processors that TensorFlow believes in, beside the same on one: figures as JSON."""

import json

import numpy as np
import tensorflow as tf

from tests.builders import catalogue
from tests.trainer.left_alone import FEATURES, SCHEDULE, SPEC, pictures
from trainer.calibration.whitening import Normality
from trainer.data.sampler import ClassBalancedSampler
from trainer.errors import TrainingError
from trainer.training.distributed import strategy
from trainer.training.learner import Hyperparameters, Learner

LOSSES = ("supervised_contrastive", "triplet", "prototypical")


def first_gradient(devices: int, loss: str, batch) -> dict[str, np.ndarray]:
    """A tenth of it is Adam's first moment after one step; clipping is out of the way."""
    learner = Learner(SPEC, Hyperparameters(loss=loss, devices=devices, clip=1e9), Normality.of(pictures(), SPEC))
    learner.learn(0, *batch)
    return {name: 10 * value for name, value in learner.arrays().items() if name.startswith("optimizer/")}


def main() -> None:
    processor = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 5)
    batches = ClassBalancedSampler(pictures(), 0, catalogue(FEATURES), seed=2)
    off = 0.0
    for loss in LOSSES:
        one, two = (first_gradient(devices, loss, batches.draw(0)) for devices in (1, 2))
        off = max(off, *(float(np.abs(one[name].astype(float) - two[name]).max()) for name in one))
    losses = {}
    for devices in (1, 2):
        schedule = Hyperparameters(steps=60, rate=SCHEDULE.rate, devices=devices)
        learner = Learner(SPEC, schedule, Normality.of(pictures(), SPEC))
        losses[devices] = [learner.learn(step, *batches.draw(step))[0] for step in range(60)]
    copies = learner.copies()
    differ = max(float(np.abs(copies[0][name] - copies[1][name]).max()) for name in copies[0])
    try:
        strategy(5)
        refused = ""
    except TrainingError as error:
        refused = str(error)
    told = {"copies": len(copies), "copies_differ": differ, "gradient_off": off, "refused": refused}
    print(json.dumps({**told, "losses": losses[2], "losses_alone": losses[1]}))


if __name__ == "__main__":
    main()
