"""Another catalogue: sixty features of an operator drawn at random, in its own units, under names that say nothing.

Per seed another operator, another choice, and a bundle made from its past alone: no label, no simulator. The same six
classes are asked as everywhere.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.episodes import EACH, HELD_OUT, SUPPORT, Classes, exemplars
from benchmarks.quality.figures import one_shot, unit
from detector.core.encoder import Encoder
from detector.core.features import Baseline, Catalogue
from trainer.data.baselines import fit_baseline
from trainer.data.examples import encode_values
from trainer.data.history import START_MINUTE
from trainer.evaluation.baseline_methods import summary
from trainer.recipes.unlabelled import UnlabelledPlan, make_unlabelled
from trainer.simulator import (
    FaultClass,
    FaultEpisode,
    Network,
    NetworkTimeline,
    PreparedScenario,
    catalogue,
    delivered_columns,
    draw_severity,
    random_operator,
)
from trainer.simulator.delivery import PERFECT
from trainer.simulator.faults.schedule import LIVE_RATES

NAME = "another catalogue, 6-way"
FEATURES, CELLS, WEEK = 60, 250, 7 * 1440
PLAN = UnlabelledPlan(stretches=64)
"""The calibration's stretches, which this figure does not ask, are few."""

BEFORE, AFTER = 60, 120


@dataclass(frozen=True)
class Elsewhere:
    """A network's past with the faults that nobody found in it, as its exporter delivers a part of its features."""

    network: Network
    chosen: NDArray[np.int64]
    span: tuple[int, int]

    @cached_property
    def catalogue(self) -> Catalogue:
        told = {feature.name: feature for feature in self.network.operator.measurement.catalogue().features}
        names = [catalogue().names[at] for at in self.chosen]
        strange = (replace(told[name], name=f"x{k}", alias="", group="") for k, name in enumerate(names))
        return Catalogue(tuple(strange))

    @property
    def cells(self) -> list[str]:
        return self.network.names

    @cached_property
    def life(self) -> NetworkTimeline:
        return PreparedScenario(
            self.network, (), dict.fromkeys(LIVE_RATES, 1.0), self.network.seed, self.span, PERFECT
        ).timeline

    def read(self, cell: NDArray[np.int64], minute: NDArray[np.int64]) -> NDArray[np.float32]:
        return self.life.reported_values(cell, minute)[:, self.chosen]


def elsewhere(seed: int) -> Elsewhere:
    operator = random_operator(seed)
    there = delivered_columns(operator.measurement)
    chosen = np.sort(np.random.default_rng([seed, 5]).choice(there, FEATURES, replace=False))
    return Elsewhere(Network(CELLS, seed, operator), chosen, (START_MINUTE, START_MINUTE + WEEK))


class Asked(NamedTuple):
    """Episodes of every class in the week after."""

    name: NDArray[np.str_]
    query: NDArray[np.int8]
    """# [n, 60, F]"""
    support: NDArray[np.int8]
    """The windows of the same episode as an example. # [n, len(SUPPORT), 60, F]"""


def ask(past: Elsewhere, usual: Baseline, classes: Classes, seed: int) -> Asked:
    """`EACH` episodes of every class."""
    parts = [_of_class(past, usual, name, fault, seed + at) for at, (name, fault) in enumerate(classes.items())]
    return Asked(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _of_class(past: Elsewhere, usual: Baseline, name: str, fault: FaultClass, seed: int) -> Asked:
    rng = np.random.default_rng(seed)
    network = past.network
    cells = np.flatnonzero(network.statics.tdd) if fault.tdd_only else np.arange(network.cells)
    cell = rng.choice(cells, EACH, replace=len(cells) < EACH).astype(np.int64)
    hour = rng.uniform(*fault.hours, EACH)
    begin = past.span[1] + (1 + rng.integers(7, size=EACH)) * 1440 + (60 * hour).astype(np.int64)
    episodes = [
        FaultEpisode(int(c), fault, int(b), int(b) + 2880, draw_severity(rng.random()), int(rng.integers(2**31)))
        for c, b in zip(cell, begin, strict=True)
    ]
    minute = (begin[:, None] + np.arange(-BEFORE, AFTER)).ravel()
    rows = np.repeat(cell, BEFORE + AFTER)
    values = NetworkTimeline(network, episodes).reported_values(rows, minute)[:, past.chosen]
    codes = encode_values(past, usual, cell, minute=minute, values=values, samples=BEFORE + AFTER)
    end = np.concatenate([rng.integers(5, AFTER + 1, (EACH, 1)), np.tile(SUPPORT, (EACH, 1))], axis=1)
    windows = codes[np.arange(EACH)[:, None, None], BEFORE + end[:, :, None] - 60 + np.arange(60)]
    return Asked(np.full(EACH, name), windows[:, 0], windows[:, 1:])


def measure_abroad(
    seed: int, classes: Classes = HELD_OUT, plan: UnlabelledPlan = PLAN
) -> dict[str, tuple[float, float, float]]:
    """One-shot macro-F1 with its interval for one seed: by `encoder` and by plain `summary`. A minute or two."""
    past = elsewhere(seed)
    usual = fit_baseline(past)
    with TemporaryDirectory() as folder:
        bundle = make_unlabelled(past, usual, plan, Path(folder) / "abroad")
    encoder = Encoder(bundle.manifest.spec, bundle.weights)
    asked = ask(past, usual, classes, seed)
    rows = summary(asked.support.reshape(-1, *asked.support.shape[2:])).reshape(len(asked.name), len(SUPPORT), -1)
    told = {
        "encoder": (encoder(asked.query).direction, exemplars(encoder, asked.support).direction),
        "summary": (summary(asked.query), rows.mean(axis=1)),
    }
    return {
        method: one_shot(asked.name, unit(query), asked.name, unit(shown), list(classes), np.random.default_rng(seed))
        for method, (query, shown) in told.items()
    }
