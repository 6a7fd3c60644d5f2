"""What stands behind a verdict, for whoever reads the alarm: what it went by, in the network's own units.

The score and how much of it each of the two witnesses gave, the classes it came nearest to by that score and who taught
them, which features and minutes carried it. Everything is a function of the window and of the library, so that the same
log gives the same words.

It takes 4 ms of a core (ten classes taught), most of it the encoder's: a poll of 4,000 records that each raise an alarm
holds the road for 16 s.
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
"""Classes named in an alarm: the winner, its rival, and one to compare with."""

FEATURES_SHOWN, SPANS_SHOWN = 6, 3

LEAST_SHARE = 0.1
"""Of the weightiest feature or five minutes: what carried less is not worth reading at night."""

LONGEST_TEXT = 128
"""Characters of what a person wrote into a label: an alarm is to stay below 16 kB."""


@dataclass(frozen=True)
class AlarmContext:
    """One cell's window, when something was said of it."""

    codes: NDArray[np.int8]
    """# [60, F]"""
    embeddings: Embeddings
    """# of one"""
    coverage: float
    coefficients: NDArray[np.float32]
    """The cell's rows of the baseline. # [2 + 2·H, F]"""


def evidence(
    event: Event, case: AlarmContext, judge: Classifier, encode: Encode, catalogue: Catalogue
) -> dict[str, Any]:
    """What `additionalInformation` says of a verdict; what carried it only while the alarm stands."""
    library, calibration = judge.at(event.minute), judge.calibration_at(event.minute)
    matches = library.match(case.embeddings)
    direction, distance = calibration.shares(class_evidence(library, matches, case.embeddings))
    standing = _standing(direction, distance)[0]
    mine = library.faults.index(event.alarm.name) if event.alarm.name in library.faults else -1
    rivals = np.delete(standing[:-1], mine if mine >= 0 else [])
    causes = [e.cause for e in library.exemplars if (e.kind, e.name) == ("fault", event.alarm.name) and e.cause]
    told: dict[str, Any] = {
        **({"cause": causes[0][:LONGEST_TEXT]} if causes else {}),
        "labels": judge.library.digest,
        "score": round(event.score, 2),
        "threshold": round(judge.threshold, 2),
        "direction": round(float(direction[0, mine]), 2),
        "distance": round(float(distance[0, mine]), 2),
        "coverage": round(case.coverage, 3),
        "size": round(float(case.embeddings.size[0]), 2),
        "normal": round(float(matches.normal[0]), 4),
        "nearest": _nearest(library, matches, standing),
        "embedding": base64.b64encode(case.embeddings.direction[0].astype("<f2").tobytes()).decode(),
        "fingerprint": fingerprint(case.embeddings, event.score),
    }
    if len(rivals):
        told["margin"] = round(float(standing[mine] - rivals.max()), 2)
    if event.change != CLEARED:
        score = _scorer(library, calibration, mine)
        told |= _carriers(case, event.minute, attribute(case.codes, encode, score), catalogue)
    return told


def fingerprint(embeddings: Embeddings, score: float) -> str:
    """Of every bit of an embedding and of the score that the alarm went by."""
    bits = [*vars(embeddings).values(), np.float32(score)]
    return hashlib.sha256(b"".join(part.tobytes() for part in bits)).hexdigest()[:16]


def _standing(direction: NDArray[np.float32], distance: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scores as far as they go: clipped below alone, or of two strong features neither would seem to matter."""
    return np.maximum(direction + distance, np.float32(FLOOR))


def _scorer(
    library: ExemplarIndex, calibration: ScoreCalibration, column: int
) -> Callable[[Embeddings], NDArray[np.float32]]:
    return lambda embeddings: _standing(*calibration.shares(score_contributions(library, embeddings)))[:, column]


def _nearest(library: ExemplarIndex, matches: Matches, standing: NDArray[np.float32]) -> list[dict[str, Any]]:
    """The classes that score highest, each with its exemplar that comes nearest. # of one, [C + 1]"""
    return [
        {
            **_named(library.exemplars[matches.nearest[0, column]]),
            "score": round(float(standing[column]), 2),
            "cosine": round(float(matches.cosine[0, column]), 4),
            "pull": round(float(matches.pull[0, column]), 2),
        }
        for column in np.argsort(-standing[:-1], kind="stable")[:NEAREST_SHOWN].tolist()
    ]


def _named(exemplar: Exemplar) -> dict[str, Any]:
    known = {"by": exemplar.by[:LONGEST_TEXT], "taught": exemplar.taught}
    return {
        "name": exemplar.name,
        "kind": exemplar.kind,
        "exemplar": exemplar.id,
        "cell": exemplar.cell,
        "minute": exemplar.minute,
        **{key: value for key, value in known.items() if value},
    }


def _carriers(case: AlarmContext, minute: int, parts: Attribution, catalogue: Catalogue) -> dict[str, Any]:
    """The weightiest features and minutes: [begin, end), minutes since 1970."""
    spans = _spans(parts.by_block)
    begin = minute - WINDOW + 1
    shown = np.zeros(WINDOW, bool)
    for first, last, _ in spans:
        shown[first:last] = True
    weighty = parts.by_feature > LEAST_SHARE * max(float(parts.by_feature[0]), 0.0)
    weighty &= parts.by_feature > 0
    features = parts.features[weighty][:FEATURES_SHOWN]
    observed, usual, spreads = _in_units(case, begin, shown if spans else ~shown, catalogue)
    return {
        "features": [
            {
                "feature": catalogue.features[at].name,
                "unit": catalogue.features[at].unit,
                "observed": _short(observed[at]),
                "usual": _short(usual[at]),
                "spreads": _short(spreads[at], 2),
                "carried": round(float(weight), 2),
            }
            for at, weight in zip(features.tolist(), parts.by_feature.tolist(), strict=False)
        ],
        "minutes": [
            {"begin": begin + first, "end": begin + last, "carried": round(weight, 2)} for first, last, weight in spans
        ],
    }


def _spans(by_block: NDArray[np.float32]) -> list[tuple[int, int, float]]:
    """Neighbouring blocks that weigh, as (first minute of the window, minute after the last, weight), in time."""
    weighty = by_block > LEAST_SHARE * max(float(by_block.max()), 1e-6)
    edges = np.flatnonzero(np.diff(np.pad(weighty, 1).astype(np.int8)))
    spans = [
        (first * BLOCK_MINUTES, last * BLOCK_MINUTES, float(by_block[first:last].sum()))
        for first, last in edges.reshape(-1, 2).tolist()
    ]
    return sorted(sorted(spans, key=lambda span: -span[2])[:SPANS_SHOWN])


def _in_units(
    case: AlarmContext, begin: int, shown: NDArray[np.bool_], catalogue: Catalogue
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Means over the minutes shown: as observed (clipped where the codes are), as usual, and how many spreads off.

    NaN where nothing was reported. # [60] -> [F] each
    """
    harmonics = (len(case.coefficients) - 2) // 2
    basis = day_basis(begin + np.flatnonzero(shown), harmonics)
    usual = (basis @ case.coefficients[1:]).astype(np.float64)
    codes = case.codes[shown]
    spreads = np.where(codes == ABSENT, np.nan, codes / STEPS)
    observed = usual + spreads * case.coefficients[0]
    there = (codes != ABSENT).sum(axis=0)
    logarithmic = catalogue.logarithmic
    for scaled in (usual, observed):
        scaled[:, logarithmic] = np.expm1(scaled[:, logarithmic])
    count = np.where(there, there, np.nan)
    return np.nansum(observed, axis=0) / count, usual.mean(axis=0), np.nansum(spreads, axis=0) / count


def _short(number: float, digits: int = 4) -> float | None:
    return float(f"{number:.{digits}g}") if np.isfinite(number) else None
