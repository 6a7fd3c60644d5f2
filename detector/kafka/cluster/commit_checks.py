"""Checks of the group's commits: those that expired, that the log does not bear out, or that lost their checkpoint.

All are warnings: a start passes them, logs each, and counts it. The remedy is for the operator to choose before it.
"""

from collections.abc import Iterator, Sequence

from detector.bundle.period import declared_settings
from detector.config.schema import Config
from detector.finding import Finding
from detector.kafka.cluster.deviations import RETENTION
from detector.kafka.cluster.state import CommitState


def commit_findings(commits: Sequence[CommitState], notifications: int, config: Config) -> list[Finding]:
    """Return the warnings about commits. `notifications`: offsets in use on the topic of alarms."""
    return [Finding("cluster", "warning", text) for text in _sentences(commits, notifications, config)]


def _sentences(commits: Sequence[CommitState], notifications: int, config: Config) -> Iterator[str]:
    kafka = config.kafka
    present = [commit for commit in commits if commit.offset is not None]
    lost = [commit for commit in commits if commit.offset is None and commit.open_records]
    source = f"of {kafka.topics.minutes}"
    if commits and not present and (lost or notifications):
        known = kafka.topics.active if lost else kafka.topics.alarms
        yield (
            f"group {kafka.group} has no commit on {kafka.topics.minutes}, although {known} has records: its offsets"
            f" expired or were removed, or the group was renamed, and a start reads from the {kafka.start} offset;"
            " set kafka.group to the former name, or set the offsets with kafka-consumer-groups.sh --reset-offsets."
        )
    elif lost:
        yield (
            f"{_partitions(lost)} {source}: no commit, although {kafka.topics.active} has records there, so a start"
            f" reads from the {kafka.start} offset; set the offset with kafka-consumer-groups.sh --reset-offsets."
        )
    beyond = [commit for commit in present if _offset(commit) > commit.high]
    if beyond:
        yield (
            f"{_partitions(beyond)} {source}: the commit lies beyond the end of the log, so the topic was recreated or"
            f" truncated, and a start reads from the {kafka.start} offset; set another one with"
            " kafka-consumer-groups.sh --reset-offsets."
        )
    unread = [commit for commit in present if _offset(commit) < commit.low]
    if unread:
        records = sum(commit.low - _offset(commit) for commit in unread)
        yield (
            f"{_partitions(unread)} {source}: {records} offsets were deleted by retention before they were read, and"
            f" their minutes are missing; raise {RETENTION} of the topic."
        )
    inside = [commit for commit in present if commit.low <= _offset(commit) <= commit.high]
    short = [commit for commit in inside if commit.checkpoint and commit.checkpoint.replay_offset < commit.low]
    if short:
        yield (
            f"{_partitions(short)} {source}: retention has deleted records that the checkpoint replays, so windows"
            f" begin incomplete and alarms may differ; raise {RETENTION} of the topic."
        )
    foreign = [commit for commit in inside if commit.checkpoint is None and _offset(commit) > commit.low]
    if foreign:
        minutes = declared_settings(config).tolerance.memory_minutes
        yield (
            f"{_partitions(foreign)} {source}: the commit has no checkpoint, as after a reset by another tool, so a"
            f" start replays {minutes} minutes by the records' timestamps and its watermark begins anew; nothing is to"
            " be done if the offset was set on purpose."
        )


def _offset(commit: CommitState) -> int:
    assert commit.offset is not None
    return commit.offset


def _partitions(commits: Sequence[CommitState]) -> str:
    numbers = ", ".join(str(commit.partition) for commit in commits)
    return f"partition {numbers}" if len(commits) == 1 else f"partitions {numbers}"
