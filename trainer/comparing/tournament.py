"""All of them, one after the other, seed by seed: if time runs out, every loss has had its turn before any has two."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np

from trainer.comparing.budget import Budget
from trainer.comparing.contestants import Contestant
from trainer.comparing.course import Embedded, Training, train, untrained
from trainer.comparing.material import Material
from trainer.comparing.three import STEPS, Classroom, Lesson, teach
from trainer.data.sampler import Batches
from trainer.progress import console, learning, step

STANDARD, LOSSLESS = Contestant("triplet", (("mining", "random"),)), Contestant("lossless_triplet")
"""Of the animation: both take any triplet, so that nothing but the cost differs."""


@dataclass(frozen=True)
class Result:
    material: Material
    asked_steps: int
    steps: int
    budget_minutes: float | None
    seeds: Sequence[int]
    trainings: dict[Contestant, list[Training]]
    """In the order of the seeds."""
    untrained: Embedded
    """The unseen windows by the first weights of the first encoder and seed."""
    lessons: dict[Contestant, Lesson]
    """On the first encoder; the animation's two among them."""


def hold(
    runners: Sequence[Contestant], seeds: Sequence[int], material: Material, asked: int, minutes: float | None
) -> Result:
    """Raises TrainingError where the material or the minutes are too little for any training."""
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")  # it warns of every network after the fifth that it is traced anew
    Batches(material.learned, material.base_classes, material.catalogue, seeds[0])
    budget = Budget(minutes)
    with step("how long a step takes") if minutes is not None else nullcontext():
        steps = budget.steps(asked, list(runners) * len(seeds), material)
    trainings: dict[Contestant, list[Training]] = {runner: [] for runner in runners}
    for seed in seeds:
        for runner in runners:
            trainings[runner].append(_trained(runner, seed, material, steps, budget))
    begin = untrained(runners[0].encoder, seeds[0], material)
    lessons = _lessons(runners, material, seeds[0], steps)
    return Result(material, asked, steps, minutes, seeds, trainings, begin, lessons)


def _trained(runner: Contestant, seed: int, material: Material, steps: int, budget: Budget) -> Training:
    if budget.is_over():
        return Training(runner, seed, "not trained", f"the {budget.minutes:g} minutes were over")
    with learning(f"{runner.name} on {runner.encoder}, seed {seed}", steps) as bar:
        training = train(runner, seed, material, steps, bar)
    if training.state != "trained":
        console.print(f"  {training.state}: {training.reason}", markup=False)
    return training


def _lessons(runners: Sequence[Contestant], material: Material, seed: int, steps: int) -> dict[Contestant, Lesson]:
    pupils = dict.fromkeys([*(one for one in runners if one.encoder == runners[0].encoder), STANDARD, LOSSLESS])
    classroom = Classroom.of(material.three, np.random.default_rng([seed, 12]))
    lessons = {}
    for pupil in pupils:
        with step(f"three classes, three dimensions: {pupil.name}"):
            lessons[pupil] = teach(pupil, material, classroom, min(STEPS, steps), seed)
    return lessons
