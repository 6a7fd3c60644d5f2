"""`make test-simulator`, second part: is it a mobile network? Every statistic beside its band and the reference.

Exit code 1 when one lies outside.
"""

import sys
import time

from rich.console import Console
from rich.table import Table

from benchmarks.acceptance.bands import BANDS, Band
from benchmarks.acceptance.sample import CELLS, DAYS, SITES, draw_sample
from benchmarks.acceptance.statistics import ASKED, measure

SEED = 1
WORKERS = 2


def main() -> int:
    begin = time.perf_counter()
    console = Console(width=120)
    values = measure(draw_sample(SEED, ASKED, WORKERS))
    console.print(draw_table(values))
    outside = sum(not band.holds(values[band.check]) for band in BANDS)
    sample = f"{3 * SITES} cells of a network of {CELLS:,}, {len(DAYS)} days, seed {SEED}"
    console.print(f"{outside} of {len(BANDS)} outside; {sample}; {time.perf_counter() - begin:.0f} s")
    return 1 if outside else 0


def draw_table(values: dict[str, float]) -> Table:
    table = Table("check")
    for heading in ("band", "reference", "ours"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for band in BANDS:
        value = values[band.check]
        table.add_row(
            band.check, interval(band), f"{band.reference:.4g}", f"{value:.4g}", "" if band.holds(value) else "outside"
        )
    return table


def interval(band: Band) -> str:
    text = f"{band.low:g} … {band.high:g}"
    return text if band.second is None else f"{text} or {band.second[0]:g} … {band.second[1]:g}"


if __name__ == "__main__":
    sys.exit(main())
