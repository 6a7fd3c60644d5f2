"""`check`, `run` and `topics` on a real cluster whose topics somebody made by hand."""

import msgspec
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from detector.__main__ import main
from detector.config.loader import read_config
from detector.kafka.cluster.checks import cluster_findings, judge
from detector.kafka.cluster.creation import create_topics
from detector.kafka.cluster.description import describe_cluster
from detector.kafka.cluster.deviations import topic_deviations
from detector.kafka.cluster.fixes import apply_fixes
from detector.kafka.cluster.groups import describe_groups
from detector.kafka.cluster.state import GroupState
from detector.kafka.cluster.transactional_id import is_denied
from tests.eventually import eventually
from tests.kafka.cluster import Cluster
from tests.kafka.topics import QUIET, produce
from tests.kafka.topics import create_topics as create_by_hand
from tests.service.network import told
from tests.service.stage import TOPICS, Stage, serving

pytestmark = pytest.mark.broker


def by_hand(name, **settings):
    """The shape of a topic with other settings."""
    shape = TOPICS[name]
    return {**shape, "config": {**shape["config"], **settings}}


WRONG = {
    "minutes": {"retention.ms": "3600000", "retention.bytes": "1000"},
    "alarms": {"cleanup.policy": "compact", "max.message.bytes": "1000"},
    "active": {"cleanup.policy": "delete", "min.insync.replicas": "2"},
    "labels": {"cleanup.policy": "compact,delete"},
    "deadletters": {"cleanup.policy": "compact"},
}
"""Everything that the settings of a topic can break on one broker."""


@pytest.fixture
def wrong_stage(bare_stage):
    """A stage whose topics all lose something."""
    topics = {name: by_hand(name, **settings) for name, settings in WRONG.items()}
    topics["active"] |= {"partitions": 1}
    return bare_stage.create_topics(**topics)


def faultline(*words):
    return main([str(word) for word in words])


def test_what_was_made_by_hand_is_told_and_mended(wrong_stage, capfd, kept_process):
    config = wrong_stage.config(bundle=str(wrong_stage.folder / "none"))

    assert faultline("check", "--config", config) == 2
    said = capfd.readouterr().err
    for name, settings in WRONG.items():
        for setting in settings:
            assert f"{wrong_stage.topic(name)}: {setting} is {settings[setting]}, " in said
    assert "has 2 partitions and topic" in said
    assert "SHA256SUMS" in said  # the bundle is judged all the same

    assert faultline("run", "--config", config) == 2
    assert "cleanup.policy is compact,delete" in capfd.readouterr().err

    assert faultline("topics", "--fix", "--config", config) == 3
    printed = capfd.readouterr().out
    assert f"{wrong_stage.topic('labels')}  cleanup.policy: compact,delete -> compact\n" in printed
    assert f"{wrong_stage.topic('active')}  partitions: 1 -> 2\n" in printed

    assert faultline("topics", "--fix", "--yes", "--json", "--config", config) == 0
    document = msgspec.json.decode(capfd.readouterr().out)
    assert {fix["outcome"] for fix in document["fixes"]} == {"altered"}
    assert {topic["role"]: topic["settings"]["cleanup.policy"] for topic in document["topics"]} == {
        **dict.fromkeys(("minutes", "alarms", "deadletters"), "delete"),
        **dict.fromkeys(("active", "labels"), "compact"),
    }

    assert faultline("topics", "--fix", "--config", config) == 0
    assert "nothing to alter" in capfd.readouterr().out
    [finding] = cluster_findings(read_config(config))
    assert (finding.level, finding.text) == ("ok", f"{wrong_stage.bootstrap}: ok")


def test_nothing_is_taught_on_a_topic_that_forgets(wrong_stage, capfd, kept_process):
    config = wrong_stage.config()
    episode = ("--cell", "cell-1", "--at", "2024-10-04 10:00", "--class", "power_loss")

    assert faultline("teach", "--config", config, *episode) == 2
    said = capfd.readouterr().err
    assert f"topic {wrong_stage.topic('labels')}: cleanup.policy is compact,delete, " in said
    assert "`faultline topics --fix --yes` sets it to compact" in said

    faultline("topics", "--fix", "--yes", "--config", config)
    capfd.readouterr()
    assert faultline("teach", "--config", config, *episode) == 2
    assert "cleanup.policy" not in capfd.readouterr().err


@pytest.mark.parametrize("missing", [("minutes",), ("active",), ("alarms",), tuple(TOPICS)], ids=" ".join)
def test_every_topic_that_is_missing_is_told_at_once(bare_stage, missing):
    if len(missing) < len(TOPICS):
        bare_stage.create_topics(**dict.fromkeys(missing))
    said = [finding.text for finding in cluster_findings(read_config(bare_stage.config()))]
    assert said == [
        f"topic {bare_stage.topic(name)} does not exist; create it with `faultline topics --create`."
        for name in missing
    ]


def test_a_warning_leaves_exit_code_0_and_a_start_logs_it(bare_stage, capfd, kept_process):
    short = str(200 * 60_000)
    bare_stage.create_topics(alarms=by_hand("alarms", **{"retention.ms": short}))
    config = bare_stage.config()

    assert faultline("check", "--config", config) == 0
    warning = f"topic {bare_stage.topic('alarms')}: retention.ms is {short}, which is 200 minutes: a consumer"
    assert f"cluster  warning: {warning}" in capfd.readouterr().out
    with serving(config) as service:
        assert [line for line in service.log.above_info() if line.startswith(f"WARNING {warning}")]


def test_topics_that_are_created_are_right_for_the_cluster(bare_stage):
    config = read_config(bare_stage.config())

    created = create_topics(config, 3)

    assert set(created) == {bare_stage.topic(name) for name in TOPICS}
    state = describe_cluster(config)
    assert judge(state, config) == []
    assert {state.topics[name].replication for name in created} == {1}
    assert create_topics(config, 3) == []


def test_a_topic_that_somebody_else_made_is_followed(bare_stage):
    bare_stage.create_topics(alarms=None, active=None, labels=None, deadletters=None)
    config = read_config(bare_stage.config())

    create_topics(config, 7)

    state = describe_cluster(config)
    assert state.topics[bare_stage.topic("active")].partitions == 2
    assert judge(state, config) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--create", "--replication", "2"], "give --replication no more than there are brokers"),
        (["--yes"], "--yes is given without --fix"),
    ],
)
def test_an_option_that_cannot_be_is_refused(bare_stage, refusal, options, words):
    assert words in refusal("topics", *options, "--config", bare_stage.config())


def test_the_question_for_the_transactional_id_fences_nobody(stage):
    config = read_config(stage.config())
    transactional = {"transactional.id": f"{config.kafka.group}-{config.kafka.instance}", **QUIET}
    producer = Producer({"bootstrap.servers": stage.bootstrap, **transactional})
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(stage.topic("alarms"), b"value", key=b"key")

    state = describe_cluster(config)
    assert not is_denied(config, state)

    producer.commit_transaction(30)
    assert len(stage.read("alarms", 1)) == 1


@pytest.mark.parametrize("is_idle", [False, None])
def test_it_is_not_asked_where_the_answer_could_end_a_running_instance(stage, is_idle):
    """A port where nobody listens would cost five seconds: nobody is asked."""
    config = read_config(stage.config())
    state = describe_cluster(config)
    assert state.broker_number("transaction.max.timeout.ms") == 900_000
    unread = msgspec.structs.replace(config.kafka, common={"bootstrap.servers": "127.0.0.1:1", **QUIET})
    members = {config.kafka.group: GroupState(operations=frozenset({"READ"}), is_idle=is_idle)}
    blind = type(state)(brokers=state.brokers, topics=state.topics, groups=members)
    assert not is_denied(msgspec.structs.replace(config, kafka=unread), blind)


def test_a_group_is_asked_without_a_commit_and_a_member_makes_it_busy(stage):
    config = read_config(stage.config())
    state = describe_cluster(config)
    (first, *_), commits, _ = describe_groups(config, state)
    assert [commit.offset for commit in commits] == [None, None]
    assert describe_groups(config, state).groups[first].is_idle
    member = Consumer({"bootstrap.servers": stage.bootstrap, "group.id": f"{stage.prefix}group", **QUIET})
    member.subscribe([stage.topic("minutes")])
    eventually(lambda: member.poll(0.1) is None and len(member.assignment()) == 2, "it has joined")

    report = describe_groups(config, state)

    assert first == f"{stage.prefix}group"
    assert report.groups[first] == GroupState(operations=frozenset({"READ", "DESCRIBE"}), is_idle=False)
    assert [commit.offset for commit in report.commits] == [None, None]
    assert member.poll(0.1) is None
    assert len(member.assignment()) == 2
    member.close()


def commit_offsets(stage, *offsets):
    """As a tool sets them: without a checkpoint."""
    consumer = Consumer({"bootstrap.servers": stage.bootstrap, "group.id": f"{stage.prefix}group", **QUIET})
    positions = [TopicPartition(stage.topic("minutes"), number, offset) for number, offset in enumerate(offsets)]
    consumer.commit(offsets=positions, asynchronous=False)
    consumer.close()


def drop(stage, offset):
    """As retention would."""
    admin = AdminClient({"bootstrap.servers": stage.bootstrap, **QUIET})
    ends = [TopicPartition(stage.topic("minutes"), number, offset) for number in range(2)]
    for future in admin.delete_records(ends).values():
        future.result()


def warnings(stage):
    return [finding.text for finding in cluster_findings(read_config(stage.config())) if finding.level == "warning"]


def test_commits_are_compared_with_the_log(stage):
    assert warnings(stage) == []
    stage.tell(told(0, 20))
    commit_offsets(stage, 10, 900)

    foreign, beyond = sorted(warnings(stage), key=lambda text: "beyond" in text)
    assert foreign.startswith(f"partition 0 of {stage.topic('minutes')}: the commit has no checkpoint")
    assert beyond.startswith(f"partition 1 of {stage.topic('minutes')}: the commit lies beyond the end of the log")

    drop(stage, 40)
    commit_offsets(stage, 10, 10)
    [lost] = warnings(stage)
    assert "partitions 0, 1 of" in lost
    assert "60 offsets were deleted by retention before they were read" in lost


def test_a_group_without_offsets_beside_open_alarms_is_no_first_start(stage):
    produce(stage.bootstrap, stage.topic("active"), [(b"cell", None, None, None, 1)])

    [warning] = warnings(stage)
    assert f"has no commit on {stage.topic('minutes')}, although {stage.topic('active')} has records" in warning
    with serving(stage.config()) as service:
        service.wait_metric("faultline_ready", 1)
        lines = [line for line in service.log.above_info() if "has no commit" in line]
    assert len(lines) == 1
    assert lines[0].startswith("WARNING partition 1: group ")


def test_a_checkpoint_that_the_log_has_forgotten_is_told(stage):
    records = told(0, 20)
    stage.tell(records)
    with serving(stage.config()):
        stage.wait_taken(len(records))
    drop(stage, 40)
    assert any("retention has deleted records that the checkpoint replays" in text for text in warnings(stage))
    with serving(stage.config()) as service:
        service.wait_metric("faultline_ready", 1)
        lines = [line for line in service.log.above_info() if "windows begin incomplete" in line]
    assert len(lines) == 2


@pytest.mark.slow
def test_three_brokers_get_three_replicas_and_two_in_sync(topics, tmp_path):
    with Cluster() as cluster:
        stage = Stage(cluster.bootstrap, topics, tmp_path, tmp_path / "none")
        config = read_config(stage.config())
        eventually(lambda: len(describe_cluster(config).brokers) == 3, "all three are there")
        create_by_hand(cluster.bootstrap, {stage.topic("labels"): by_hand("labels", **{"min.insync.replicas": "1"})})

        created = create_topics(config, 2)

        state = describe_cluster(config)
        assert {state.topics[name].replication for name in created} == {3}
        assert {state.setting(name, "min.insync.replicas") for name in created} == {"2"}
        [warning] = judge(state, config)
        assert f"topic {stage.topic('labels')}: min.insync.replicas is 1" in warning.text
        [fix] = apply_fixes(topic_deviations(state, config), state, config)
        assert fix.outcome == "altered"
        assert judge(describe_cluster(config), config) == []
