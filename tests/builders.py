"""What tests are told in: minutes of cells, logs of them with every kind of disorder, and a small pipeline.

A log is a list of `Told`. Minutes are counted from `T0`, so that a test can say "minute 5". Two encoders stand in
for the network: `plain`, whose answer can be read off the values, and `nosy`, whose answer changes with any bit.
"""

import json
import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detector.core.encoder import Embeddings, Encode, embeddings_of
from detector.core.features import ABSENT, STEPS, WINDOW, Baseline, Catalogue, Feature
from detector.core.granularity import Granularity
from detector.core.ingest.samples import Records
from detector.core.lifecycle import Event
from detector.core.pipeline import Pipeline, PollResult
from detector.core.scoring.classifier import Classifier
from detector.core.scoring.exemplars import Exemplar, ExemplarIndex, NormalProfile
from detector.core.scoring.tail_fit import TWO_HOURS
from detector.core.settings import Settings, kernel

T0 = 28_800_000
"""2024-10-04. A multiple of 60, so that minute 0 of a test also lies in slot 0 of a ring."""

FEATURES = 3
DIMENSION = 4

CALM = (0.0, 0.0, 0.0)
ALPHA = (8.0, 0.0, 0.0)
BETA = (0.0, 8.0, 0.0)
STRANGE = (0.0, 0.0, 8.0)
"""What `plain` makes of a minute with these values: normal, fault alpha, fault beta, far from everything."""


class Told(NamedTuple):
    """One record of a log: a cell says something about one of its minutes."""

    cell: str
    minute: int
    values: tuple[float | None, ...] = CALM


def catalogue(features: int = FEATURES, low: float = -1e6, high: float = 1e6) -> Catalogue:
    return Catalogue(tuple(Feature(f"f{k}", "1", "gauge", "identity", low, high) for k in range(features)))


def fleet_baseline(features: int = FEATURES) -> Baseline:
    """Mean 0 and spread 1 for everybody: values are deviations already."""
    table = np.zeros((2, 2, features), np.float16)
    table[:, 0] = 1
    return Baseline(np.array([b"~"]), table)


def settings(**changes: float) -> Settings:
    """Small enough that a test can walk over every edge."""
    small = Settings(
        max_cells=200,
        max_record_bytes=10_000,
        late_minutes=5,
        behind_minutes=8,
        ahead_minutes=5,
        silent_minutes=6,
        quorum_cells=3,
        min_coverage=0.0,
        score_minutes=3,
        half_life_minutes=2.0,
        hold_minutes=4,
        unknown_minutes=3,
        clear_margin=0.5,
        budget=50.0,
    )
    return replace(small, **changes)  # type: ignore[arg-type]  # every field is a number


MINUTES = ("late", "behind", "ahead", "silent", "score", "half_life", "hold", "unknown")
"""Settings in minutes."""


def at_period(chosen: Settings, period: int) -> Settings:
    """The same settings of another feed: as many periods as they were minutes; no sample is later than its window."""
    minutes = {f"{name}_minutes": period * getattr(chosen, f"{name}_minutes") for name in MINUTES}
    longest = Granularity(period).window_minutes - period
    minutes["late_minutes"] = min(minutes["late_minutes"], longest)
    return replace(chosen, period_minutes=period, **minutes)


def unit(*coordinates: float) -> NDArray[np.float16]:
    direction = np.array(coordinates, np.float32)
    return (direction / np.linalg.norm(direction)).astype(np.float16)


def embedded(direction: NDArray[np.floating], size: NDArray[np.floating]) -> Embeddings:
    """As if nothing were whitened: a window lies its size away from normal, in its own direction. # [..., D], [...]"""
    return embeddings_of(direction, size, direction.astype(np.float32) * size.astype(np.float32)[..., None])


def exemplar(name: str, direction: NDArray[np.float16], kind: str = "fault", number: int = 0) -> Exemplar:
    """It lies in its own direction, too."""
    return Exemplar(f"{name}-{number}", name, kind, direction, direction, "taught", T0)


def scatter(
    rng: np.random.Generator, centre: NDArray[np.float16], count: int, spread: float = 0.1
) -> NDArray[np.float16]:
    """Directions around a centre. # [count, D]"""
    around = centre.astype(np.float32) + rng.normal(0, spread, (count, len(centre)))
    return (around / np.linalg.norm(around, axis=1, keepdims=True)).astype(np.float16)


def ordinary_life(
    rng: np.random.Generator, stretches: int = 300, minutes: int = 24, dimension: int = DIMENSION
) -> NormalProfile:
    """A normal that lies around the first axis, with sizes around 1."""
    centre = unit(1, *[0] * (dimension - 1))
    directions = scatter(rng, centre, stretches * minutes).reshape(stretches, minutes, dimension)
    sizes = np.exp(rng.normal(0, 0.2, (stretches, minutes))).astype(np.float16)
    return NormalProfile(scatter(rng, centre, 40), embedded(directions, sizes), np.arange(stretches) * TWO_HOURS, 1)


@cache
def judge(score_minutes: int = 3, half_life_minutes: float = 2.0, budget: float = 50.0) -> Classifier:
    """Two fault classes along the second and third axis."""
    normal = ordinary_life(np.random.default_rng(1))
    library = ExemplarIndex(
        [exemplar("alpha", unit(0, 1, 0, 0)), exemplar("beta", unit(0, 0, 1, 0))], normal, threads=1
    )
    return Classifier(library, kernel(score_minutes, half_life_minutes), budget)


def judge_for(chosen: Settings) -> Classifier:
    period = chosen.period_minutes
    return judge(chosen.score_minutes // period, chosen.half_life_minutes / period, chosen.budget)


def plain(windows: NDArray[np.int8], /) -> Embeddings:
    """Looks at the last minute only: its first two values turn the direction, its third makes it large."""
    last = np.where(windows[:, -1] == ABSENT, 0, windows[:, -1]).astype(np.float32) / np.float32(STEPS)
    direction = np.zeros((len(windows), DIMENSION), np.float32)
    direction[:, 0] = 1
    direction[:, 1:3] = last[:, :2]
    length = np.sqrt(direction[:, 0] ** 2 + direction[:, 1] ** 2 + direction[:, 2] ** 2)
    return embedded(direction / length[:, None], np.exp(np.abs(last[:, 2])))


class Listener:
    """An encoder that remembers the windows it was shown, and answers like `plain`."""

    def __init__(self) -> None:
        self._shown: list[NDArray[np.int8]] = []

    def __call__(self, windows: NDArray[np.int8], /) -> Embeddings:
        self._shown.append(windows.copy())
        return plain(windows)

    @property
    def windows(self) -> NDArray[np.int8]:
        """# int8 [n, 60, F], in the order of the log"""
        return np.concatenate([np.empty((0, WINDOW, FEATURES), np.int8), *self._shown])


class Assessor(Listener):
    """That of a pipeline, which assesses on a thread of its own: what the main one asks is evidence, and tries a window
    without its parts."""

    def __call__(self, windows: NDArray[np.int8], /) -> Embeddings:
        is_evidence = threading.current_thread() is threading.main_thread()
        return plain(windows) if is_evidence else super().__call__(windows)


_MIX = np.random.default_rng(5).integers(2**63, size=(WINDOW, 16), dtype=np.uint64) | np.uint64(1)

_MOODS = np.array([[1, 0, 0, 0], [1, 0.1, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0.2]])
_SIZES = np.array([1, 1.2, 2, 3, 2, 40])


def nosy(windows: NDArray[np.int8], /) -> Embeddings:
    """Chaos: any other code at any minute of the window gives another answer, so events betray every difference."""
    codes = windows.astype(np.int64).view(np.uint64)
    mixed = (codes * _MIX[:, : windows.shape[2]]).sum(axis=(1, 2), dtype=np.uint64)
    mood = ((mixed * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(40)) % np.uint64(len(_MOODS))
    directions = _MOODS[mood.astype(np.int64)]
    directions = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    return embedded(directions, _SIZES[mood.astype(np.int64)])


def record(told: Told, names: Sequence[str] = ("f0", "f1", "f2")) -> tuple[bytes, bytes]:
    """Key and value, as a network would send them."""
    text = json.dumps(
        {"cell": told.cell, "time": told.minute * 60, "features": dict(zip(names, told.values, strict=True))}
    )
    return told.cell.encode(), text.encode()


def records(log: Sequence[Told], partition: int = 0, first_offset: int = 0) -> Records:
    pairs = [record(told) for told in log]
    offsets = np.arange(first_offset, first_offset + len(log), dtype=np.int64)
    return Records(partition, offsets, [key for key, _ in pairs], [value for _, value in pairs])


def pipeline(chosen: Settings | None = None, encode: Encode = plain, judging: Classifier | None = None) -> Pipeline:
    chosen = chosen or settings()
    return Pipeline(
        replace(catalogue(), period_minutes=chosen.period_minutes),
        fleet_baseline(),
        encode,
        judging or judge_for(chosen),
        chosen,
    )


def play(
    into: Pipeline,
    log: Sequence[Told],
    polls: Iterable[int] = (),
    *,
    first_offset: int = 0,
    partition: int = 0,
    audible: bool = True,
) -> PollResult:
    """Plays a log in polls of these sizes, and what is left in one; gives all that came of it."""
    total = PollResult()
    at = 0
    for size in [*polls, len(log)]:
        part = log[at : at + size]
        if part:
            work = into.process([(records(part, partition, first_offset + at), audible)])
            add(total, work)
        at += size
    return total


def add(total: PollResult, work: PollResult) -> None:
    total.events += work.events
    total.suppressed_episodes += work.suppressed_episodes
    total.rejections += work.rejections
    total.window_count += work.window_count
    for mine, new in ((total.outcomes, work.outcomes), (total.verdicts, work.verdicts)):
        for name, count in new.items():
            mine[name] = mine.get(name, 0) + count


def refusals(work: PollResult) -> list[tuple[int, str]]:
    """(offset, reason) of every refused record."""
    return [(int(records.offsets[rejection.index]), str(rejection.reason)) for records, rejection in work.rejections]


def told_of(events: Iterable[Event]) -> list[tuple[str, str, str, int]]:
    """Events as a person would say them: (change, cell, name, minute of the test)."""
    return [(event.change, event.alarm.cell, event.alarm.name, event.minute - T0) for event in events]


def minutes_of(cell: str, begin: int, end: int, values: tuple[float | None, ...] = CALM, step: int = 1) -> list[Told]:
    """A cell that reports every minute in [begin, end)."""
    return [Told(cell, T0 + minute, values) for minute in range(begin, end, step)]


def network(cells: Sequence[str], begin: int, end: int) -> list[Told]:
    """All these cells, minute after minute, calm."""
    return [Told(cell, T0 + minute) for minute in range(begin, end) for cell in cells]


def chatter(told: Iterable[Told], rng: np.random.Generator) -> list[Told]:
    """The same records with values that differ from minute to minute, so that every window is another."""
    return [one._replace(values=tuple(rng.integers(-6, 7, FEATURES).astype(float).tolist())) for one in told]


TROUBLES = ("holes", "late", "twice", "clocks", "silences", "buffers", "leaps", "deaths", "births")


def storm(
    rng: np.random.Generator, cells: int, times: int, step_minutes: int = 1, troubles: Iterable[str] = TROUBLES
) -> list[Told]:
    """A log in which everything goes wrong that is named, some of it at once.

    `holes`: minutes never told · `late`: told after newer ones · `twice`: told again, alike or corrected · `clocks`:
    wrong for a while, or for ever · `silences`: nothing for a while · `buffers`: a silence whose minutes all come at
    its end · `leaps`: the whole network is away · `deaths`, `births`: cells that end early or begin late.
    """
    troubles = set(troubles)
    skips = np.where((rng.random(times) < 0.03) & ("leaps" in troubles), rng.choice([4, 7, 30, 70, 500], times), 0)
    timeline = T0 + np.cumsum(step_minutes + skips)
    arrivals: list[tuple[float, Told]] = []
    for number in range(cells):
        for at, told in _life(rng, f"cell-{number}", timeline, troubles):
            arrivals.append((at + rng.random() * 0.9, told))
    return [told for _, told in sorted(arrivals, key=lambda arrival: arrival[0])]


def _life(
    rng: np.random.Generator, cell: str, timeline: NDArray[np.int64], troubles: set[str]
) -> list[tuple[float, Told]]:
    """What one cell tells, with the place in the timeline at which it arrives."""
    times = len(timeline)
    begin = int(rng.integers(times)) if "births" in troubles and rng.random() < 0.3 else 0
    end = int(rng.integers(times)) if "deaths" in troubles and rng.random() < 0.3 else times
    clock = np.zeros(times, np.int64)
    arrival = np.arange(times, dtype=float)
    gone = np.zeros(times, bool)
    for span in _spans(rng, times, 0.3 * ("clocks" in troubles)):
        clock[span] = rng.choice([-200, -9, -3, 4, 7, 12, 40, 90, 300, 10_000_000])
    for span in _spans(rng, times, 0.4 * ("silences" in troubles)):
        gone[span] = True
    for span in _spans(rng, times, 0.3 * ("buffers" in troubles)):
        arrival[span] = span.stop + np.linspace(0, 0.05, span.stop - span.start)
    if "late" in troubles:
        arrival += np.where(rng.random(times) < 0.15, rng.integers(1, 7, times), 0)
    gone |= (rng.random(times) < 0.15) & ("holes" in troubles)
    life = []
    for at in np.flatnonzero(~gone)[begin:end].tolist():
        values = tuple(rng.integers(-6, 7, FEATURES).astype(float).tolist())
        life.append((float(arrival[at]), Told(cell, int(timeline[at] + clock[at]), values)))
        if "twice" in troubles and rng.random() < 0.1:
            corrected = values if rng.random() < 0.5 else (values[0] + 1, *values[1:])
            life.append((arrival[at] + rng.integers(0, 8), Told(cell, int(timeline[at] + clock[at]), corrected)))
    return life


def _spans(rng: np.random.Generator, times: int, likelihood: float) -> list[slice]:
    """Up to three stretches of the timeline, some of them to its end."""
    spans = []
    for _ in range(3):
        if rng.random() < likelihood:
            start = int(rng.integers(times))
            spans.append(slice(start, times if rng.random() < 0.1 else min(times, start + int(rng.integers(1, 30)))))
    return spans
