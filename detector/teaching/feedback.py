"""Operator feedback on alarms: an alarm is confirmed, rejected, or named if it was unknown. Each becomes a label."""

from pathlib import Path

from detector.alarms.journal import choose, episode
from detector.alarms.unknown_clusters import UnknownCluster, cluster_unknowns
from detector.bundle.format import read_bundle
from detector.bundle.period import declared_settings
from detector.config.schema import Config
from detector.core.lifecycle import SILENT, UNKNOWN
from detector.errors import LabelError
from detector.kafka.readers.alarm_topic import read_notifications
from detector.labels.label import Label
from detector.teaching.request import ConfirmRequest, NamingRequest, RejectRequest, TeachOptions, TeachRequest
from detector.teaching.session import teach


def confirm_alarm(config: Config, request: ConfirmRequest, options: TeachOptions) -> Label:
    """Teach the alarm's episode as one more example of its class. Raises OperatorError."""
    notices = choose(read_notifications(config), request.alarm)
    begin, end = episode(notices, declared_settings(config).granularity.window_minutes)
    alarm = notices[0].body
    if not request.name and alarm.specificProblem in (UNKNOWN, SILENT):
        raise LabelError(
            f"alarm {alarm.alarmId} is named {alarm.specificProblem}, which is no class to confirm; give the class with"
            " --class NAME."
        )
    name = request.name or alarm.specificProblem
    lesson = TeachRequest(
        cell=alarm.objectInstance,
        name=name,
        kind="fault",
        begin=begin,
        end=end,
        severity=request.severity,
        cause=request.cause,
        note=request.note,
        by=request.by,
        alarm=alarm.alarmId,
        rejects=alarm.specificProblem if name != alarm.specificProblem else "",
    )
    return teach(config, lesson, options)


def reject_alarm(config: Config, request: RejectRequest, options: TeachOptions) -> Label:
    """Teach the alarm's episode as something that raises no alarm. Raises OperatorError."""
    notices = choose(read_notifications(config), request.alarm)
    alarm = notices[0].body
    if alarm.specificProblem == SILENT:
        raise LabelError(
            f"alarm {alarm.alarmId} reports that cell {alarm.objectInstance} is silent, and silence cannot be taught;"
            " reject alarms of other classes."
        )
    begin, end = episode(notices, declared_settings(config).granularity.window_minutes)
    lesson = TeachRequest(
        cell=alarm.objectInstance,
        name=request.name or f"not_{alarm.specificProblem}",
        kind=request.kind,
        begin=begin,
        end=end,
        expires=request.expires,
        note=request.note,
        by=request.by,
        alarm=alarm.alarmId,
        rejects=alarm.specificProblem,
    )
    return teach(config, lesson, options)


def read_unknowns(config: Config, include_named: bool) -> tuple[list[UnknownCluster], int]:
    """Return the groups of unknown alarms that look alike, and the number of alarms that another bundle raised.

    Without `include_named`, groups whose alarms all have a name by now are left out. Raises OperatorError.
    """
    bundle = read_bundle(Path(config.bundle), config.trusted_keys)
    clusters, foreign = cluster_unknowns(read_notifications(config), bundle.digest)
    if include_named:
        return clusters, foreign
    unnamed = [cluster for cluster in clusters if not all(sighting.named for sighting in cluster.sightings)]
    return unnamed, foreign


def name_unknown(config: Config, request: NamingRequest, options: TeachOptions) -> Label:
    """Teach the most typical alarm of a group, the one nearest to all others. Raises OperatorError."""
    clusters, _ = read_unknowns(config, request.include_named)
    if not 1 <= request.number <= len(clusters):
        raise LabelError(
            f"--teach {request.number}: the list has {len(clusters)} groups, numbered from 1; `faultline unknowns`"
            " prints it."
        )
    sighting = clusters[request.number - 1].medoid
    lesson = TeachRequest(
        cell=sighting.cell,
        name=request.name,
        kind=request.kind,
        begin=sighting.onset,
        severity=request.severity,
        cause=request.cause,
        note=request.note,
        by=request.by,
    )
    return teach(config, lesson, options)
