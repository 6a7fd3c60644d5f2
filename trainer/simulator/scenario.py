"""Scenario in YAML: the network, its time span, its faults and rates, and the delivery of its records.

Times are relative: day 1 begins at 00:00 of the start date. A scenario can therefore be moved to any date.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta, Struct, structs

from detector.errors import OperatorError
from detector.strict_yaml.conversion import convert
from detector.strict_yaml.document import YamlError
from detector.strict_yaml.reader import read_document
from detector.strict_yaml.writer import write_yaml
from trainer.simulator.delivery import LIVE as LIVE_DELIVERY
from trainer.simulator.delivery import PERFECT, Delivery
from trainer.simulator.faults.classes import FAULTS
from trainer.simulator.faults.episodes import FaultEpisode, Place
from trainer.simulator.faults.footprints import struck_cells
from trainer.simulator.faults.schedule import DAY, LIVE_RATES
from trainer.simulator.network.network import MOST_CELLS, Network
from trainer.simulator.network.operators import OPERATOR_A, OPERATOR_B, Operator
from trainer.simulator.network.random_operators import random_operator
from trainer.simulator.prepared_scenario import PreparedScenario
from trainer.simulator.randomness import stream_key

SHIPPED = Path(str(files("trainer.simulator"))) / "scenarios"
"""Folder of the scenarios in the distribution."""

RATES = {"live": 1.0, "demo": 20.0, "none": 0.0}
"""Factor on the live network's fault rates; the factor of look-alikes is at most 1."""

DELIVERIES: dict[str, Delivery] = {"perfect": PERFECT, "live": LIVE_DELIVERY}
"""Delivery by its name in a scenario."""

FIRST_YEAR, LAST_YEAR = 1971, 2999
"""Allowed years of the start: minutes count from 1970, and some days before the start are simulated."""

Seed = Annotated[int, Meta(ge=0, lt=2**31)]


class ScenarioError(OperatorError):
    """Scenario that cannot be read or simulated."""


class Layout(Struct, forbid_unknown_fields=True, rename={"operator_name": "operator"}):
    """Key `network` of a scenario."""

    cells: Annotated[int, Meta(ge=1, le=MOST_CELLS)] = 300
    seed: Seed = 1
    operator_name: str = "A"
    """A, B, or R with a number: a random operator."""


class Fault(Struct, forbid_unknown_fields=True, rename={"name": "class", "place_kind": "place"}):
    """Entry of a scenario's `faults`."""

    name: str
    cell: str
    at: Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
    day: Annotated[int, Meta(ge=1)] = 1
    minutes: int | None = None
    """Duration; None: the median of the class."""
    severity: Annotated[float, Meta(gt=0, le=1)] = 0.5
    place_kind: Place = "cell"
    seed: Seed | None = None
    """Seed that chooses the member of the fault family; None: by the index in the list."""


class Scenario(Struct, forbid_unknown_fields=True):
    """Scenario as it is written in YAML."""

    about: str = ""
    network: Layout = msgspec.field(default_factory=Layout)
    start: date = date(2026, 1, 5)
    days: Annotated[float, Meta(gt=0, le=3660)] = 7.0
    rates: Literal["live", "demo", "none"] | dict[str, Annotated[float, Meta(ge=0)]] = "none"
    holidays: list[Annotated[int, Meta(ge=1)]] = []
    faults: list[Fault] = []
    delivery: Literal["perfect", "live"] = "perfect"


def shipped_scenarios() -> list[str]:
    """Return the names of the scenarios in the distribution."""
    return sorted(entry.name.removesuffix(".yaml") for entry in SHIPPED.iterdir() if entry.name.endswith(".yaml"))


def read_scenario(name: str) -> Scenario:
    """Read a shipped scenario by its name, or any other by its file. Raises ScenarioError, in one sentence."""
    path = SHIPPED / f"{name}.yaml" if name in shipped_scenarios() else Path(name)
    try:
        return convert(read_document(path), Scenario)
    except YamlError as error:
        raise ScenarioError(str(error)) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no path"
        raise ScenarioError(
            f"{name}: cannot be read ({reason}); give a file, or one of {', '.join(shipped_scenarios())}."
        ) from None


def write_scenario(scenario: Scenario) -> str:
    """Return the YAML text that `read_scenario` reads."""
    return write_yaml(msgspec.to_builtins(scenario, builtin_types=(date,)))


def override_scenario(
    scenario: Scenario, cells: int | None, days: float | None, seed: int | None, start: date | None = None
) -> Scenario:
    """Return the scenario with the values that the command line gives. Raises ScenarioError."""
    network = scenario.network
    network = Layout(
        network.cells if cells is None else cells, network.seed if seed is None else seed, network.operator_name
    )
    overridden = structs.replace(
        scenario,
        network=network,
        days=scenario.days if days is None else days,
        start=scenario.start if start is None else start,
    )
    try:
        return msgspec.convert(msgspec.to_builtins(overridden, builtin_types=(date,)), Scenario)
    except msgspec.ValidationError as error:
        raise ScenarioError(f"the command line: {error}.") from None


def prepare_scenario(scenario: Scenario, name: str) -> PreparedScenario:
    """Return the checked scenario with all episodes that it names.

    Raises ScenarioError, in one sentence with the path of the key.
    """
    layout = scenario.network
    network = Network(layout.cells, layout.seed, _operator(layout.operator_name, name))
    if not FIRST_YEAR <= scenario.start.year <= LAST_YEAR:
        raise ScenarioError(
            f"{name}: `$.start` is {scenario.start}; allowed are dates of the years {FIRST_YEAR} to {LAST_YEAR}."
        )
    first_day = scenario.start.toordinal() - date(1970, 1, 1).toordinal()
    span = (first_day * DAY, first_day * DAY + max(1, round(scenario.days * DAY)))
    return PreparedScenario(
        network=network,
        named_episodes=(*_faults(scenario, network, span, name), *_holidays(scenario, span, name)),
        rates=_rates(scenario, name),
        seed=layout.seed,
        span=span,
        delivery=DELIVERIES[scenario.delivery],
    )


def _operator(text: str, scenario: str) -> Operator:
    if text in ("A", "B"):
        return OPERATOR_A if text == "A" else OPERATOR_B
    if text[:1] == "R" and text[1:].isdecimal() and len(text) < 10:
        return random_operator(int(text[1:]))
    raise ScenarioError(
        f"{scenario}: `$.network.operator` is {text!r}; allowed are A, B, or R with a number, such as R7."
    )


def _rates(scenario: Scenario, name: str) -> dict[str, float]:
    if isinstance(scenario.rates, str):
        factor = RATES[scenario.rates]
        return {fault: factor if FAULTS[fault].kind == "fault" else min(factor, 1.0) for fault in LIVE_RATES if factor}
    for fault in scenario.rates:
        if fault not in LIVE_RATES:
            raise ScenarioError(
                f"{name}: `$.rates` has {fault!r}, a class without a rate; {_suggestion(fault, LIVE_RATES)}"
            )
    return dict(scenario.rates)


def _faults(scenario: Scenario, network: Network, span: tuple[int, int], name: str) -> list[FaultEpisode]:
    """Return the episodes of the scenario's `faults`, each checked against those before it."""
    cell_numbers = {cell: number for number, cell in enumerate(network.names)}
    episodes: list[FaultEpisode] = []
    for index, fault in enumerate(scenario.faults):
        path = f"{name}: `$.faults[{index}]`"
        begin = span[0] + (fault.day - 1) * DAY + int(fault.at[:2]) * 60 + int(fault.at[3:])
        _check_fault(fault, network, cell_numbers, path)
        if begin >= span[1]:
            raise ScenarioError(
                f"{path}: day {fault.day} {fault.at} is after the end of the scenario; give an earlier time, or more "
                f"`days` than {scenario.days:g}."
            )
        fault_class, seed = FAULTS[fault.name], fault.seed
        if seed is None:
            seed = int(stream_key(scenario.network.seed, f"fault {index}")) >> 33
        episode = FaultEpisode(
            cell_numbers[fault.cell],
            fault_class,
            begin=begin,
            end=begin + (fault.minutes or round(fault_class.median_minutes)),
            severity=fault.severity,
            seed=seed,
            place_kind=fault.place_kind,
        )
        _refuse_overlap(network, episode, episodes, path)
        episodes.append(episode)
    return episodes


def _check_fault(fault: Fault, network: Network, cell_numbers: dict[str, int], path: str) -> None:
    """Raise ScenarioError for an unknown class or cell, a duration below 1, or a TDD fault in an FDD cell."""
    if fault.name not in FAULTS:
        raise ScenarioError(f"{path}: class {fault.name!r} is unknown; {_suggestion(fault.name, FAULTS)}")
    if fault.cell not in cell_numbers:
        raise ScenarioError(
            f"{path}: cell {fault.cell!r} is unknown; the network has {network.names[0]} to {network.names[-1]}."
        )
    if fault.minutes is not None and fault.minutes < 1:
        raise ScenarioError(f"{path}: `minutes` is {fault.minutes}; give 1 or more.")
    if FAULTS[fault.name].tdd_only and not network.statics.tdd[cell_numbers[fault.cell]]:
        tdd_cells = [network.names[cell] for cell in np.flatnonzero(network.statics.tdd)[:3]]
        remedy = f"take {', '.join(tdd_cells)}" if tdd_cells else "the network has no TDD cell"
        raise ScenarioError(f"{path}: {fault.name} needs a TDD cell, and {fault.cell} is not one; {remedy}.")


def _refuse_overlap(network: Network, episode: FaultEpisode, earlier: Sequence[FaultEpisode], path: str) -> None:
    """Raise ScenarioError where an earlier episode of the same class strikes a cell at the same time."""
    for index, other in enumerate(earlier):
        if other.fault.name == episode.fault.name and other.begin < episode.end and episode.begin < other.end:
            shared = set(struck_cells(network, other)).intersection(struck_cells(network, episode))
            if shared:
                raise ScenarioError(
                    f"{path}: {network.names[min(shared)]} already has {episode.fault.name} at that time, from "
                    f"`$.faults[{index}]`; drop one of the two, or move it."
                )


def _holidays(scenario: Scenario, span: tuple[int, int], name: str) -> list[FaultEpisode]:
    episodes = []
    for index, day in enumerate(scenario.holidays):
        begin = span[0] + (day - 1) * DAY
        if begin >= span[1] or day in scenario.holidays[:index]:
            problem = "is after the end of the scenario" if begin >= span[1] else "is named twice"
            raise ScenarioError(f"{name}: `$.holidays[{index}]`: day {day} {problem}; drop it.")
        episodes.append(
            FaultEpisode(
                0,
                FAULTS["holiday"],
                begin=begin,
                end=begin + DAY,
                severity=0.5,
                seed=int(stream_key(scenario.network.seed, f"holiday {begin}")) >> 33,
                place_kind="network",
            )
        )
    return episodes


def _suggestion(word: str, known: Iterable[str]) -> str:
    names = list(known)
    close_matches = get_close_matches(word, names, 1)
    return f"did you mean {close_matches[0]}?" if close_matches else f"known are {', '.join(names)}."
