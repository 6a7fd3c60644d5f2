"""The sealed classes are faults like others, are no others, and nothing that learns can see them."""

import numpy as np
import pytest

from benchmarks.quality.sealed import SEALED
from tests.test_house import ROOT, imports, parse
from trainer.data.history import START_MINUTE
from trainer.simulator import FAULTS, FaultEpisode, Network, NetworkTimeline, effects
from trainer.simulator.faults.knobs import BY_NAME

MINUTES = 120


@pytest.mark.parametrize("name", SEALED)
def test_each_moves_what_is_reported_where_it_is_grave(name: str) -> None:
    # Given a network in which every cell has it from Tuesday noon on, each another member of its family,
    network = Network(150, seed=4)
    begin = START_MINUTE + 1440 + 720
    cell = np.arange(network.cells)
    life = NetworkTimeline(
        network, [FaultEpisode(c, SEALED[name], begin, begin + MINUTES, 0.9, c) for c in cell.tolist()]
    )

    visible = effects(life, cell, np.full(len(cell), begin), np.full(len(cell), begin + MINUTES))

    assert np.median(visible) > 1


def test_there_are_eight_under_their_own_names_and_none_turns_the_knobs_of_another() -> None:
    assert [fault.name for fault in SEALED.values()] == list(SEALED)
    assert len(SEALED) == 8
    assert not set(SEALED) & set(FAULTS)
    everything = [frozenset(fault.knobs) for fault in (*SEALED.values(), *FAULTS.values())]
    assert all(everything.count(knobs) == 1 for knobs in everything[: len(SEALED)])
    assert all(knob in BY_NAME for fault in SEALED.values() for knob in fault.knobs)


def test_what_learns_and_what_judges_cannot_see_them() -> None:
    allowed = ("tests.benchmarks.test_sealed", "benchmarks.quality.__main__")
    for package in ("detector", "trainer", "tests", "benchmarks"):
        for module, tree in parse(package).items():
            if module in allowed or module.startswith("benchmarks.quality.sealed"):
                continue
            assert not [name for name in imports(tree) if name.startswith("benchmarks.quality.sealed")], module
    for folder in ("detector", "trainer"):
        told = [path for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".yaml")]
        assert not [path for path in told if any(name in path.read_text() for name in SEALED)]
