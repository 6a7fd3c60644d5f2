"""A network of eight cells and six features whose two hours are told in one place, and a bundle that knows it.

What is usual is 10 with a spread of 2, for every feature; a fault is one feature six spreads away. The encoder is
tiny and untrained: its directions say which feature is off, so that one fault resembles itself and no other.
"""

from dataclasses import replace
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from detector.bundle.format import FORMAT, Bundle, BundleManifest, Golden
from detector.core.encoder import BATCHES, Encoder
from detector.core.features import STEPS, WINDOW, Baseline, Catalogue, Feature
from detector.core.granularity import Granularity
from detector.core.networks.inputs import LINES, SPREAD_SCALE, WHITENED_SCALE
from detector.core.networks.registry import shapes
from detector.core.networks.spec import Spec
from detector.core.scoring.exemplars import NormalProfile
from detector.core.scoring.tail_fit import TWO_HOURS
from detector.labels.label import Label
from detector.timestamps import iso_time

NAMES = ("users", "throughput", "drops", "delay", "power", "signalling")
"""Six: of five, products of 64 windows differ in their last bit from those of 512 (XLA, on a CPU)."""

CATALOGUE = Catalogue(tuple(Feature(name, "1", "gauge", "identity", -1e6, 1e6) for name in NAMES))
SPEC = Spec(len(NAMES), first=8, second=8, hidden=16, dimension=8, shift=len(NAMES))

MEAN, SPREAD = 10.0, 2.0
FAR = 6.0
"""Spreads between a fault and what is usual: twice what ordinary noise reaches in an hour."""

CELLS = tuple(f"cell-{number}" for number in range(8))
STRANGERS = CELLS[-2:]
"""Cells without a baseline of their own."""
PARTITIONS = 2

T0 = 29_000_000
"""2025-02-20, so that "minute 70" can be said."""
MINUTES = 200

STRETCHES, STRETCH_MINUTES = 400, 20

LARGER = np.sqrt(WINDOW) * WHITENED_SCALE / SPREAD_SCALE
"""By so much are whitened deviations larger than those that a network is otherwise given."""


class Trouble(NamedTuple):
    """One cell's feature lies far away for some minutes; feature None = it says nothing at all."""

    cell: str
    feature: str | None
    begin: int
    end: int
    far: float = FAR


FAULTY, STRANGE, SILENT = CELLS[1], CELLS[2], CELLS[3]
TROUBLES = (
    Trouble(FAULTY, "drops", 70, 100),
    Trouble(STRANGE, "power", 75, 105),
    Trouble(SILENT, None, 80, 100),
)

Record = tuple[bytes | None, bytes | None, None, int, int]
"""As tests.kafka.topics.produce takes it: key, value, no headers, timestamp in ms, partition."""


def partition_of(cell: str) -> int:
    return int(cell[-1]) % PARTITIONS


def spreads(cell: str, minute: int, troubles: tuple[Trouble, ...]) -> NDArray[np.float64] | None:
    """A cell's minute in spreads from the usual: the same noise whenever it is asked for. # [F]"""
    noise = np.random.default_rng([CELLS.index(cell), minute]).normal(size=len(NAMES))
    for trouble in troubles:
        if trouble.cell == cell and trouble.begin <= minute < trouble.end:
            if trouble.feature is None:
                return None
            noise[NAMES.index(trouble.feature)] += trouble.far
    return noise


def value(cell: str, minute: int, numbers: NDArray[np.float64], /, **changes: object) -> bytes:
    """The body of a record; `changes` replace its fields."""
    features = dict(zip(NAMES, (MEAN + SPREAD * numbers).round(4).tolist(), strict=True))
    return msgspec.json.encode({"cell": cell, "time": iso_time(T0 + minute), "features": features} | changes)


def record(cell: str, minute: int, body: bytes | None) -> Record:
    return cell.encode(), body, None, (T0 + minute) * 60_000, partition_of(cell)


def told(begin: int, end: int, troubles: tuple[Trouble, ...] = TROUBLES, period: int = 1) -> list[Record]:
    """What the network says in the periods [begin, end), period after period; troubles count in periods, too."""
    records = []
    for number in range(begin, end):
        minute = number * period - T0 % period
        for cell in CELLS:
            numbers = spreads(cell, number, troubles)
            if numbers is not None:
                records.append(record(cell, minute, value(cell, minute, numbers)))
    return records


def codes(rng: np.random.Generator, *shape: int) -> NDArray[np.int8]:
    """Ordinary deviations. # -> int8 [*shape, F]"""
    return np.rint(rng.normal(size=(*shape, len(NAMES))) * STEPS).clip(-127, 127).astype(np.int8)


def weights(rng: np.random.Generator) -> dict[str, NDArray[np.float32]]:
    """Small random numbers, and a road for each feature's mean to a coordinate of its own; an ordinary size is 1."""
    drawn = {name: rng.normal(size=shape) * 0.02 for name, shape in shapes(SPEC).items()}
    for feature in range(len(NAMES)):
        up, down = feature, len(NAMES) + feature
        drawn["hidden"][SPEC.second + feature, [up, down]] += [1, -1]  # the means stand first among the lines
        drawn["out"][[up, down], 1 + feature] += [1, -1]
    drops, power = NAMES.index("drops"), NAMES.index("power")
    drawn["out"][[power, len(NAMES) + power], 1 + drops] -= [1.5, -1.5]  # away from drops, not to be taken for them
    drawn["out_bias"][0] += 1  # where a window lies that has nothing to say
    whitened_lines = slice(SPEC.second, SPEC.second + LINES * len(NAMES))
    for rows in (drawn["first"], drawn["straight"], drawn["hidden"][whitened_lines]):
        rows /= LARGER
    drawn["centre"] = np.zeros(len(NAMES))
    drawn["whiten"] = np.eye(len(NAMES)) * np.sqrt(WINDOW)  # noise of the minutes, averaged over an hour
    drawn["project"] = np.eye(len(NAMES))
    return {name: array.astype(np.float32) for name, array in drawn.items()}


def build_bundle(seed: int = 11, period: int = 1) -> Bundle:
    rng = np.random.default_rng(seed)
    granularity = Granularity(period)
    samples, expand = granularity.samples, granularity.expand
    drawn = weights(rng)
    drawn["whiten"] *= np.sqrt(np.float32(samples / WINDOW))
    encode = Encoder(SPEC, drawn)
    long = codes(rng, STRETCHES, STRETCH_MINUTES + samples - 1)
    windows = np.lib.stride_tricks.sliding_window_view(long, samples, axis=1).swapaxes(2, 3)
    stretches = encode(expand(np.ascontiguousarray(windows.reshape(-1, samples, len(NAMES)))))
    bank = encode(expand(codes(rng, 200, samples))).direction
    normal = NormalProfile(
        bank, stretches.reshaped(STRETCHES, STRETCH_MINUTES), np.arange(STRETCHES) * TWO_HOURS, step_samples=1
    )
    golden = expand(codes(rng, BATCHES[0], samples))
    manifest = BundleManifest(
        FORMAT, "small", list(CATALOGUE.features), SPEC, "none", period, {"seed": seed}, {}, period_minutes=period
    )
    return Bundle(manifest, drawn, baseline(), normal, Golden(golden, encode(golden)))


def baseline() -> Baseline:
    """The same for all but in name; one harmonic, without amplitude."""
    known = [cell for cell in CELLS if cell not in STRANGERS]
    table = np.zeros((len(known) + 1, 4, len(NAMES)), np.float16)
    table[:, 0], table[:, 1] = SPREAD, MEAN
    return Baseline(np.array([cell.encode() for cell in known]), table)


def label(name: str, feature: str, period: int = 1, **changes: object) -> Label:
    """An episode of another cell, in another network's night: half a window of calm, then the fault."""
    calm = Granularity(period).samples // 2
    numbers = np.random.default_rng(5).normal(size=(3 * calm, len(NAMES)))
    numbers[calm:, NAMES.index(feature)] += FAR
    shown = Label(
        id=f"{name}-1",
        name=name,
        kind="fault",
        cell="elsewhere",
        minute=(T0 - 10_000) // period * period,
        catalogue=replace(CATALOGUE, period_minutes=period).digest,
        values=(MEAN + SPREAD * numbers).astype("<f4").tobytes(),
        baseline=baseline().table[0].astype("<f2").tobytes(),
    )
    return msgspec.structs.replace(shown, **changes)
