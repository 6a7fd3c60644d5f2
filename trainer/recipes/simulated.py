"""Recipe: train an encoder on simulated faults.

The faults are procedural classes and the named classes that are not held out. Labelled episodes of the watched network
are learned beside them if they are given.
"""

from pathlib import Path

import numpy as np

from detector.backtest.matching import read_episodes
from detector.bundle.format import Bundle
from detector.core.encoder import Encoder, device
from detector.core.features import WINDOW, Baseline
from detector.core.networks.registry import spec_of
from detector.history.parquet import HistoryError
from detector.native_stderr import silence_native_stderr
from detector.terminal import print_line
from trainer.calibration.bundle_builder import STRETCHES, BundleParts, build_bundle
from trainer.console import timed_step
from trainer.data.history import History, ParquetHistory, SimulatedHistory
from trainer.data.labelled_episodes import LabelledEpisodes, add_labelled_episodes, cut_labelled_episodes
from trainer.data.simulated_faults import SimulatedExamples, SimulationPlan, named_classes, simulate
from trainer.metrics.one_shot import VISIBLE_EFFECT, one_shot_accuracy
from trainer.recipes.request import TrainRequest
from trainer.recipes.steps import (
    hyperparameters,
    origin,
    print_bundle,
    timed_baseline,
    training_folder,
    training_observer,
)
from trainer.training.loop import TrainingHooks, train_encoder


def train_on_simulated_faults(
    request: TrainRequest, simulated: SimulatedHistory, watched: ParquetHistory | None
) -> None:
    """Train, and write the bundle of the watched network, else of the simulated one. Raises OperatorError."""
    plan = SimulationPlan(
        classes=request.classes,
        each=request.each,
        days=request.days,
        seed=request.seed,
        workers=request.workers,
        strict=request.strict,
    )
    bytes_needed = plan.windows * 2 * WINDOW * len(simulated.catalogue)
    with training_folder(request, {**origin(request, "procedural"), **plan.origin}, bytes_needed) as folder:
        watched_baseline = timed_baseline(watched, request.days) if watched else None
        episodes = _cut_episodes(request, watched or simulated, watched_baseline) if request.episodes else None
        simulated_baseline = timed_baseline(simulated, request.days)
        examples = simulate(plan, simulated, simulated_baseline, folder)
        home, baseline = watched or simulated, watched_baseline or simulated_baseline
        bundle = _build(request, examples, episodes, home, baseline=baseline, folder=folder)
    print_bundle(request.out, bundle, home)


def _build(
    request: TrainRequest,
    simulated: SimulatedExamples,
    episodes: LabelledEpisodes | None,
    history: History,
    *,
    baseline: Baseline,
    folder: Path,
) -> Bundle:
    """Train the encoder, measure it, and write the bundle."""
    with silence_native_stderr():
        device()
    examples, names = simulated.training, named_classes()
    if episodes is not None:
        examples, names = add_labelled_episodes(examples, episodes, names)
    spec = spec_of(request.encoder or "tree", len(history.catalogue))
    with training_observer(request) as observe:
        hooks = TrainingHooks(
            on_step=observe,
            validation=simulated.validation,
            checkpoint_folder=folder,
            checkpoint_minutes=request.checkpoint_minutes,
        )
        weights = train_encoder(spec, examples, len(names), history.catalogue, hyperparameters(request), hooks=hooks)
    encoder, rng = Encoder(spec, weights), np.random.default_rng([request.seed, 3])
    figures = {
        "one_shot_accuracy_unseen_procedural": one_shot_accuracy(encoder, simulated.test, rng),
        "one_shot_accuracy_unseen_procedural_effect_2": one_shot_accuracy(encoder, simulated.test, rng, VISIBLE_EFFECT),
    }
    with timed_step("normal profile and calibration"):
        return build_bundle(
            BundleParts(
                history=history,
                baseline=baseline,
                spec=spec,
                weights=weights,
                trained_on=_facts(request, classes=request.classes + len(names), windows=len(examples.windows)),
                figures=figures,
                stretches=STRETCHES,
                seed=request.seed,
                loss=request.loss,
            ),
            request.out,
            request.signer,
        )


def _facts(request: TrainRequest, *, classes: int, windows: int) -> dict[str, str | int | float]:
    """Return the facts about the training for the bundle's manifest."""
    return {
        "classes": classes,
        "windows": windows,
        "steps": request.steps,
        "seed": request.seed,
        "strict": int(request.strict),
        "history": str(request.history or "simulated"),
    }


def _cut_episodes(request: TrainRequest, history: History, baseline: Baseline | None) -> LabelledEpisodes:
    """Cut the labelled episodes of the watched network. Raises HistoryError."""
    if request.episodes is None or baseline is None:
        raise HistoryError(
            f"--episodes {request.episodes}: a simulated network has no such episodes; give the network's --history,"
            " too."
        )
    with timed_step(f"labelled episodes of {request.episodes}"):
        episodes = cut_labelled_episodes(history, baseline, read_episodes(request.episodes), str(request.episodes))
    names = " ".join(episodes.names)
    print_line(f"  {len(episodes.examples.label)} windows of {len(episodes.names)} classes: {names}")
    for reason in episodes.skipped:
        print_line(f"  skipped: {reason}")
    return episodes
