"""Figures of an evaluation as plain data: the content of `evaluate.json`, and of all tables of the page."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from trainer.evaluation.baseline_methods import MissingLibrary
from trainer.evaluation.replay import OUTCOMES, EpisodeOutcome, ReplayOutcome
from trainer.evaluation.run import EvaluationResult, MethodAnswers
from trainer.metrics.nearest_exemplar import Figure

DIGITS = 4


def collect_figures(results: Sequence[EvaluationResult], seed: int) -> dict[str, Any]:
    """Return all figures. Shares and rates are [value, low, high] with the 95 % interval; null is undefined."""
    classes = results[0].classes
    return {
        "seed": seed,
        "classes": classes,
        "chance": round(1 / len(classes), DIGITS),
        "cases": [_case_figures(result) for result in results],
    }


def _case_figures(result: EvaluationResult) -> dict[str, Any]:
    subject, windows = result.subject, result.windows
    taught = {episode.name for episode in result.taught}
    untaught = {episode.name for episode in windows.episodes if episode.kind == "fault"} - taught
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
        "normal_windows": len(windows.normal_windows),
        "one_shot": {name: _method_figures(answers) for name, answers in result.answers.items()},
        "replay": _replay_figures(result.replay),
        "taught": [[episode.name, episode.cell, episode.begin] for episode in result.taught],
        "untaught": sorted(untaught),
        "unknown_auroc": _rounded(result.unknown_auroc),
        "unknown_auroc_visible": _rounded(result.unknown_auroc_visible),
        "unknown_auroc_nothing_taught": _rounded(result.unknown_auroc_nothing_taught),
    }


def _method_figures(answers: MethodAnswers | MissingLibrary) -> dict[str, Any]:
    if isinstance(answers, MissingLibrary):
        return {"missing": answers.library}
    result = answers.result
    return {
        "questions": answers.questions,
        "episodes": answers.episodes,
        "macro_f1": _rounded_by_name(result.macro_f1),
        "right": _rounded_by_name(result.accuracy),
        "by_class": _rounded_by_name(result.by_class),
        "confusion": [[_number(value) for value in row] for row in result.confusion.tolist()],
    }


def _replay_figures(replay: ReplayOutcome) -> dict[str, Any]:
    return {
        "cell_days": round(replay.cell_days, 1),
        "alarms": replay.alarms,
        "budget": replay.budget,
        "false_alarms": _rounded(replay.false_rate),
        "false_alarms_named": _rounded(replay.named_false_rate),
        "calibrated_on_cell_days": round(replay.calibration_cell_days, 1),
        "taught": {name: _outcome_figures(outcome) for name, outcome in replay.taught.items()},
        "all_taught": _outcome_figures(replay.all_taught),
        "untaught": {name: _outcome_figures(outcome) for name, outcome in replay.untaught.items()},
        "all_untaught": _outcome_figures(replay.all_untaught),
    }


def _outcome_figures(outcome: EpisodeOutcome) -> dict[str, Any]:
    return {
        "episodes": outcome.episodes,
        "events": outcome.events,
        **{name: _rounded(outcome.shares[name]) for name in OUTCOMES},
        "minutes": None if outcome.minutes is None else [_number(value) for value in outcome.minutes],
    }


def _rounded(figure: Figure) -> list[float | None]:
    return [_number(value) for value in figure]


def _rounded_by_name(figures: Mapping[str, Figure]) -> dict[str, list[float | None]]:
    return {name: _rounded(figure) for name, figure in figures.items()}


def _number(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), DIGITS)
