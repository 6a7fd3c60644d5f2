"""Explanation of an alarm: its notifications as a page of 100 columns for the operator on duty."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from detector.alarms.journal import NotificationRecord
from detector.alarms.notification_body import AdditionalInformation, FeatureEvidence, NearestClass
from detector.text import truncate

NAME_WIDTH = 30
"""Characters of a name in a table."""


def explanation(notifications: Sequence[NotificationRecord]) -> str:
    """Return the page of one alarm: its course, then the evidence of its latest judged notification."""
    return "\n".join([*_course(notifications), *_evidence(notifications)]) + "\n"


def _course(notifications: Sequence[NotificationRecord]) -> Iterator[str]:
    first = notifications[0].body
    yield f"{first.specificProblem} on {first.objectInstance}, alarm {first.alarmId}"
    for notification in notifications:
        body, information = notification.body, notification.body.additionalInformation
        score = (
            f"  score {_decimal(information.score)} of {_decimal(information.threshold)}" if information.labels else ""
        )
        reason = f"  {information.supersededBy}" if information.supersededBy else ""
        time, severity = _format_time(body.eventTime), body.perceivedSeverity.lower()
        yield f"  {time}  {notification.change:<8} {severity:<9}{score}{reason}"
    yield f"  since {_format_time(first.additionalInformation.onset)}, bundle {first.additionalInformation.bundle}"


def _evidence(notifications: Sequence[NotificationRecord]) -> Iterator[str]:
    information = [notification.body.additionalInformation for notification in notifications]
    judged = [evidence for evidence in information if evidence.features is not None]
    if not judged:
        yield "  no window was judged: a silent cell raises its alarm by its silence."
        return
    last = judged[-1]
    yield (
        f"  labels {last.labels}, coverage {100 * (last.coverage or 0):.0f} %, size {last.size or 0:g}"
        " (an ordinary window has 1)"
    )
    yield ""
    score = (last.direction or 0) + (last.distance or 0)
    yield f"Score of the latest window: {score:.1f} ({_score_parts(last)})."
    yield ""
    yield f"{'feature':<{NAME_WIDTH}} {'unit':<10} {'observed':>10} {'usual':>10} {'spreads':>8} {'carried':>8}"
    yield from map(_feature_row, last.features or ())
    yield "in the minutes"
    for span in last.minutes:
        yield f"  {_format_time(span.begin)} to {span.end:%H:%M}".ljust(NAME_WIDTH + 42) + f" {span.carried:>8.1f}"
    if last.nearest:
        yield ""
        yield f"{'nearest class':<{NAME_WIDTH}} {'kind':<7} {'score':>6} {'cosine':>7} {'pull':>6}  its exemplar"
        yield from map(_nearest_row, last.nearest)


def _score_parts(evidence: AdditionalInformation) -> str:
    margin = "" if evidence.margin is None else f", {evidence.margin:.1f} ahead of the next class"
    return f"direction {evidence.direction or 0:+.1f}, distance {evidence.distance or 0:+.1f}{margin}"


def _feature_row(feature: FeatureEvidence) -> str:
    observed = "none" if feature.observed is None else f"{feature.observed:g}"
    usual = "none" if feature.usual is None else f"{feature.usual:g}"
    spreads = "" if feature.spreads is None else f"{feature.spreads:+.1f}"
    return (
        f"{truncate(feature.feature, NAME_WIDTH):<{NAME_WIDTH}} {truncate(feature.unit, 10):<10} {observed:>10}"
        f" {usual:>10} {spreads:>8} {feature.carried:>8.1f}"
    )


def _nearest_row(near: NearestClass) -> str:
    teacher = f", by {truncate(near.by, 12)}" if near.by else ""
    return (
        f"{truncate(near.name, NAME_WIDTH):<{NAME_WIDTH}} {near.kind:<7} {near.score:>6.1f}"
        f" {near.cosine:>7.2f} {near.pull:>6.1f}  {truncate(near.cell, 12)}{teacher}"
    )


def _decimal(number: float | None) -> str:
    return "none" if number is None else f"{number:.1f}"


def _format_time(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M}"
