"""All figures of an evaluation as plain data: what `evaluate.json` holds, and all that the page's tables say."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from trainer.evaluation.baseline_methods import MissingLibrary
from trainer.evaluation.replay import EpisodeOutcome, ReplayOutcome
from trainer.evaluation.run import EvaluationResult, MethodAnswers
from trainer.metrics.nearest_exemplar import Figure

DIGITS = 4


def collect_figures(results: Sequence[EvaluationResult], seed: int) -> dict[str, Any]:
    """Shares and rates are [value, low, high] with the 95 % interval; null is "nothing to say"."""
    classes = results[0].classes
    return {
        "seed": seed,
        "classes": classes,
        "chance": round(1 / len(classes), DIGITS),
        "cases": [_of_case(result) for result in results],
    }


def _of_case(result: EvaluationResult) -> dict[str, Any]:
    subject, windows = result.subject, result.cut
    untaught = {one.name for one in windows.episodes if one.kind == "fault"} - {one.name for one in result.taught}
    return {
        "name": subject.case.name,
        "history": str(subject.case.history),
        "bundle": subject.bundle.digest,
        "calibrated_on": str(subject.bundle.manifest.trained_on.get("history", "")),
        "encoder": subject.bundle.manifest.spec.kind,
        "features": len(subject.bundle.catalogue),
        "listed_episodes": len(subject.episodes),
        "mixed_episodes": result.mixed,
        "used_episodes": len(windows.episodes),
        "normal_windows": len(windows.normal),
        "one_shot": {name: _of_method(answers) for name, answers in result.answers.items()},
        "replay": _of_replay(result.replayed),
        "taught": [[one.name, one.cell, one.begin] for one in result.taught],
        "untaught": sorted(untaught),
        "unknown_auroc": figure(result.unknown),
        "unknown_auroc_visible": figure(result.unknown_visible),
        "unknown_auroc_nothing_taught": figure(result.unknown_alone),
    }


def _of_method(answers: MethodAnswers | MissingLibrary) -> dict[str, Any]:
    if isinstance(answers, MissingLibrary):
        return {"missing": answers.library}
    named = answers.named
    return {
        "questions": answers.questions,
        "episodes": answers.episodes,
        "macro_f1": {name: figure(one) for name, one in named.macro_f1.items()},
        "right": {name: figure(one) for name, one in named.right.items()},
        "by_class": {name: figure(one) for name, one in named.by_class.items()},
        "confusion": [[_number(value) for value in row] for row in named.confusion.tolist()],
    }


def _of_replay(replayed: ReplayOutcome) -> dict[str, Any]:
    return {
        "cell_days": round(replayed.cell_days, 1),
        "alarms": replayed.alarms,
        "budget": replayed.budget,
        "false_alarms": figure(replayed.false),
        "false_alarms_named": figure(replayed.false_named),
        "calibrated_on_cell_days": round(replayed.calibrated_on, 1),
        "taught": {name: _of_fate(one) for name, one in replayed.taught.items()},
        "all_taught": _of_fate(replayed.all_taught),
        "untaught": {name: _of_fate(one) for name, one in replayed.untaught.items()},
        "all_untaught": _of_fate(replayed.all_untaught),
    }


def _of_fate(fate: EpisodeOutcome) -> dict[str, Any]:
    return {
        "episodes": fate.episodes,
        "events": fate.events,
        "right": figure(fate.right),
        "misnamed": figure(fate.misnamed),
        "unknown": figure(fate.unknown),
        "missed": figure(fate.missed),
        "minutes": None if fate.minutes is None else [_number(value) for value in fate.minutes],
    }


def figure(values: Figure) -> list[float | None]:
    return [_number(value) for value in values]


def _number(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), DIGITS)
