"""`make quality`: how well faults that were never trained on are named from one example. Leaves build/quality.json.

The line of another catalogue is of the shared encoder, whatever the bundle.

With --sealed the classes are others, which nothing else may ask about: see sealed.py. Leaves build/quality-sealed.json.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from rich.table import Table

from detector.bundle import open_bundle
from tests.quality.abroad import NAME, measure_abroad
from tests.quality.episodes import HELD_OUT
from tests.quality.exam import Figure, examine
from tests.quality.sealed import SEALED
from trainer.progress import console
from trainer.shipped import SHIPPED

RESULT, SEALED_RESULT = Path("build/quality.json"), Path("build/quality-sealed.json")
SEEDS = (90_001, 91_001, 92_001)
"""Of networks and episodes: far from any a trainer uses."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.quality", description=__doc__)
    parser.add_argument("bundle", type=Path, nargs="?", default=SHIPPED, help="default: %(default)s")
    parser.add_argument("--sealed", action="store_true", help="ask about the sealed classes, to report, not to tune")
    arguments = parser.parse_args()
    unseen, result = (SEALED, SEALED_RESULT) if arguments.sealed else (HELD_OUT, RESULT)
    bundle, _ = open_bundle(arguments.bundle, 0)
    figures = examine(bundle, unseen, SEEDS)
    for seed in () if arguments.sealed else SEEDS:
        for method, figure in measure_abroad(seed).items():
            figures[method].setdefault(NAME, []).append(figure)
    show(figures, bundle.digest)
    result.write_text(json.dumps({"bundle": bundle.digest, "seeds": SEEDS, **figures}, indent=1) + "\n")
    console.print(f"written to {result}")
    return 0


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
