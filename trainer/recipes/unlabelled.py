"""Module."""

import argparse
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from detector.core.networks.registry import spec_of
from trainer.console import console, timed_step

if TYPE_CHECKING:
    from detector.bundle.format import Bundle
    from detector.core.features import Baseline
    from trainer.data.history import History, ParquetHistory, SimulatedHistory
    from trainer.training.learner import Hyperparameters

from dataclasses import dataclass, field

from numpy.typing import NDArray

from detector.bundle.format import Bundle
from detector.core.encoder import Encoder
from detector.core.features import WINDOW, Baseline, Catalogue
from detector.core.networks.spec import Spec
from detector.history.parquet import HistoryError
from trainer.calibration.bundle_builder import STRETCHES, BundleParts, build_bundle
from trainer.calibration.normal_profile import measure_weights, normal_windows
from trainer.data.history import History
from trainer.data.injected_faults import inject_families
from trainer.metrics.one_shot import VISIBLE_EFFECT, one_shot_accuracy
from trainer.pretrained.tokens import fit_tokens, shipped_tokens
from trainer.recipes.request import _origin, _schedule, _tell, _told, _usual
from trainer.training.learner import Hyperparameters
from trainer.training.loop import TrainingHooks, train_encoder


def _run_synthetic(arguments: argparse.Namespace, school: "SimulatedHistory", given: "ParquetHistory | None") -> int:
    from detector.core.encoder import device
    from detector.native_stderr import silence_native_stderr
    from trainer.data.cache import acquire
    from trainer.training.loop import TrainingHooks

    home: History = given or school
    refuse_short(home)
    with silence_native_stderr():
        device()
    usual = _usual(arguments, given or school)
    folder = arguments.out.with_name(f"{arguments.out.name}.training")
    asked = UnlabelledPlan(arguments.encoder or "shared", arguments.classes, arguments.each, _schedule(arguments))
    if asked.kind == "shared":
        with timed_step(f"the shipped encoder for {len(home.catalogue)} features, and what normal is"):
            bundle = make_unlabelled(home, usual, asked, arguments.out)
    else:
        if acquire(folder, _origin(arguments, "synthetic")):
            console.print(f"{folder}: an unfinished training is taken up")
        with _told(arguments) as tell:
            watching = TrainingHooks(
                on_step=tell, checkpoint_folder=folder, checkpoint_minutes=arguments.checkpoint_minutes
            )
            bundle = make_unlabelled(home, usual, replace(asked, watch=watching), arguments.out)
        shutil.rmtree(folder)
    _tell(arguments, bundle, home)
    return 0


NORMAL_WINDOWS, MOST_BYTES = 6000, 64 << 20
"""Windows that families are injected into; fewer of a wide catalogue."""

EXAM, EXAM_EACH = 120, 12
"""Families that are not learned, and windows of each."""

LEAST_MINUTES = 1440


@dataclass(frozen=True)
class UnlabelledPlan:
    """What is asked for."""

    kind: str = "shared"
    classes: int = 3000
    each: int = 6
    """Synthetic families to learn from, and windows of each."""
    schedule: Hyperparameters = field(default_factory=Hyperparameters)
    stretches: int = STRETCHES
    watch: TrainingHooks = field(default_factory=TrainingHooks)


def make_unlabelled(history: History, baseline: Baseline, plan: UnlabelledPlan, path: Path) -> Bundle:
    """Trains what is to be trained, and writes the proven bundle to `path`."""
    seed = plan.schedule.seed
    refuse_short(history)
    count = min(NORMAL_WINDOWS, MOST_BYTES // (WINDOW * len(history.catalogue)))
    windows = normal_windows(history, baseline, count, np.random.default_rng([seed, 12]))
    spec, weights = _weights(windows[::2], history.catalogue, plan)
    exam = inject_families(windows[1::2], EXAM, EXAM_EACH, seed + 1)
    encoder = Encoder(spec, {**weights, **measure_weights(spec, windows[::2])})
    rng = np.random.default_rng([seed, 3])
    figures = {
        "one_shot_accuracy_unseen_synthetic": one_shot_accuracy(encoder, exam, rng),
        "one_shot_accuracy_unseen_synthetic_effect_2": one_shot_accuracy(encoder, exam, rng, VISIBLE_EFFECT),
    }
    shipped = plan.kind == "shared"
    facts: dict[str, str | int | float] = {
        "faults": "shipped tokens" if shipped else "synthetic",
        "classes": 0 if shipped else plan.classes,
        "steps": 0 if shipped else plan.schedule.steps,
        "seed": seed,
    }
    parts = BundleParts(
        history=history,
        baseline=baseline,
        spec=spec,
        weights=weights,
        trained_on=facts,
        figures=figures,
        stretches=plan.stretches,
        seed=seed,
        loss=plan.schedule.loss,
    )
    return build_bundle(parts, path)


def refuse_short(history: History) -> None:
    """Raises HistoryError for a past that cannot say what a day is like."""
    minutes = history.span[1] - history.span[0]
    if minutes < LEAST_MINUTES:
        raise HistoryError(
            f"the history spans {minutes} minutes, and what is usual takes {LEAST_MINUTES} at least (better a week);"
            " give a longer one."
        )


def _weights(
    windows: NDArray[np.int8], catalogue: Catalogue, plan: UnlabelledPlan
) -> tuple[Spec, dict[str, NDArray[np.float32]]]:
    if plan.kind == "shared":
        return fit_tokens(shipped_tokens(), len(catalogue))
    spec = spec_of(plan.kind, len(catalogue))
    examples = inject_families(windows, plan.classes, plan.each, plan.schedule.seed)
    apart = tuple(replace(feature, group=feature.group or feature.name) for feature in catalogue.features)
    return spec, train_encoder(spec, examples, 0, Catalogue(apart), plan.schedule, plan.watch)
