"""`make quality`: how well faults that were never trained on are named from one example. Leaves build/quality.json.

The line of another catalogue is of the shared encoder, whatever the bundle. The last lines are of days of life through
the daemon's own pipeline: --nights asks for them alone, --windows for all but them.

With --sealed the classes are others, which nothing else may ask about: see sealed.py. Leaves build/quality-sealed.json.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.quality.abroad import NAME, measure_abroad
from benchmarks.quality.continuous import OPERATORS, watch
from benchmarks.quality.episodes import HELD_OUT
from benchmarks.quality.exam import Figure, examine
from benchmarks.quality.sealed import SEALED
from detector.bundle.format import Bundle
from detector.bundle.verification import open_bundle
from trainer.console import timed_step
from trainer.pretrained.shipped import SHIPPED

console = Console(highlight=False, soft_wrap=True)

RESULT, SEALED_RESULT = Path("build/quality.json"), Path("build/quality-sealed.json")
SEEDS = (90_001, 91_001, 92_001)
"""Of networks and episodes: far from any a trainer uses."""

NIGHTS = (71_101, 71_202, 71_303)
"""Of the networks whose days are lived through, likewise."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    parser.add_argument("bundle", type=Path, nargs="?", default=SHIPPED, help="default: %(default)s")
    parser.add_argument("--sealed", action="store_true", help="ask about the sealed classes, to report, not to tune")
    part = parser.add_mutually_exclusive_group()
    part.add_argument("--nights", action="store_true", help="days of life alone: half an hour on two cores")
    part.add_argument("--windows", action="store_true", help="single windows alone: a quarter of an hour")
    arguments = parser.parse_args()
    result = SEALED_RESULT if arguments.sealed else RESULT
    bundle, _ = open_bundle(arguments.bundle, 0)
    figures = {} if arguments.nights else windows(bundle, arguments.sealed)
    if figures:
        show(figures, bundle.digest)
    if not (arguments.windows or arguments.sealed):
        figures["nights"] = lived(bundle)
        show_nights(figures["nights"])
    seeds = {"seeds": SEEDS, "seeds of nights": NIGHTS}
    result.write_text(json.dumps({"bundle": bundle.digest, **seeds, **figures}, indent=1) + "\n")
    console.print(f"written to {result}")
    return 0


def windows(bundle: Bundle, sealed: bool) -> dict[str, dict[str, list[Figure]]]:
    """By method and name, one for each seed."""
    figures = examine(bundle, SEALED if sealed else HELD_OUT, SEEDS)
    for seed in () if sealed else SEEDS:
        for method, figure in measure_abroad(seed).items():
            figures[method].setdefault(NAME, []).append(figure)
    return figures


def lived(bundle: Bundle) -> dict[str, list[Figure]]:
    """By name, one for each seed."""
    figures: dict[str, list[Figure]] = {}
    for where, operator in OPERATORS.items():
        for seed in NIGHTS:
            with timed_step(f"two days of operator {where}, seed {seed}"):
                told = watch(bundle, operator, seed).figures(where)
            for name, figure in told.items():
                figures.setdefault(name, []).append(figure)
    return figures


def show_nights(figures: dict[str, list[Figure]]) -> None:
    table = Table(title=f"days of life, ten classes taught once each; seeds {NIGHTS}")
    for heading in ("", "mean", "per seed, 95 %"):
        table.add_column(heading)
    for name, rows in figures.items():
        table.add_row(name, cell(rows), each(rows))
    console.print(table)


def show(figures: dict[str, dict[str, list[Figure]]], digest: str) -> None:
    table = Table(title=f"one-shot macro-F1, classes never trained on; bundle {digest}; seeds {SEEDS}")
    for heading in ("", "encoder", "per seed, 95 %", "plain: clipped summary, cosine", "per seed, 95 %"):
        table.add_column(heading)
    for name, rows in figures["encoder"].items():
        columns = [rows, figures["summary"].get(name)]
        table.add_row(name, *(text for one in columns for text in (cell(one), each(one))))
    console.print(table)


def cell(rows: list[Figure] | None) -> str:
    return f"{np.mean(rows, axis=0)[0]:.3f}" if rows else ""


def each(rows: list[Figure] | None) -> str:
    return "\n".join(f"{mean:.3f} ({low:.3f}-{high:.3f})" for mean, low, high in rows or [])


if __name__ == "__main__":
    sys.exit(main())
