"""`make ladder`: how hard the simulated faults are to tell apart, beside the reference, for methods that learn nothing.

If the simulator's faults became plainer or were drowned in noise, every figure measured with it would shift: this
shows it. Exit code 1 when a rung is off by more than the tolerance.
"""

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.ladder.levels import CEILINGS, DETECTION, HELD_OUT, LEVELS, TOLERANCE, TRANSFER, Level, Single
from benchmarks.ladder.matching import detect, recognise, supervise, transfer
from benchmarks.ladder.methods import PLAIN, STRONG, Method, Vectors, deviations
from benchmarks.ladder.windows import CLASSES, NORMAL, Windows, draw_windows
from trainer.simulator import OPERATOR_A, OPERATOR_B, Network

CELLS = 6000
WORKERS = 2
SETS = {"train A": (OPERATOR_A, 1, 500), "test A": (OPERATOR_A, 2, 120), "test B": (OPERATOR_B, 3, 120)}
"""Operator, seed, windows per class."""
MATCHING_SEED = 0


@dataclass(frozen=True)
class Rung:
    name: str
    method: str
    reference: float
    ours: float

    @property
    def off(self) -> bool:
        return abs(self.ours - self.reference) > TOLERANCE


def main() -> int:
    begin = time.perf_counter()
    console = Console(width=120)
    windows = {}
    for name, (operator, seed, each) in SETS.items():
        windows[name] = draw_windows(Network(CELLS, seed, operator), each, seed, WORKERS)
        console.print(
            f"{name}: operator {operator.name}, seed {seed}, {each} windows of each of {len(CLASSES)} classes"
        )
    console.print(f"one-shot matching: seed {MATCHING_SEED}")
    rungs = list(climb(windows))
    console.print(draw_table(rungs))
    off = sum(rung.off for rung in rungs)
    console.print(f"{off} of {len(rungs)} rungs off by more than {TOLERANCE}; {time.perf_counter() - begin:.0f} s")
    return 1 if off else 0


def climb(windows: dict[str, Windows]) -> Iterator[Rung]:
    train = windows["train A"]
    normal = train.values[train.label == CLASSES.index(NORMAL)]
    fallback = np.nanmean(normal.reshape(-1, normal.shape[-1]), axis=0)
    tests = {"A": windows["test A"], "B": windows["test B"]}
    deviation = {name: deviations(test, fallback) for name, test in tests.items()}
    for method in (PLAIN, STRONG):
        vectors = {name: method.embed(deviation[name]) for name in tests}
        yield from one_shot(method, tests, vectors)
    labelled = [(STRONG.embed(deviations(some, fallback)), some.label) for some in (train, *tests.values())]
    for ceiling in CEILINGS:
        on_a, on_b = supervise(labelled[0], labelled[1:], ceiling.classes)
        yield Rung(f"{ceiling.name}, A", "logistic regression", ceiling.on_a, on_a)
        yield Rung(f"{ceiling.name}, B", "logistic regression", ceiling.on_b, on_b)


def one_shot(method: Method, tests: dict[str, Windows], vectors: dict[str, Vectors]) -> Iterator[Rung]:
    def reference(level: Level | Single) -> float:
        return level.plain if method is PLAIN else level.strong

    for level in LEVELS:
        rng = np.random.default_rng(MATCHING_SEED)
        asked = level.holds(tests[level.operator])
        label = tests[level.operator].label[asked]
        reached = recognise(vectors[level.operator][asked], label, level.classes, method.compare, level.rounds, rng)
        yield Rung(f"{level.name}, {level.operator}", method.name, reference(level), reached)
    rng = np.random.default_rng(MATCHING_SEED)
    (here, there) = ((vectors[name], tests[name].label) for name in ("A", "B"))
    reached = transfer(here, there, HELD_OUT, method.compare, 300, rng)
    yield Rung(TRANSFER.name, method.name, reference(TRANSFER), reached)
    reached = detect(*here, HELD_OUT, method.compare, rng)
    yield Rung(DETECTION.name, method.name, reference(DETECTION), reached)


def draw_table(rungs: list[Rung]) -> Table:
    table = Table("level", "method")
    for heading in ("reference", "ours", "difference"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for rung in rungs:
        figures = (f"{rung.reference:.3f}", f"{rung.ours:.3f}", f"{rung.ours - rung.reference:+.3f}")
        table.add_row(rung.name, rung.method, *figures, "off" if rung.off else "")
    return table


if __name__ == "__main__":
    sys.exit(main())
