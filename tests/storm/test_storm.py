"""The storm as `make test-all` has it: ten kills, every point of the loop once, partitions that move, and a zombie."""

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import STORM_SEED
from tests.kafka.broker import Broker, ExternalBroker
from tests.storm.__main__ import PROOFS
from tests.storm.brokers import away
from tests.storm.kills import killed_at, random_kills
from tests.storm.oracle import Outcome, differences
from tests.storm.rebalances import AWAKE, come_and_go, zombie
from tests.storm.scenarios import POINTS, SCENARIOS
from tests.storm.storm import REDUCED, Storm

TESTS = Path(__file__).parents[1]

TROUBLES = 52


@pytest.fixture(scope="module")
def storm(broker: Broker | ExternalBroker, tmp_path_factory: pytest.TempPathFactory) -> Storm:
    return Storm(broker, tmp_path_factory.mktemp("storm"), REDUCED, int(os.environ[STORM_SEED]))


@pytest.mark.broker
def test_ten_kills_at_random_moments_change_nothing(storm):
    assert random_kills(storm, storm.rng("killed at random")) == []


@pytest.mark.broker
def test_a_kill_at_any_point_of_the_loop_changes_nothing(storm):
    assert killed_at(POINTS, storm, storm.rng("points")) == []


@pytest.mark.broker
def test_instances_that_come_and_go_change_nothing(storm):
    assert come_and_go(AWAKE, storm, storm.rng("come and go")) == []


@pytest.mark.broker
def test_a_sleeper_that_wakes_has_nothing_more_to_say(storm):
    assert zombie("between produce and offsets", storm, storm.rng("zombie")) == []


@pytest.mark.broker
def test_a_broker_that_is_away_for_longer_than_a_session_changes_nothing(storm):
    assert away(storm, storm.rng("broker away")) == []


def test_the_oracle_sees_whatever_is_missing_doubled_or_other():
    told = (
        b'{"eventTime": "2025-02-20T10:05:00Z", "notificationType": "notifyNewAlarm", "specificProblem": "x"}',
        (),
        0,
    )
    letter = ("0", "7", "empty", b"")
    right = Outcome({"cell": [told]}, {(0, b"key"): b"open"}, Counter([letter]))
    assert differences(right, right) == []
    for seen, words in (
        (replace(right, alarms={}), "cell: 0 notifications, not 1"),
        (replace(right, alarms={"cell": [told, told]}), "cell: 2 notifications, not 1"),
        (replace(right, alarms={"cell": [(told[0], told[1], 1)]}), "cell: notification 1 is"),
        (replace(right, active={}), "open alarm key of partition 0 is None"),
        (replace(right, deadletters=Counter()), "is missing 1 times"),
        (replace(right, deadletters=Counter([letter, letter])), "is there 1 times too often"),
    ):
        (said,) = differences(right, seen)
        assert words in said


def test_every_trouble_has_a_proof_that_exists_or_a_reason():
    numbers, proofs = [], []
    for line in PROOFS.read_text().splitlines()[3:]:
        (numbers if line[:3].strip() else proofs).append(line.strip())
    assert [int(line.split()[0]) for line in numbers] == list(range(1, TROUBLES + 1))
    for proof in proofs:
        place, _, name = proof.partition(": ")
        if place == "storm":
            assert name in SCENARIOS
        elif not proof.startswith("("):
            assert f"def test_{name}(" in (TESTS / f"{place}.py").read_text(), proof
