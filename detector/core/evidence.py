"""Evidence of an alarm: the figures behind its decision, in the units of the features.

It contains the score with the contributions of direction and distance, the nearest classes with their authors, and the
features and minutes that the score depends on. All of it is a function of the window and the exemplar index, so that
the same log gives the same figures.

It takes 4 ms of one core (ten classes taught), most of it for the encoder: a poll of 4,000 records that each raise an
alarm blocks the pipeline for 16 s.
"""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.core.attribution import BLOCK_MINUTES, Attribution, attribute
from detector.core.encoder import Embeddings, Encode
from detector.core.features import ABSENT, STEPS, WINDOW, Catalogue, day_basis
from detector.core.lifecycle import CLEARED, Event
from detector.core.scoring.class_scores import ScoreCalibration, class_evidence, score_contributions
from detector.core.scoring.classifier import Classifier
from detector.core.scoring.exemplars import Exemplar, ExemplarIndex, Matches
from detector.core.scoring.tail_fit import FLOOR

NEAREST_SHOWN = 3
"""Number of classes in an alarm: the best, its rival, and one for comparison."""

FEATURES_SHOWN, SPANS_SHOWN = 6, 3

LEAST_SHARE = 0.1
"""Smallest weight that is shown, as a share of the largest weight; smaller contributions are omitted."""

LONGEST_TEXT = 128
"""Largest number of characters shown of a label's free text, so that an alarm stays below 16 kB."""


@dataclass(frozen=True)
class AlarmContext:
    """One cell's window at the minute of an event, with its embedding and baseline."""

    codes: NDArray[np.int8]
    """# [60, F]"""
    embeddings: Embeddings
    """# of one"""
    coverage: float
    coefficients: NDArray[np.float32]
    """The cell's rows of the baseline. # [2 + 2·H, F]"""


def evidence(
    event: Event, context: AlarmContext, classifier: Classifier, encode: Encode, catalogue: Catalogue
) -> dict[str, Any]:
    """Return `additionalInformation` for a decision; features and minutes only while the alarm is open."""
    index, calibration = classifier.index_at(event.minute), classifier.calibration_at(event.minute)
    matches = index.match(context.embeddings)
    direction, distance = calibration.contributions(class_evidence(index, matches, context.embeddings))
    scores = _total_scores(direction, distance)[0]
    column = index.faults.index(event.alarm.name) if event.alarm.name in index.faults else -1
    rivals = np.delete(scores[:-1], column if column >= 0 else [])
    information: dict[str, Any] = {
        **_cause(index, event.alarm.name),
        "labels": classifier.exemplar_index.digest,
        "score": round(event.score, 2),
        "threshold": round(classifier.threshold, 2),
        "direction": round(float(direction[0, column]), 2),
        "distance": round(float(distance[0, column]), 2),
        "coverage": round(context.coverage, 3),
        "size": round(float(context.embeddings.size[0]), 2),
        "normal": round(float(matches.normal[0]), 4),
        "nearest": _nearest_classes(index, matches, scores),
        "embedding": base64.b64encode(context.embeddings.direction[0].astype("<f2").tobytes()).decode(),
        "fingerprint": fingerprint(context.embeddings, event.score),
    }
    if len(rivals):
        information["margin"] = round(float(scores[column] - rivals.max()), 2)
    if event.change != CLEARED:
        attribution = attribute(context.codes, encode, _scorer(index, calibration, column))
        information |= _describe_attribution(context, event.minute, attribution, catalogue)
    return information


def fingerprint(embeddings: Embeddings, score: float) -> str:
    """Return a digest of every bit of an embedding and of the alarm's score."""
    bits = [*vars(embeddings).values(), np.float32(score)]
    return hashlib.sha256(b"".join(part.tobytes() for part in bits)).hexdigest()[:16]


def _cause(index: ExemplarIndex, name: str) -> dict[str, str]:
    causes = [
        exemplar.cause
        for exemplar in index.exemplars
        if (exemplar.kind, exemplar.name) == ("fault", name) and exemplar.cause
    ]
    return {"cause": causes[0][:LONGEST_TEXT]} if causes else {}


def _total_scores(direction: NDArray[np.float32], distance: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return scores clipped below only. Clipped above, two strong features would each seem to have no influence."""
    return np.maximum(direction + distance, np.float32(FLOOR))


def _scorer(
    index: ExemplarIndex, calibration: ScoreCalibration, column: int
) -> Callable[[Embeddings], NDArray[np.float32]]:
    return lambda embeddings: _total_scores(*calibration.contributions(score_contributions(index, embeddings)))[
        :, column
    ]


def _nearest_classes(index: ExemplarIndex, matches: Matches, scores: NDArray[np.float32]) -> list[dict[str, Any]]:
    """Return the classes with the highest scores, each with its nearest exemplar. # of one, [C + 1]"""
    return [
        {
            **_describe_exemplar(index.exemplars[matches.nearest_exemplar[0, column]]),
            "score": round(float(scores[column]), 2),
            "cosine": round(float(matches.cosine[0, column]), 4),
            "pull": round(float(matches.shift_projection[0, column]), 2),
        }
        for column in np.argsort(-scores[:-1], kind="stable")[:NEAREST_SHOWN].tolist()
    ]


def _describe_exemplar(exemplar: Exemplar) -> dict[str, Any]:
    optional = {"by": exemplar.author[:LONGEST_TEXT], "taught": exemplar.taught_minute}
    return {
        "name": exemplar.name,
        "kind": exemplar.kind,
        "exemplar": exemplar.id,
        "cell": exemplar.cell,
        "minute": exemplar.minute,
        **{key: value for key, value in optional.items() if value},
    }


def _describe_attribution(
    context: AlarmContext, minute: int, attribution: Attribution, catalogue: Catalogue
) -> dict[str, Any]:
    """Describe the weightiest features and minutes. Spans are [begin, end), in minutes since 1970."""
    spans = _spans(attribution.by_block)
    granularity = catalogue.granularity
    begin, step = minute + granularity.period_minutes - granularity.window_minutes, granularity.step_minutes
    shown_steps = np.zeros(WINDOW, bool)
    for first, last, _ in spans:
        shown_steps[first:last] = True
    is_weighty = attribution.by_feature > LEAST_SHARE * max(float(attribution.by_feature[0]), 0.0)
    is_weighty &= attribution.by_feature > 0
    features = attribution.features[is_weighty][:FEATURES_SHOWN]
    observed, usual, spreads = _in_units(context, begin, shown_steps if spans else ~shown_steps, catalogue)
    return {
        "features": [
            {
                "feature": catalogue.features[feature].name,
                "unit": catalogue.features[feature].unit,
                "observed": _round_digits(observed[feature]),
                "usual": _round_digits(usual[feature]),
                "spreads": _round_digits(spreads[feature], 2),
                "carried": round(float(weight), 2),
            }
            for feature, weight in zip(features.tolist(), attribution.by_feature.tolist(), strict=False)
        ],
        "minutes": [
            {"begin": begin + first * step, "end": begin + last * step, "carried": round(weight, 2)}
            for first, last, weight in spans
        ],
    }


def _spans(by_block: NDArray[np.float32]) -> list[tuple[int, int, float]]:
    """Join neighbouring weighty blocks to (first step of the window, step after the last, weight), in time."""
    is_weighty = by_block > LEAST_SHARE * max(float(by_block.max()), 1e-6)
    edges = np.flatnonzero(np.diff(np.pad(is_weighty, 1).astype(np.int8)))
    spans = [
        (first * BLOCK_MINUTES, last * BLOCK_MINUTES, float(by_block[first:last].sum()))
        for first, last in edges.reshape(-1, 2).tolist()
    ]
    return sorted(sorted(spans, key=lambda span: -span[2])[:SPANS_SHOWN])


def _in_units(
    context: AlarmContext, begin: int, shown_steps: NDArray[np.bool_], catalogue: Catalogue
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return means over the shown steps: observed (clipped like the codes), usual, and deviation in spreads.

    NaN where nothing was reported. # [60] -> [F] each
    """
    harmonics = (len(context.coefficients) - 2) // 2
    granularity = catalogue.granularity
    minute = begin + np.flatnonzero(shown_steps) * granularity.step_minutes
    basis = day_basis(granularity.first_minute(minute), harmonics)
    usual = (basis @ context.coefficients[1:]).astype(np.float64)
    codes = context.codes[shown_steps]
    spreads = np.where(codes == ABSENT, np.nan, codes / STEPS)
    observed = usual + spreads * context.coefficients[0]
    reported = (codes != ABSENT).sum(axis=0)
    logarithmic = catalogue.logarithmic
    for scaled in (usual, observed):
        scaled[:, logarithmic] = np.expm1(scaled[:, logarithmic])
    count = np.where(reported, reported, np.nan)
    return np.nansum(observed, axis=0) / count, usual.mean(axis=0), np.nansum(spreads, axis=0) / count


def _round_digits(number: float, digits: int = 4) -> float | None:
    return float(f"{number:.{digits}g}") if np.isfinite(number) else None
