"""Recipe: train an encoder on simulated faults."""

import argparse
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from detector.core.networks.registry import spec_of
from trainer.console import console, timed_step
from trainer.recipes.request import _origin, _schedule, _tell, _told, _usual

if TYPE_CHECKING:
    from detector.bundle.format import Bundle
    from detector.core.features import Baseline
    from trainer.data.history import History, ParquetHistory, SimulatedHistory
    from trainer.data.labelled_episodes import LabelledEpisodes
    from trainer.data.simulated_faults import SimulatedExamples


def _run_procedural(arguments: argparse.Namespace, school: "SimulatedHistory", given: "ParquetHistory | None") -> int:
    from trainer.data.cache import acquire
    from trainer.data.simulated_faults import SimulationPlan, simulate

    course = SimulationPlan(
        **{name: getattr(arguments, name) for name in ("classes", "each", "days", "seed", "workers", "strict")}
    )
    own = _usual(arguments, given) if given else None
    lessons = _lessons(arguments, given or school, own) if arguments.episodes else None
    folder = arguments.out.with_name(f"{arguments.out.name}.training")
    if acquire(folder, {**_origin(arguments, "procedural"), **course.origin}):
        console.print(f"{folder}: an unfinished training is taken up")
    usual = _usual(arguments, school)
    simulated = simulate(course, school, usual, folder)
    bundle = _learn(arguments, simulated, lessons, given or school, own or usual, folder)
    shutil.rmtree(folder)
    _tell(arguments, bundle, given or school)
    return 0


def _learn(
    arguments: argparse.Namespace,
    simulated: "SimulatedExamples",
    lessons: "LabelledEpisodes | None",
    history: "History",
    usual: "Baseline",
    folder: Path,
) -> "Bundle":
    """The encoder, its figures, and the bundle around it."""
    from detector.core.encoder import Encoder, device
    from detector.native_stderr import silence_native_stderr
    from trainer.calibration.bundle_builder import STRETCHES, BundleParts, build_bundle
    from trainer.data.labelled_episodes import add_labelled_episodes
    from trainer.data.simulated_faults import named_classes
    from trainer.metrics.one_shot import VISIBLE_EFFECT, one_shot_accuracy
    from trainer.training.loop import TrainingHooks, train_encoder

    with silence_native_stderr():
        device()
    examples, names = simulated.training, named_classes()
    if lessons is not None:
        examples, names = add_labelled_episodes(examples, lessons, names)
    spec = spec_of(arguments.encoder or "tree", len(history.catalogue))
    with _told(arguments) as tell:
        watching = TrainingHooks(
            on_step=tell,
            validation=simulated.validation,
            checkpoint_folder=folder,
            checkpoint_minutes=arguments.checkpoint_minutes,
        )
        weights = train_encoder(spec, examples, len(names), history.catalogue, _schedule(arguments), watching)
    encoder, rng = Encoder(spec, weights), np.random.default_rng([arguments.seed, 3])
    figures = {
        "one_shot_accuracy_unseen_procedural": one_shot_accuracy(encoder, simulated.test, rng),
        "one_shot_accuracy_unseen_procedural_effect_2": one_shot_accuracy(encoder, simulated.test, rng, VISIBLE_EFFECT),
    }
    facts = _facts(arguments, arguments.classes + len(names), len(examples.windows))
    with timed_step("what normal is"):
        parts = BundleParts(
            history=history,
            baseline=usual,
            spec=spec,
            weights=weights,
            trained_on=facts,
            figures=figures,
            stretches=STRETCHES,
            seed=arguments.seed,
            loss=arguments.loss,
        )
        return build_bundle(parts, arguments.out)


def _facts(arguments: argparse.Namespace, classes: int, windows: int) -> dict[str, str | int | float]:
    """What the bundle says of its training."""
    return {
        "classes": classes,
        "windows": windows,
        "steps": arguments.steps,
        "seed": arguments.seed,
        "strict": int(arguments.strict),
        "history": str(arguments.history or "simulated"),
    }


def _lessons(arguments: argparse.Namespace, home: "History", usual: "Baseline | None") -> "LabelledEpisodes":
    from detector.backtest.matching import read_episodes
    from detector.history.parquet import HistoryError
    from trainer.data.labelled_episodes import cut_labelled_episodes

    if usual is None:
        raise HistoryError(f"--episodes {arguments.episodes} befell no simulated network; give its --history, too.")
    with timed_step(f"lessons from {arguments.episodes}"):
        lessons = cut_labelled_episodes(home, usual, read_episodes(arguments.episodes), str(arguments.episodes))
    console.print(f"  {len(lessons.examples.label)} windows of {len(lessons.names)} classes: {' '.join(lessons.names)}")
    for told in lessons.skipped:
        console.print(f"  skipped: {told}")
    return lessons
