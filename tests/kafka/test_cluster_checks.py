"""What is wrong with a cluster is an error where one failure loses something, else a warning; each with its remedy.

Pure functions of a described cluster. That Kafka describes itself so is tried in test_cluster.
"""

import json
import re
from contextlib import contextmanager
from dataclasses import replace
from time import monotonic

import msgspec
import pytest
from confluent_kafka import Producer
from hypothesis import given
from hypothesis import strategies as st

from detector.core.ingest.checkpoint import Checkpoint
from detector.kafka.cluster.checks import check_topics, judge
from detector.kafka.cluster.commit_checks import commit_findings
from detector.kafka.cluster.deviations import SETTINGS, topic_deviations
from detector.kafka.cluster.fixes import POSSIBLE, plan_fixes
from detector.kafka.cluster.layout import topic_roles
from detector.kafka.cluster.remedies import grown_replicas
from detector.kafka.cluster.rights import TOPIC_RIGHTS
from detector.kafka.cluster.state import CommitState, GroupState, TopicState
from tests.kafka.described import (
    BROKER_DEFAULTS,
    CONFIG,
    KAFKA_DEFAULTS,
    PARTITIONS,
    described,
    topic_of,
    with_knobs,
    with_settings,
    with_topic,
)

ROLES = list(topic_roles(CONFIG))


def found(state, config=CONFIG):
    """(level, text) of every finding."""
    return [(finding.level, finding.text) for finding in judge(state, config)]


@pytest.mark.parametrize("brokers", range(1, 7))
def test_topics_as_they_are_created_are_right_on_a_cluster_of_any_size(brokers):
    assert found(described(brokers)) == []


HOUR, DAY = 3_600_000, 86_400_000

WRONG = [
    (
        "active",
        {"cleanup.policy": "delete"},
        "error",
        "cells.alarms.active: cleanup.policy is delete, so an open alarm",
    ),
    ("active", {"cleanup.policy": "compact,delete"}, "error", "cleanup.policy is compact,delete, so an open alarm is"),
    ("active", {"cleanup.policy": "delete", "retention.ms": "-1"}, "error", "sets it to compact."),
    ("labels", {"cleanup.policy": "delete"}, "error", "so what was taught is deleted after its retention"),
    ("labels", {"cleanup.policy": "delete, compact"}, "error", "so what was taught is deleted after its retention"),
    ("labels", {"cleanup.policy": ""}, "warning", "so the topic grows without end"),
    ("minutes", {"cleanup.policy": "compact"}, "error", "a restart finds only the newest minute of each cell"),
    ("minutes", {"cleanup.policy": "compact,delete"}, "error", "sets it to delete."),
    ("alarms", {"cleanup.policy": "compact"}, "error", "only the newest notification of each cell stays"),
    ("deadletters", {"cleanup.policy": "compact"}, "error", "a refused record without a key cannot be written"),
    ("minutes", {"retention.ms": str(HOUR)}, "error", "which is 60 minutes, and a restart must read back 160;"),
    ("minutes", {"retention.ms": "0"}, "error", "which is 0 minutes"),
    ("minutes", {"retention.ms": str(3 * HOUR)}, "warning", "a daemon that is away for more than 20 minutes loses"),
    ("minutes", {"retention.bytes": "100000"}, "error", "enough for 0 cells over the 160 minutes"),
    ("minutes", {"retention.bytes": "4044800"}, "warning", f"enough for {10 * PARTITIONS} cells over"),
    ("minutes", {"max.message.bytes": "20000"}, "warning", "limits.record_bytes is 65536, so longer records are lost"),
    ("alarms", {"retention.ms": str(HOUR)}, "warning", "a consumer that is away for longer misses notifications"),
    ("alarms", {"max.message.bytes": "16383"}, "error", "max.message.bytes is 16383, and an alarm may need 16384;"),
    ("active", {"max.message.bytes": "1000"}, "error", "sets it to 1048588."),
    ("deadletters", {"max.message.bytes": "1000"}, "error", "an alarm may need 16384"),
    ("labels", {"max.message.bytes": "100000"}, "warning", "a label may need 131072"),
    ("alarms", {"message.timestamp.before.max.ms": str(HOUR)}, "warning", "after a longer outage no alarm can be"),
]


@pytest.mark.parametrize(("role", "settings", "level", "words"), WRONG)
def test_a_setting_that_breaks_something_is_one_line_with_its_remedy(role, settings, level, words):
    [(was, text)] = found(with_settings(described(), role, settings))

    assert was == level
    assert words in text
    assert re.match(rf"topic {topic_of(role)}: \S+ is .*; `faultline topics --fix --yes` sets it to \S+\.$", text)


FINE = [
    ("minutes", {"retention.ms": "-1"}),
    ("minutes", {"retention.ms": str(DAY)}),
    ("minutes", {"cleanup.policy": ""}),
    ("minutes", {"retention.bytes": str(2**40)}),
    ("alarms", {"retention.ms": str(DAY)}),
    ("deadletters", {"retention.ms": "1000"}),
    ("labels", {"retention.ms": "1000"}),
    ("active", {"message.timestamp.before.max.ms": str(HOUR), "message.timestamp.type": "LogAppendTime"}),
    ("labels", {"unclean.leader.election.enable": "true"}),
]


@pytest.mark.parametrize(("role", "settings"), FINE)
def test_a_setting_that_breaks_nothing_is_passed_over(role, settings):
    levels = [level for level, _ in found(with_settings(described(), role, settings))]
    assert levels == ([] if settings != {"cleanup.policy": ""} else ["warning"])


def test_the_retention_that_is_needed_follows_the_configuration():
    state = with_settings(described(), "minutes", {"retention.ms": str(DAY)})
    patient = with_knobs("minutes", behind_minutes=1440)

    [(level, text)] = found(state, patient)

    assert level == "error"
    assert "a restart must read back 1540;" in text


IN_SYNC = [
    (1, 1, "2", "error", "above the replicas of the topic, 1, so nothing can be written"),
    (3, 3, "4", "error", "above the replicas of the topic, 3, so nothing can be written"),
    (3, 3, "1", "warning", "a record counts as written while only one broker has it"),
    (3, 3, "3", "warning", "one broker that fails stops the work"),
    (5, 5, "1", "warning", "only one broker has it"),
    (3, 1, "1", "error", "has 1 of 3 replicas on 3 brokers, so one that fails takes its records with it"),
    (2, 1, "1", "error", "has 1 of 2 replicas on 2 brokers"),
    (3, 2, "1", "warning", "has 2 of 3 replicas on 3 brokers"),
    (2, 2, "2", "warning", "one broker that fails stops the work"),
]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("brokers", "replication", "in_sync", "level", "words"), IN_SYNC)
def test_replicas_are_judged_by_what_one_broker_takes_with_it(role, brokers, replication, in_sync, level, words):
    state = described(brokers)
    replicas = (tuple(range(1, replication + 1)),) * state.topics[topic_of(role)].partitions
    state = with_topic(state, role, replicas=replicas)

    [(was, text)] = found(with_settings(state, role, {"min.insync.replicas": in_sync}))

    assert was == level
    assert words in text


def test_a_leader_that_missed_records_is_warned_of():
    state = with_settings(described(3), "active", {"unclean.leader.election.enable": "true"})
    [(level, text)] = found(state)
    assert (level, "they are lost; `faultline topics --fix --yes` sets it to false." in text) == ("warning", True)


@pytest.mark.parametrize("name", ["__consumer_offsets", "__transaction_state"])
def test_a_topic_of_kafkas_own_on_one_broker_of_three_is_an_error(name):
    state = described(3)
    state = replace(state, topics={**state.topics, name: TopicState(replicas=((2,),))})
    [(level, text)] = found(state)
    assert (level, f"topic {name} has 1 replica on 3 brokers" in text) == ("error", True)


@pytest.mark.parametrize(
    ("settings", "level", "words"),
    [
        ({"transaction.max.timeout.ms": "20000"}, "error", "set transaction.timeout.ms in kafka.producer to 20000 or"),
        ({"offsets.retention.minutes": "60"}, "warning", "raise it to 1440 or more."),
    ],
)
def test_a_setting_of_the_brokers_is_named_with_ours(settings, level, words):
    [(was, text)] = found(replace(described(), broker_settings={**BROKER_DEFAULTS, **settings}))
    assert (was, words in text) == (level, True)


def test_every_topic_that_is_missing_is_named():
    state = replace(described(), topics={})
    assert found(state) == [
        ("error", f"topic {topic_of(role)} does not exist; create it with `faultline topics --create`.")
        for role in ROLES
    ]


@pytest.mark.parametrize(("active", "can"), [(2, True), (6, False)])
def test_open_alarms_need_as_many_partitions_as_minutes(active, can):
    state = with_topic(described(), "active", replicas=((1,),) * active)

    [(level, text)] = found(state)
    (fix,) = plan_fixes(topic_deviations(state, CONFIG), state, CONFIG)

    assert level == "error"
    assert f"topic cells.minutes has 4 partitions and topic cells.alarms.active has {active};" in text
    assert (fix.outcome == POSSIBLE) == can
    assert ("--alter --topic cells.alarms.active --partitions 4" in fix.command) == can


@pytest.mark.parametrize(
    ("role", "operation"), [(role, operation) for role in ROLES for operation in TOPIC_RIGHTS[role]]
)
def test_each_right_on_a_topic_is_asked_for_by_a_command(role, operation):
    state = described()
    operations = state.topics[topic_of(role)].operations - {operation}

    [(level, text)] = found(with_topic(state, role, operations=operations))

    verb = operation.lower()
    assert level == "error"
    assert text == (
        f"topic {topic_of(role)}: this user may not {verb} it; allow this user to {verb} it: `kafka-acls.sh"
        f" --bootstrap-server broker:9092 --add --allow-principal User:NAME --operation {verb.title()} --topic"
        f" {topic_of(role)}`."
    )


@pytest.mark.parametrize("role", ROLES)
def test_a_topic_that_may_not_be_seen_is_denied_and_not_missing(role):
    state = described()
    topics = {name: topic for name, topic in state.topics.items() if name != topic_of(role)}
    state = replace(state, topics=topics, denied_topics=frozenset({topic_of(role)}))

    said = found(state)

    assert len(said) == len(TOPIC_RIGHTS[role])
    assert all(text.startswith(f"access to topic {topic_of(role)} is denied; allow this user to") for _, text in said)


@pytest.mark.parametrize("group", ["faultline", "faultline-tables"])
@pytest.mark.parametrize(("operations", "lacks"), [(frozenset(), True), (frozenset({"ALTER"}), True), (None, False)])
def test_a_group_that_may_not_be_read_is_an_error(group, operations, lacks):
    state = described()
    said = found(replace(state, groups={**state.groups, group: GroupState(operations=operations)}))
    assert [level for level, _ in said] == ["error"] * lacks
    assert all("allow this user to read the groups faultline and faultline-tables:" in text for _, text in said)


def test_a_cluster_that_says_nothing_of_rights_and_settings_is_no_error():
    state = described()
    topics = {name: TopicState(replicas=topic.replicas) for name, topic in state.topics.items()}
    silent = replace(state, topics=topics, groups={}, broker_settings=None)

    [(level, text)] = found(silent)

    assert level == "warning"
    assert "--operation DescribeConfigs --topic cells.minutes --topic cells.alarms" in text
    assert found(replace(silent, has_controller=False)) == []


def test_an_embedded_broker_is_asked_for_what_it_has():
    """It has no controller, and a request to one would wait for its whole time."""
    with closing_embedded() as (bootstrap, producer):
        for name in topic_roles(CONFIG).values():
            producer.produce(name, b"first")
        producer.flush(10)
        kafka = msgspec.structs.replace(CONFIG.kafka, common={"bootstrap.servers": bootstrap, "log_level": 0})
        began = monotonic()

        limits = check_topics(msgspec.structs.replace(CONFIG, kafka=kafka))

        assert limits == (4, 1_000_000)
        assert monotonic() - began < CONFIG.kafka.reach_seconds / 2


@contextmanager
def closing_embedded():
    """librdkafka's embedded broker, which lives as long as its producer."""
    producer = Producer({"bootstrap.servers": "x", "test.mock.num.brokers": 1, "log_level": 0})
    (broker,) = producer.list_topics(timeout=10).brokers.values()
    yield f"{broker.host}:{broker.port}", producer


VALUES = {
    "cleanup.policy": ["delete", "compact", "compact,delete", ""],
    "retention.ms": ["-1", "0", "1000", str(DAY)],
    "retention.bytes": ["-1", "0", "10000000"],
    "max.message.bytes": ["0", "20000", "1048588"],
    "min.insync.replicas": ["1", "2", "3", "9"],
    "unclean.leader.election.enable": ["true", "false"],
    "message.timestamp.before.max.ms": ["0", "9223372036854775807"],
    "message.timestamp.type": ["CreateTime", "LogAppendTime"],
}
"""Settings as they may lie on any topic."""


@given(
    brokers=st.integers(1, 5),
    settings=st.fixed_dictionaries(
        {role: st.fixed_dictionaries({name: st.sampled_from(VALUES[name]) for name in SETTINGS}) for role in ROLES}
    ),
)
def test_once_everything_is_altered_nothing_is_left_to_alter(brokers, settings):
    state = described(brokers)
    for role in ROLES:
        state = with_settings(state, role, settings[role])

    for deviation in topic_deviations(state, CONFIG):
        role = next(role for role in ROLES if topic_of(role) == deviation.topic)
        state = with_settings(state, role, {deviation.name: deviation.wanted})

    assert topic_deviations(state, CONFIG) == []


@given(
    replicas=st.lists(st.lists(st.integers(1, 7), min_size=1, max_size=4, unique=True), min_size=1, max_size=9),
    replication=st.integers(1, 3),
)
def test_replicas_that_are_added_are_other_brokers_and_none_is_taken_away(replicas, replication):
    brokers = range(1, 8)
    for before, after in zip(replicas, grown_replicas(replicas, brokers, replication), strict=True):
        assert after[: len(before)] == before
        assert len(set(after)) == len(after) == max(len(before), replication)


def test_the_command_that_adds_replicas_is_one_that_a_shell_reads():
    state = with_topic(described(3), "labels", replicas=((2,),))
    (fix,) = plan_fixes(
        topic_deviations(with_settings(state, "labels", {"min.insync.replicas": "1"}), CONFIG), state, CONFIG
    )
    assert (fix.name, fix.old, fix.new) == ("replicas", "1", "3")
    file, execute = re.fullmatch(r"cat > replicas.json <<'END'\n(.*)\nEND\n(.*)", fix.command, re.DOTALL).groups()
    assert json.loads(file)["partitions"] == [{"topic": "cells.labels", "partition": 0, "replicas": [2, 1, 3]}]
    assert execute.startswith("kafka-reassign-partitions.sh --bootstrap-server broker:9092 --reassignment-json-file")


# --- commits --------------------------------------------------------------------------------------------------------


def checkpoint(replay_offset):
    return Checkpoint(replay_offset=replay_offset, replay_minute=0, frontier=0, voters=0, votes=b"")


def commit(partition=0, offset=50, replay=20, low=10, high=100, open_records=0):
    return CommitState(
        partition=partition,
        offset=offset,
        checkpoint=None if replay is None else checkpoint(replay),
        low=low,
        high=high,
        open_records=open_records,
    )


GONE = {"offset": None, "replay": None}

COMMITS = [
    ([commit()], 0, None),
    ([commit(**GONE), commit(1, **GONE)], 0, None),
    ([commit(), commit(1, **GONE)], 9, None),
    ([commit(offset=10, replay=None)], 0, None),
    ([commit(offset=100, replay=10)], 0, None),
    (
        [commit(**GONE), commit(1, **GONE)],
        9,
        "group faultline has no commit on cells.minutes, although cells.alarms has",
    ),
    ([commit(**GONE, open_records=2)], 0, "although cells.alarms.active has records: its offsets expired or were"),
    ([commit(), commit(1, **GONE, open_records=2)], 0, "partition 1 of cells.minutes: no commit, although"),
    (
        [commit(offset=101), commit(1, offset=900)],
        0,
        "partitions 0, 1 of cells.minutes: the commit lies beyond the end",
    ),
    ([commit(offset=4, replay=1)], 0, "partition 0 of cells.minutes: 6 offsets were deleted by retention before"),
    ([commit(replay=9)], 0, "retention has deleted records that the checkpoint replays"),
    ([commit(replay=None)], 0, "the commit has no checkpoint, as after a reset by another tool, so a start replays"),
]


@pytest.mark.parametrize(("commits", "notifications", "words"), COMMITS)
def test_a_commit_that_the_log_does_not_bear_out_is_one_warning(commits, notifications, words):
    said = commit_findings(commits, notifications, CONFIG)
    assert [finding.level for finding in said] == (["warning"] if words else [])
    assert all(words in finding.text for finding in said)


def test_kafkas_defaults_are_wrong_for_the_tables_alone():
    state = described()
    for role in ROLES:
        state = with_settings(state, role, KAFKA_DEFAULTS)
    assert [level for level, _ in found(state)] == ["error", "error"]
