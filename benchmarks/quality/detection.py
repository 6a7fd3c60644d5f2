"""Single windows against normal ones: how many faults are seen at a false-positive rate, taught once or never."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.episodes import Sample, exemplars
from detector.core.encoder import Embeddings, Encode
from detector.core.scoring.classifier import Classifier
from detector.core.scoring.exemplars import Exemplar, ExemplarIndex, NormalProfile
from detector.core.scoring.tail_fit import TWO_HOURS
from detector.core.settings import kernel

CALIBRATED = 4_000
"""Normal windows that the scores are calibrated on; the rest is what they are held against."""

BANK = 512
RATE = 1e-3
SHOWN = 10
"""Examples of every class, each taught alone."""

Figure = tuple[float, float, float]


def detection(encode: Encode, one: Sample, unseen: Sequence[str], where: str) -> dict[str, Figure]:
    """Recall at a false-positive rate per window, and unknown against normal, with their 95 % intervals."""
    life = encode(one.life)
    normal = NormalProfile(
        life.direction[:BANK], life[:CALIBRATED].reshaped(CALIBRATED, 1), np.arange(CALIBRATED) * TWO_HOURS, 1
    )
    ordinary = life[CALIBRATED:]
    query, shown = encode(one.query), exemplars(encode, one.support)
    found = []
    for name in unseen:
        rows = np.flatnonzero(one.name == name)
        for example in rows[:SHOWN]:
            judge = _judge([_taught(name, shown, int(example))], normal)
            limit = np.quantile(judge.score_classes(ordinary)[:, 0].astype(np.float32), 1 - RATE)
            found.append(judge.score_classes(query[rows[rows != example]])[:, 0].astype(np.float32) > limit)
    judge = _judge([], normal)
    faulty = judge.score_classes(query[np.isin(one.name, list(unseen))])[:, -1].astype(np.float32)
    strange = judge.score_classes(ordinary)[:, -1].astype(np.float32)
    rng = np.random.default_rng(1)
    return {
        f"recall per window at {RATE:g} false positives, {where}": _interval(np.array([f.mean() for f in found]), rng),
        f"unknown against normal, AUROC, {where}": _interval(_ranks(faulty, strange), rng),
    }


def _judge(taught: Sequence[Exemplar], normal: NormalProfile) -> Classifier:
    return Classifier(ExemplarIndex(taught, normal), kernel(1, 1.0), 1.0)


def _taught(name: str, shown: Embeddings, row: int) -> Exemplar:
    return Exemplar(f"{name}-{row}", name, "fault", shown.direction[row], shown.shift[row], "cell", 0)


def _ranks(faulty: NDArray[np.float32], ordinary: NDArray[np.float32]) -> NDArray[np.float64]:
    """Of each faulty window, the share of ordinary ones below it; their mean is the area under the curve."""
    below = np.searchsorted(np.sort(ordinary), faulty, "left")
    upto = np.searchsorted(np.sort(ordinary), faulty, "right")
    return np.asarray((below + upto) / 2 / len(ordinary))


def _interval(values: NDArray[np.floating], rng: np.random.Generator) -> Figure:
    means = values[rng.integers(len(values), size=(400, len(values)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(values.mean()), float(low), float(high)
