"""`make quality`: how well faults that were never trained on are named from one example. Leaves build/quality.json."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from detector.bundle import open_bundle
from detector.core.encoder import Encoder
from tests.quality.episodes import HELD_OUT, LOOK_ALIKES, NORMAL, Sample, exemplars, sample
from tests.quality.figures import one_shot, summary
from trainer.progress import console
from trainer.simulator import OPERATOR_A, OPERATOR_B

BUNDLE, RESULT = Path("build/bundle"), Path("build/quality.json")
SEEDS = (90_001, 91_001, 92_001)
"""Of networks and episodes: far from any a trainer uses."""

SEEN = 2.0
EVERYTHING = (*HELD_OUT, *LOOK_ALIKES, NORMAL)

Rows = tuple[NDArray[np.float32], NDArray[np.float32]]


def main() -> int:
    bundle, encoder = open_bundle(Path(sys.argv[1]) if len(sys.argv) > 1 else BUNDLE, 0)
    figures: dict[str, dict[str, list[list[float]]]] = {"encoder": {}, "summary": {}}
    for seed in SEEDS:
        samples = {"A": sample(OPERATOR_A, seed), "B": sample(OPERATOR_B, seed)}
        for method, rows in (("encoder", embedded(encoder)), ("summary", summarised)):
            told = {name: rows(one) for name, one in samples.items()}
            for name, figure in measure(samples, told, np.random.default_rng(seed)).items():
                figures[method].setdefault(name, []).append(list(figure))
    show(figures, bundle.digest)
    RESULT.write_text(json.dumps({"bundle": bundle.digest, "seeds": SEEDS, **figures}, indent=1) + "\n")
    console.print(f"written to {RESULT}")
    return 0


def embedded(encoder: Encoder) -> Callable[[Sample], Rows]:
    return lambda one: (encoder(one.query).direction.astype(np.float32), exemplars(encoder, one.support))


def summarised(one: Sample) -> Rows:
    rows = summary(one.support.reshape(-1, *one.support.shape[2:])).reshape(*one.support.shape[:2], -1).mean(axis=1)
    return summary(one.query), rows / np.linalg.norm(rows, axis=1, keepdims=True)


def measure(
    samples: dict[str, Sample], told: dict[str, Rows], rng: np.random.Generator
) -> dict[str, tuple[float, float, float]]:
    """Macro-F1 and interval of every line of the table, for one seed."""
    a, b = samples["A"], samples["B"]
    (query_a, shown_a), (query_b, shown_b) = told["A"], told["B"]
    seen = a.effect >= SEEN
    return {
        "6-way, operator A": one_shot(a.name, query_a, a.name, shown_a, HELD_OUT, rng),
        "6-way, operator B": one_shot(b.name, query_b, b.name, shown_b, HELD_OUT, rng),
        "13-way, operator A": one_shot(a.name, query_a, a.name, shown_a, EVERYTHING, rng),
        "13-way, operator B": one_shot(b.name, query_b, b.name, shown_b, EVERYTHING, rng),
        "taught at A, asked at B, 6-way": one_shot(b.name, query_b, a.name, shown_a, HELD_OUT, rng, same=False),
        "6-way, effect of 2 and more, operator A": one_shot(a.name, query_a, a.name, shown_a, HELD_OUT, rng, seen),
    }


def show(figures: dict[str, dict[str, list[list[float]]]], digest: str) -> None:
    table = Table(title=f"one-shot macro-F1, classes never trained on; bundle {digest}; seeds {SEEDS}")
    for heading in ("", "encoder", "95 %", "per seed", "plain: clipped summary, cosine"):
        table.add_column(heading)
    for name, rows in figures["encoder"].items():
        mean, low, high = np.mean(rows, axis=0)
        plain = np.mean(figures["summary"][name], axis=0)[0]
        seeds = " ".join(f"{row[0]:.3f}" for row in rows)
        table.add_row(name, f"{mean:.3f}", f"{low:.3f}-{high:.3f}", seeds, f"{plain:.3f}")
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
