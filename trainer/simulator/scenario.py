"""A scenario: which network, for how long, what befalls it where and when, and how its records travel. As YAML.

Times are the network's own: day 1 begins at 00:00 of the start date. So a scenario can be moved to any date.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import numpy as np
import yaml
from msgspec import Meta, Struct, structs

from detector.errors import OperatorError
from trainer.simulator.delivery import LIVE as LIVE_DELIVERY
from trainer.simulator.delivery import PERFECT, Delivery
from trainer.simulator.faults.classes import FAULTS
from trainer.simulator.faults.episodes import FaultEpisode, Place
from trainer.simulator.faults.footprints import struck_cells
from trainer.simulator.faults.schedule import DAY, LIVE
from trainer.simulator.network.network import MOST_CELLS, Network
from trainer.simulator.network.operators import OPERATOR_A, OPERATOR_B, Operator
from trainer.simulator.network.random_operators import random_operator
from trainer.simulator.prepared_scenario import PreparedScenario
from trainer.simulator.randomness import stream_key

SHIPPED = files("trainer.simulator") / "scenarios"

RATES = {"live": 1.0, "demo": 20.0, "none": 0.0}
"""How much more often faults happen than in a live network; look-alikes are frequent enough."""

DELIVERIES: dict[str, Delivery] = {"perfect": PERFECT, "live": LIVE_DELIVERY}

FIRST_YEAR, LAST_YEAR = 1971, 2999
"""Minutes count from 1970 and some days before the start are looked at; at the other end a date has four digits."""

Seed = Annotated[int, Meta(ge=0, lt=2**31)]


class ScenarioError(OperatorError):
    """A scenario that cannot be played."""


class Layout(Struct, forbid_unknown_fields=True, rename={"operator_name": "operator"}):
    """The `network` of a scenario."""

    cells: Annotated[int, Meta(ge=1, le=MOST_CELLS)] = 300
    seed: Seed = 1
    operator_name: str = "A"
    """A, B, or R and a number: one drawn at random."""


class Fault(Struct, forbid_unknown_fields=True, rename={"name": "class"}):
    """One entry of a scenario's `faults`."""

    name: str
    cell: str
    at: Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
    day: Annotated[int, Meta(ge=1)] = 1
    minutes: int | None = None
    """None: the class's median duration."""
    severity: Annotated[float, Meta(gt=0, le=1)] = 0.5
    place: Place = "cell"
    seed: Seed | None = None
    """Which member of the family; None: by its place in the list."""


class Scenario(Struct, forbid_unknown_fields=True):
    """A scenario as it is written."""

    about: str = ""
    network: Layout = msgspec.field(default_factory=Layout)
    start: date = date(2026, 1, 5)
    days: Annotated[float, Meta(gt=0, le=3660)] = 7.0
    rates: Literal["live", "demo", "none"] | dict[str, Annotated[float, Meta(ge=0)]] = "none"
    holidays: list[Annotated[int, Meta(ge=1)]] = []
    faults: list[Fault] = []
    delivery: Literal["perfect", "live"] = "perfect"


def shipped_scenarios() -> list[str]:
    """Names of the scenarios that come with the product."""
    return sorted(entry.name.removesuffix(".yaml") for entry in SHIPPED.iterdir() if entry.name.endswith(".yaml"))


def read_scenario(name: str) -> Scenario:
    """A shipped scenario by its name, or any by its file. Raises ScenarioError, in one sentence."""
    path = SHIPPED / f"{name}.yaml" if name in shipped_scenarios() else Path(name)
    try:
        return msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")), Scenario)
    except OSError as error:
        raise ScenarioError(
            f"{name}: cannot be read ({error.strerror}); give a file, or one of {', '.join(shipped_scenarios())}."
        ) from None
    except msgspec.ValidationError as error:
        raise ScenarioError(f"{name}: {error}; the README lists the keys, and times stand in quotes.") from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: not UTF-8, or the 30th of February
        raise ScenarioError(f"{name}: is not YAML ({' '.join(str(error).split())}).") from None


def write_scenario(scenario: Scenario) -> str:
    """The YAML that `read_scenario` reads."""
    return yaml.safe_dump(msgspec.to_builtins(scenario, builtin_types=(date,)), sort_keys=False)


def override_scenario(
    scenario: Scenario, cells: int | None, days: float | None, seed: int | None, start: date | None = None
) -> Scenario:
    """With what the command line says instead. Raises ScenarioError."""
    network = scenario.network
    network = Layout(
        network.cells if cells is None else cells, network.seed if seed is None else seed, network.operator_name
    )
    told = structs.replace(
        scenario,
        network=network,
        days=scenario.days if days is None else days,
        start=scenario.start if start is None else start,
    )
    try:
        return msgspec.convert(msgspec.to_builtins(told, builtin_types=(date,)), Scenario)
    except msgspec.ValidationError as error:
        raise ScenarioError(f"the command line: {error}.") from None


def prepare_scenario(scenario: Scenario, name: str) -> PreparedScenario:
    """Draws and checks everything that will happen. Raises ScenarioError, in one sentence that names the place."""
    part = scenario.network
    network = Network(part.cells, part.seed, _operator(part.operator_name, name))
    if not FIRST_YEAR <= scenario.start.year <= LAST_YEAR:
        raise ScenarioError(f"{name}: `$.start` {scenario.start} must lie in the years {FIRST_YEAR} to {LAST_YEAR}.")
    first_day = scenario.start.toordinal() - date(1970, 1, 1).toordinal()
    span = (first_day * DAY, first_day * DAY + max(1, round(scenario.days * DAY)))
    told = (*_told(scenario, network, span, name), *_holidays(scenario, span, name))
    return PreparedScenario(network, told, _rates(scenario, name), part.seed, span, DELIVERIES[scenario.delivery])


def _operator(text: str, scenario: str) -> Operator:
    if text in ("A", "B"):
        return OPERATOR_A if text == "A" else OPERATOR_B
    if text[:1] == "R" and text[1:].isdecimal() and len(text) < 10:
        return random_operator(int(text[1:]))
    raise ScenarioError(f"{scenario}: {text!r} at `$.network.operator` is not A, B, or R and a number, such as R7.")


def _rates(scenario: Scenario, name: str) -> dict[str, float]:
    if isinstance(scenario.rates, str):
        factor = RATES[scenario.rates]
        return {fault: factor if FAULTS[fault].kind == "fault" else min(factor, 1.0) for fault in LIVE if factor}
    for fault in scenario.rates:
        if fault not in LIVE:
            raise ScenarioError(f"{name}: {fault!r} in `$.rates` is no class with a rate; {_meant(fault, LIVE)}")
    return dict(scenario.rates)


def _told(scenario: Scenario, network: Network, span: tuple[int, int], name: str) -> list[FaultEpisode]:
    number = {cell: place for place, cell in enumerate(network.names)}
    episodes: list[FaultEpisode] = []
    for place, fault in enumerate(scenario.faults):
        at = f"{name}: `$.faults[{place}]`"
        if fault.name not in FAULTS:
            raise ScenarioError(f"{at}: {fault.name!r} is no fault class; {_meant(fault.name, FAULTS)}")
        if fault.cell not in number:
            raise ScenarioError(
                f"{at}: there is no cell {fault.cell!r}; the network has {network.names[0]} to {network.names[-1]}."
            )
        kind = FAULTS[fault.name]
        if fault.minutes is not None and fault.minutes < 1:
            raise ScenarioError(f"{at}: {fault.minutes} `minutes` end before they begin; give 1 or more.")
        begin = span[0] + (fault.day - 1) * DAY + int(fault.at[:2]) * 60 + int(fault.at[3:])
        if begin >= span[1]:
            raise ScenarioError(
                f"{at}: day {fault.day} {fault.at} is after the end; give an earlier time, or more `days` than "
                f"{scenario.days:g}."
            )
        if kind.tdd_only and not network.statics.tdd[number[fault.cell]]:
            tdd = [network.names[cell] for cell in np.flatnonzero(network.statics.tdd)[:3]]
            raise ScenarioError(
                f"{at}: only a TDD cell can have {fault.name}, and {fault.cell} is none; "
                f"{'take ' + ', '.join(tdd) if tdd else 'nor is any other of this network'}."
            )
        seed = fault.seed if fault.seed is not None else int(stream_key(scenario.network.seed, f"fault {place}")) >> 33
        end = begin + (fault.minutes or round(kind.median_minutes))
        episode = FaultEpisode(number[fault.cell], kind, begin, end, fault.severity, seed, fault.place)
        _refuse_overlap(network, episode, episodes, at)
        episodes.append(episode)
    return episodes


def _refuse_overlap(network: Network, episode: FaultEpisode, earlier: Sequence[FaultEpisode], at: str) -> None:
    for place, other in enumerate(earlier):
        if other.fault.name == episode.fault.name and other.begin < episode.end and episode.begin < other.end:
            shared = set(struck_cells(network, other)).intersection(struck_cells(network, episode))
            if shared:
                raise ScenarioError(
                    f"{at}: {network.names[min(shared)]} has {episode.fault.name} already, by `$.faults[{place}]` of "
                    "the same time; drop one, or move it."
                )


def _holidays(scenario: Scenario, span: tuple[int, int], name: str) -> list[FaultEpisode]:
    episodes = []
    for place, day in enumerate(scenario.holidays):
        begin = span[0] + (day - 1) * DAY
        if begin >= span[1] or day in scenario.holidays[:place]:
            why = "is after the end" if begin >= span[1] else "is named twice"
            raise ScenarioError(f"{name}: `$.holidays[{place}]`: day {day} {why}; drop it.")
        seed = int(stream_key(scenario.network.seed, f"holiday {begin}")) >> 33
        episodes.append(FaultEpisode(0, FAULTS["holiday"], begin, begin + DAY, 0.5, seed, "network"))
    return episodes


def _meant(word: str, known: Iterable[str]) -> str:
    names = list(known)
    close = get_close_matches(word, names, 1)
    return f"did you mean {close[0]}?" if close else f"there are {', '.join(names)}."
