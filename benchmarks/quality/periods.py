"""Table of granularity periods: how well the shipped encoder names faults from samples of 1, 5, 15 and 60 minutes.

`python -m benchmarks.quality.periods` leaves build/periods.json. One small network lives a week without a label and
three days with faults; each period sees the aggregates of the same minutes.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.quality.figures import one_shot, unit
from detector.backtest.matching import BacktestAlarm, Episode, false_alarms, rate, share, tally
from detector.backtest.replay import replay
from detector.bundle.format import Bundle
from detector.bundle.verification import open_bundle
from detector.config.schema import Config
from detector.core.encoder import Encode
from detector.core.features import Catalogue
from detector.core.ingest.samples import Samples
from detector.core.lifecycle import NEW
from detector.core.scoring.classifier import Classifier
from detector.core.scoring.exemplars import Exemplar, ExemplarIndex
from detector.labels.builder import LabelMeta, LabelWindow, build_label, label_span
from detector.labels.embedding import embed_label
from trainer.calibration.bundle_builder import BundleParts, build_bundle
from trainer.console import timed_step
from trainer.data.baselines import fit_baseline
from trainer.data.examples import cut_windows
from trainer.data.history import START_MINUTE
from trainer.pretrained.shipped import SHIPPED
from trainer.simulator import (
    FAULTS,
    FaultEpisode,
    Network,
    NetworkTimeline,
    aggregate,
    catalogue,
    catalogue_at,
    draw_severity,
    effects,
)

RESULT = Path("build/periods.json")
SEED = 71_404
PERIODS = (1, 5, 15, 60)
TAUGHT = tuple(name for name, fault in FAULTS.items() if fault.held_out)
CELLS, EACH = 40, 16
DAY, LEARNED, JUDGED = 1440, 7, 3
QUARTER = DAY // 4
"""Episodes begin in quarters of a day of their own, so that no two meet in a cell."""

STRETCHES = 1200
BUDGET = 20.0
"""Budget of false alarms per 1,000 cells and day: 2.4 on these 120 cell-days. The default of 5 would be 0.6."""

Figure = tuple[float, float, float]


@dataclass(frozen=True)
class Past:
    """History of all samples of one period as a table, which also serves as the days of a replay."""

    catalogue: Catalogue
    cells: Sequence[str]
    first: int
    values: NDArray[np.float32]
    """# [C, S, F]"""
    blocks: int = 1

    @property
    def span(self) -> tuple[int, int]:
        return self.first, self.first + self.values.shape[1] * self.catalogue.period_minutes

    def read(self, cell: NDArray[np.int64], minute: NDArray[np.int64]) -> NDArray[np.float32]:
        return self.values[cell, (minute - self.first) // self.catalogue.period_minutes]

    def days(self, block: int) -> Iterator[Samples]:
        """Yield the samples hour by hour, or sample by sample where these are longer."""
        period, cells = self.catalogue.period_minutes, np.arange(len(self.cells))
        at_once = max(1, 60 // period)
        for begin in range(0, self.values.shape[1], at_once):
            number = np.arange(begin, min(begin + at_once, self.values.shape[1]))
            cell, minute = np.tile(cells, len(number)), np.repeat(self.first + period * number, len(cells))
            names = [self.cells[at] for at in cell.tolist()]
            yield Samples(block, np.arange(len(cell)), names, minute, self.read(cell, minute))

    def at_period(self, period: int) -> "Past":
        """Return the aggregates of this history of minutes."""
        if period == 1:
            return self
        counters = np.array([feature.kind == "counter" for feature in self.catalogue.features])
        parts = [aggregate(row.reshape(-1, period, row.shape[1]), counters) for row in self.values]
        return replace(self, catalogue=catalogue_at(self.catalogue, period), values=np.stack(parts))

    def between(self, first: int, last: int) -> "Past":
        """Return a part of the history."""
        period = self.catalogue.period_minutes
        part = slice((first - self.first) // period, (last - self.first) // period)
        return replace(self, first=first, values=self.values[:, part])


@dataclass(frozen=True)
class Scene:
    """Network's minutes, its faults in the judged days, and one example of each class in the week before."""

    minutes: Past
    network: Network
    faults: list[FaultEpisode]
    examples: list[FaultEpisode]
    truth: list[Episode]
    judged: int
    """First judged minute."""


def build_scene(seed: int) -> Scene:
    """Simulate the network. All is drawn from the seed."""
    rng, network = np.random.default_rng(seed), Network(CELLS, seed)
    judged, end = START_MINUTE + LEARNED * DAY, START_MINUTE + (LEARNED + JUDGED) * DAY
    slots = rng.permutation(CELLS * JUDGED * DAY // QUARTER)[: EACH * len(TAUGHT)].tolist()
    faults = [
        _episode(
            TAUGHT[at % len(TAUGHT)], slot % CELLS, judged + slot // CELLS * QUARTER + int(rng.integers(30, 90)), rng
        )
        for at, slot in enumerate(slots)
    ]
    cells = rng.permutation(CELLS)
    examples = [
        _episode(name, int(cells[at]), judged - 2 * DAY + int(rng.integers(DAY)), rng) for at, name in enumerate(TAUGHT)
    ]
    life = NetworkTimeline(network, [*faults, *examples])
    column = [np.array([getattr(e, name) for e in faults]) for name in ("cell", "begin", "end")]
    truth = [
        Episode(network.names[e.cell], e.fault.name, "fault", e.begin, e.end, float(effect))
        for e, effect in zip(faults, effects(life, *column), strict=True)
    ]
    minute = np.arange(START_MINUTE, end)
    values = [life.reported_values(np.full(len(minute), cell), minute) for cell in range(CELLS)]
    return Scene(
        minutes=Past(catalogue(), network.names, START_MINUTE, np.stack(values)),
        network=network,
        faults=faults,
        examples=examples,
        truth=truth,
        judged=judged,
    )


def _episode(name: str, cell: int, begin: int, rng: np.random.Generator) -> FaultEpisode:
    severity = draw_severity(rng.random())
    return FaultEpisode(
        cell, FAULTS[name], begin, begin + int(rng.integers(120, 241)), severity, int(rng.integers(2**31))
    )


def measure(scene: Scene, source: Bundle, period: int, folder: Path, seed: int) -> dict[str, Figure]:
    """Adapt the encoder to the week at this period, teach one example of each class, replay the judged days."""
    past = scene.minutes.at_period(period)
    week, days = past.between(START_MINUTE, scene.judged), past.between(scene.judged, past.span[1])
    parts = BundleParts(
        history=week,
        baseline=fit_baseline(week, LEARNED),
        spec=source.manifest.spec,
        weights=source.weights,
        trained_on={},
        figures={},
        stretches=STRETCHES,
        seed=seed,
        loss=source.manifest.loss,
    )
    build_bundle(parts, folder / f"bundle-{period}")
    bundle, encode = open_bundle(folder / f"bundle-{period}", 0)
    settings = replace(Config(bundle=str(folder)).settings_at(period), budget=BUDGET)
    taught = [_exemplar(past, bundle, encode, episode) for episode in scene.examples]
    judge = Classifier(ExemplarIndex(taught, bundle.normal), settings.weights, settings.budget)
    events = replay(days, bundle, encode, judge, settings)
    alarms = [BacktestAlarm(e.alarm.cell, e.alarm.name, e.end - 1) for e in events if e.change == NEW]
    return {
        **_named(scene, alarms, bundle.catalogue.granularity.window_minutes),
        "window macro-F1, 6-way": _windows(scene, past, bundle, encode, seed),
    }


def _named(scene: Scene, alarms: Sequence[BacktestAlarm], window: int) -> dict[str, Figure]:
    counts = list(tally(scene.truth, alarms, set(TAUGHT), window).values())
    minutes = [minute for one in counts for minute in one.minutes]
    median, low, high = np.quantile(minutes, (0.5, 0.25, 0.75)).tolist() if minutes else [float("nan")] * 3
    false = false_alarms(scene.truth, alarms, window)
    return {
        "episodes named right": share(sum(one.right for one in counts), sum(one.episodes for one in counts)),
        "visible episodes named right": share(
            sum(one.visible_right for one in counts), sum(one.visible for one in counts)
        ),
        "minutes to name, median and quartiles": (median, low, high),
        f"false alarms per 1,000 cells and day, {BUDGET:g} allowed": rate(len(false), CELLS * JUDGED),
    }


def _exemplar(past: Past, bundle: Bundle, encode: Encode, episode: FaultEpisode) -> Exemplar:
    granularity, name = bundle.catalogue.granularity, past.cells[episode.cell]
    minute = np.arange(*label_span(episode.begin, episode.end, granularity), granularity.period_minutes)
    label = build_label(
        LabelWindow(
            values=past.read(np.full(len(minute), episode.cell), minute),
            catalogue=bundle.catalogue,
            baseline=bundle.baseline,
        ),
        LabelMeta(name=episode.fault.name, kind="fault", cell=name, begin=episode.begin, end=episode.end),
    )
    return embed_label(label, bundle.catalogue, encode)


def _windows(scene: Scene, past: Past, bundle: Bundle, encode: Encode, seed: int) -> Figure:
    """Return the one-shot macro-F1: one window per episode, 5 to 120 minutes after its begin, against examples."""
    rng, period = np.random.default_rng(seed), past.catalogue.period_minutes
    age = rng.integers(5, 121, len(scene.faults))
    begin, cell = (np.array([getattr(e, name) for e in scene.faults]) for name in ("begin", "cell"))
    last = (begin + age - 1) // period * period  # the sample that holds that minute, once it is complete
    query = encode(cut_windows(past, bundle.baseline, cell, last)).direction
    shown = np.stack([_exemplar(past, bundle, encode, episode).direction for episode in scene.faults])
    name = np.array([episode.fault.name for episode in scene.faults])
    return one_shot(name, unit(query), name, unit(shown), TAUGHT, rng)


def show(figures: dict[int, dict[str, Figure]], seed: int) -> None:
    table = Table(title=f"{CELLS} cells, {JUDGED} days, {EACH} episodes of each of {len(TAUGHT)} classes; seed {seed}")
    for heading in ("", *(f"{period} min" for period in figures)):
        table.add_column(heading)
    for name in next(iter(figures.values())):
        cells = (figures[period][name] for period in figures)
        table.add_row(name, *(f"{value:.3g} ({low:.3g}-{high:.3g})" for value, low, high in cells))
    Console(highlight=False, soft_wrap=True).print(table)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality.periods", description=__doc__)
    parser.add_argument(
        "--seed", type=int, default=SEED, help="seed of the network and all draws (default: %(default)s)"
    )
    seed = parser.parse_args().seed
    source, _ = open_bundle(SHIPPED, 0)
    with timed_step(f"{LEARNED + JUDGED} days of {CELLS} cells"):
        scene = build_scene(seed)
    figures: dict[int, dict[str, Figure]] = {}
    with TemporaryDirectory() as folder:
        for period in PERIODS:
            with timed_step(f"period of {period} minutes"):
                figures[period] = measure(scene, source, period, Path(folder), seed)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps({"bundle": source.digest, "seed": seed, "periods": figures}, indent=1) + "\n")
    show(figures, seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
