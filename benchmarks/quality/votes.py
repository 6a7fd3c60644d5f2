"""From how many examples on would a classifier do better than the nearest exemplar? Of the shipped encoder.

`python -m benchmarks.quality.votes`: procedural classes that it has not learned, three seeds: two minutes on two cores.
"""

import sys

import numpy as np
from rich.console import Console
from rich.table import Table

from detector.bundle.format import Bundle
from detector.bundle.verification import open_bundle
from detector.core.encoder import Encoder
from trainer.calibration.bundle_builder import WHITENED
from trainer.calibration.normal_profile import measure_weights, normal_windows
from trainer.data.baselines import fit_baseline
from trainer.data.examples import simulate_examples
from trainer.data.history import START_MINUTE, SimulatedHistory
from trainer.loss_comparison.few_shot import MANY, METHODS, QUERIES, FewShotComparison, compare_counts
from trainer.pretrained.shipped import SHIPPED
from trainer.simulator import Network

console = Console(highlight=False, soft_wrap=True)

SEEDS = (1, 2, 3)
CELLS, WEEK = 200, 7 * 1440
CLASSES, EACH = 20, 90
FIRST = 9_000_000
"""Procedural classes are numbered; no training comes so far."""

SEEN = 0.5
"""Windows of a smaller effect are nobody's example."""


def main() -> int:
    bundle, _ = open_bundle(SHIPPED, 0)
    for seed in SEEDS:
        show(seed, ask(bundle, seed))
    return 0


def ask(bundle: Bundle, seed: int) -> FewShotComparison:
    """One network, and classes of its own."""
    history = SimulatedHistory(Network(CELLS, 70_500 + seed), (START_MINUTE, START_MINUTE + WEEK))
    usual, rng = fit_baseline(history), np.random.default_rng(seed)
    spec = bundle.manifest.spec
    life = measure_weights(spec, normal_windows(history, usual, WHITENED, rng))
    encode = Encoder(spec, {**bundle.weights, **life})
    first = FIRST + 100 * seed
    examples = simulate_examples(history, usual, range(first, first + CLASSES), each=EACH, seed=seed, workers=2)
    seen = examples.effect >= SEEN
    enough = np.bincount(examples.label[seen], minlength=CLASSES) >= MANY + QUERIES
    rows = np.flatnonzero(seen & enough[examples.label])
    return compare_counts(encode(examples.windows[rows]).direction.astype(np.float32), examples.label[rows], rng)


def show(seed: int, crowd: FewShotComparison) -> None:
    table = Table(title=f"{crowd.classes} classes that nobody learned, seed {seed}: share of windows named right")
    for heading in ("examples of each", *METHODS, "classifier ahead by"):
        table.add_column(heading)
    for count in crowd.counts:
        shares = (f"{named.share:.3f}" for named in count.methods)
        table.add_row(f"{count.examples}", *shares, f"{count.ahead:+.3f} ± {count.ahead_half:.3f}")
    console.print(table)
    for one in crowd.imbalance:
        console.print(f"  where half have many, half few: {one.method:<22} {one.common:.3f} and {one.rare:.3f}")


if __name__ == "__main__":
    sys.exit(main())
