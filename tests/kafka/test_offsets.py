"""Commits that the log does not bear out: what is gone, or never was, is told, counted and passed; never slept on."""

import re

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions

from detector.errors import ClusterError
from tests.eventually import eventually
from tests.kafka.topics import QUIET, create_topics, delete_topics
from tests.service.network import PARTITIONS, label, told
from tests.service.stage import TOPICS, serving

pytestmark = pytest.mark.broker

RESET = 'faultline_partitions_reset_total{{reason="{}"}}'


def drop(stage, offsets):
    """As retention would: what lies before these offsets is deleted."""
    admin = AdminClient({"bootstrap.servers": stage.bootstrap, **QUIET})
    ends = [TopicPartition(stage.topic("minutes"), number, offset) for number, offset in offsets.items()]
    for future in admin.delete_records(ends).values():
        future.result()


def make_anew(stage):
    """The input topic is deleted, and made again without a record."""
    delete_topics(stage.bootstrap, [stage.topic("minutes")])
    create_topics(stage.bootstrap, {stage.topic("minutes"): TOPICS["minutes"]})


def commit(stage, offset):
    """As a deleted topic leaves it that had a life on another cluster."""
    consumer = Consumer({"bootstrap.servers": stage.bootstrap, "group.id": f"{stage.prefix}group", **QUIET})
    wanted = [TopicPartition(stage.topic("minutes"), number, offset) for number in range(PARTITIONS)]
    consumer.commit(offsets=wanted, asynchronous=False)
    consumer.close()


def test_commits_older_than_the_log_are_told_and_it_goes_on_behind_the_gap(stage):
    before, gap, after = told(0, 20), told(20, 40), told(40, 60)
    stage.tell(before)
    with serving(stage.config()):
        stage.wait_taken(len(before))
    ends = {number: found.offset for number, found in stage.committed().items()}
    stage.tell(gap)
    lost = {number: offset + 30 for number, offset in ends.items()}
    drop(stage, lost)
    with serving(stage.config()) as service:
        service.wait_metric(RESET.format("retention"), PARTITIONS)
        stage.tell(after)
        stage.wait_taken(len(before + gap + after))
        service.wait_metric("faultline_ready", 1)
    for number, offset in lost.items():
        said = (
            f"ERROR partition {number}: offsets {ends[number]} to {offset} were deleted by retention before they were"
        )
        assert sum(line == f"{said} read; their minutes are missing" for line in service.log.lines) == 1


@pytest.mark.parametrize("start", ["earliest", "latest"])
def test_commits_beyond_the_end_are_told_and_it_begins_as_where_there_are_none(stage, start):
    before, after = told(0, 20), told(20, 40)
    stage.tell(before)
    commit(stage, 100_000)
    with serving(stage.config(kafka={"start": start})) as service:
        service.wait_metric(RESET.format("made_anew"), PARTITIONS)
        service.wait_metric("faultline_ready", 1)
        stage.tell(after)
        eventually(lambda: all(one.offset < 100_000 for one in stage.committed().values()), "it commits anew")
        stage.wait_taken(len(before + after))
        taken = sum(count for name, count in service.metrics().items() if name.startswith("faultline_records_total"))
    assert taken == (len(before + after) if start == "earliest" else len(after))
    lines = [line for line in service.log.lines if f"reading starts at the {start} offset" in line]
    assert len(lines) == PARTITIONS
    assert all(
        re.match(r"ERROR partition \d: committed offset 100000 is beyond the end \d+, so the topic was", line)
        for line in lines
    )


def test_records_that_are_deleted_under_a_running_daemon_are_told_too(stage):
    stage.teach(label("drop_storm", "drops"))
    before, gap, after = told(0, 20), told(20, 40), told(40, 60)
    stage.tell(before)
    with serving(stage.config()) as service:
        stage.wait_taken(len(before))
        service._service._consumer._consumer.pause(service._service._consumer._consumer.assignment())
        stage.tell(gap)
        drop(stage, {number: found.offset + 30 for number, found in stage.committed().items()})
        service._service._consumer._consumer.resume(service._service._consumer._consumer.assignment())
        service.wait_metric(RESET.format("retention"), PARTITIONS)
        stage.tell(after)
        stage.wait_taken(len(before + gap + after))
        service.wait_metric("faultline_ready", 1)


def test_a_topic_that_is_made_anew_under_a_running_daemon_is_taken_up_anew_or_ends_it(stage):
    """Which of the two is a matter of what the client sees first; idle it is never."""
    before, after = told(0, 20), told(20, 30)
    stage.tell(before)
    ended = None
    try:
        with serving(stage.config()) as service:
            stage.wait_taken(len(before))
            make_anew(stage)
            stage.tell(after)
            eventually(lambda: service.error is not None or 0 < stage.taken() <= len(after), "it goes on or ends")
    except ClusterError as error:
        ended = str(error)
    if ended is None:
        stage.wait_taken(len(after))
        assert sum("live from offset 0, replay without a checkpoint" in line for line in service.log.lines) >= 2
    else:
        assert ended.endswith("create it with `faultline topics --create`.")


def test_partitions_that_are_added_end_it_with_a_sentence(stage):
    stage.tell(told(0, 20))
    remedy = r"so keys map to other partitions than their stored state; give \S+active as many, and start again.$"
    sentence = rf"minutes has 3 partitions now and had 2 at the start, {remedy}"
    with pytest.raises(ClusterError, match=sentence):
        add_a_partition(stage)


def add_a_partition(stage):
    """Under a running daemon, until that ends."""
    with serving(stage.config()) as service:
        service.wait_metric("faultline_ready", 1)
        admin = AdminClient({"bootstrap.servers": stage.bootstrap, **QUIET})
        for future in admin.create_partitions([NewPartitions(stage.topic("minutes"), PARTITIONS + 1)]).values():
            future.result()
        eventually(lambda: service.error is not None, "it ends")
