"""Recipe: a bundle for a network of any catalogue, without labels and without a simulator.

The `shared` encoder is shipped and needs no training. Any other kind is trained on synthetic faults, which are shapes
injected into the network's own normal windows.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detector.bundle.format import Bundle
from detector.core.encoder import Encoder, device
from detector.core.features import WINDOW, Baseline, Catalogue
from detector.core.networks.registry import spec_of
from detector.core.networks.spec import Spec
from detector.history.parquet import HistoryError
from detector.native_stderr import silence_native_stderr
from detector.signatures import SigningKey
from trainer.calibration.bundle_builder import STRETCHES, BundleParts, build_bundle
from trainer.calibration.normal_profile import measure_weights, normal_windows
from trainer.console import timed_step
from trainer.data.history import History, ParquetHistory, SimulatedHistory
from trainer.data.injected_faults import inject_families
from trainer.metrics.one_shot import VISIBLE_EFFECT, one_shot_accuracy
from trainer.pretrained.tokens import fit_tokens, shipped_tokens
from trainer.recipes.request import TrainRequest
from trainer.recipes.steps import (
    hyperparameters,
    origin,
    print_bundle,
    timed_baseline,
    training_folder,
    training_observer,
)
from trainer.training.learner import Hyperparameters
from trainer.training.loop import TrainingHooks, train_encoder

NORMAL_WINDOWS, MOST_BYTES = 6000, 64 << 20
"""Windows that fault families are injected into; fewer for a wide catalogue."""

EXAM, EXAM_EACH = 120, 12
"""Families that are not learned, and windows of each."""

LEAST_MINUTES = 1440


@dataclass(frozen=True)
class UnlabelledPlan:
    """Encoder, amount of synthetic faults, and training options."""

    kind: str = "shared"
    classes: int = 3000
    each: int = 6
    """Synthetic families to learn from, and windows of each."""
    schedule: Hyperparameters = field(default_factory=Hyperparameters)
    stretches: int = STRETCHES
    hooks: TrainingHooks = field(default_factory=TrainingHooks)
    signer: SigningKey | None = None


def train_on_injected_faults(request: TrainRequest, history: ParquetHistory | SimulatedHistory) -> None:
    """Take the shipped encoder or train another, and write the bundle. Raises OperatorError."""
    refuse_short(history)
    plan = UnlabelledPlan(
        kind=request.encoder or "shared",
        classes=request.classes,
        each=request.each,
        schedule=hyperparameters(request),
        signer=request.signer,
    )
    if plan.kind == "shared":
        baseline = _first_baseline(request, history)
        with timed_step(f"shipped encoder for {len(history.catalogue)} features, and its normal profile"):
            bundle = make_unlabelled(history, baseline, plan, request.out)
    else:
        with training_folder(request, origin(request, "synthetic")) as folder:
            baseline = _first_baseline(request, history)
            with training_observer(request) as observe:
                hooks = TrainingHooks(
                    on_step=observe, checkpoint_folder=folder, checkpoint_minutes=request.checkpoint_minutes
                )
                bundle = make_unlabelled(history, baseline, replace(plan, hooks=hooks), request.out)
    print_bundle(request.out, bundle, history)


def _first_baseline(request: TrainRequest, history: ParquetHistory | SimulatedHistory) -> Baseline:
    """Start TensorFlow, and return the baselines."""
    with silence_native_stderr():
        device()
    return timed_baseline(history, request.days)


def make_unlabelled(history: History, baseline: Baseline, plan: UnlabelledPlan, path: Path) -> Bundle:
    """Train the encoder if its kind needs it, and write the verified bundle to `path`. Raises HistoryError."""
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
    return build_bundle(
        BundleParts(
            history=history,
            baseline=baseline,
            spec=spec,
            weights=weights,
            trained_on=_facts(plan),
            figures=figures,
            stretches=plan.stretches,
            seed=seed,
            loss=plan.schedule.loss,
        ),
        path,
        plan.signer,
    )


def _facts(plan: UnlabelledPlan) -> dict[str, str | int | float]:
    """Return the facts about the training for the bundle's manifest."""
    shipped = plan.kind == "shared"
    return {
        "faults": "shipped tokens" if shipped else "synthetic",
        "classes": 0 if shipped else plan.classes,
        "steps": 0 if shipped else plan.schedule.steps,
        "seed": plan.schedule.seed,
    }


def refuse_short(history: History) -> None:
    """Raise HistoryError for a history that is shorter than a day."""
    minutes = history.span[1] - history.span[0]
    if minutes < LEAST_MINUTES:
        raise HistoryError(
            f"the history spans {minutes} minutes, and baselines need {LEAST_MINUTES} at least (better a week); give a"
            " longer one."
        )


def _weights(
    windows: NDArray[np.int8], catalogue: Catalogue, plan: UnlabelledPlan
) -> tuple[Spec, dict[str, NDArray[np.float32]]]:
    if plan.kind == "shared":
        return fit_tokens(shipped_tokens(), len(catalogue))
    spec = spec_of(plan.kind, len(catalogue))
    examples = inject_families(windows, plan.classes, plan.each, plan.schedule.seed)
    apart = tuple(replace(feature, group=feature.group or feature.name) for feature in catalogue.features)
    return spec, train_encoder(spec, examples, 0, Catalogue(apart), plan.schedule, hooks=plan.hooks)
