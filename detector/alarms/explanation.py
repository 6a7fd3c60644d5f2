"""Explanation of an alarm: its notifications as a page for the operator on duty."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from detector.alarms.journal import NotificationRecord
from detector.alarms.notification_body import AdditionalInformation, FeatureEvidence, NearestClass
from detector.terminal import Line, Row, TextTable, fixed_column, level, number_column, text_column
from detector.text import printable

FEATURE_FIGURES = ("observed", "usual", "spreads", "carried")

NEAREST_FIGURES = ("score", "cosine", "pull")

MINUTES_WIDTH = 70
"""Columns before the figure of a stretch of minutes."""


def explanation(notifications: Sequence[NotificationRecord]) -> Iterator[Line]:
    """Yield the page of one alarm: its course, then the evidence of its latest judged notification."""
    yield from _course(notifications)
    yield from _evidence(notifications)


def _course(notifications: Sequence[NotificationRecord]) -> Iterator[Line]:
    first = notifications[0].body
    yield f"{printable(first.specificProblem)} on {printable(first.objectInstance)}, alarm {printable(first.alarmId)}"
    for notification in notifications:
        body, information = notification.body, notification.body.additionalInformation
        score = (
            f"  score {_decimal(information.score)} of {_decimal(information.threshold)}" if information.labels else ""
        )
        reason = f"  {information.supersededBy}" if information.supersededBy else ""
        time, severity = _format_time(body.eventTime), body.perceivedSeverity.lower()
        padding = " " * (9 - len(severity))
        yield f"  {time}  {notification.change:<8} ", level(severity), f"{padding}{score}{reason}"
    yield f"  since {_format_time(first.additionalInformation.onset)}, bundle {first.additionalInformation.bundle}"


def _evidence(notifications: Sequence[NotificationRecord]) -> Iterator[Line]:
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
    columns = (text_column("feature"), text_column("unit"), *map(number_column, FEATURE_FIGURES))
    yield TextTable(columns, [_feature_row(feature) for feature in last.features or ()])
    yield "in the minutes"
    for span in last.minutes:
        minutes = f"{_format_time(span.begin)} to {span.end:%H:%M}"
        yield f"  {minutes:<{MINUTES_WIDTH}} {span.carried:>8.1f}"
    if last.nearest:
        yield ""
        columns = (text_column("nearest class"), fixed_column("kind"), *map(number_column, NEAREST_FIGURES))
        exemplar = (text_column("its exemplar"), text_column("by"))
        yield TextTable((*columns, *exemplar), [_nearest_row(near) for near in last.nearest])


def _score_parts(evidence: AdditionalInformation) -> str:
    margin = "" if evidence.margin is None else f", {evidence.margin:.1f} ahead of the next class"
    return f"direction {evidence.direction or 0:+.1f}, distance {evidence.distance or 0:+.1f}{margin}"


def _feature_row(feature: FeatureEvidence) -> Row:
    observed, usual = ("none" if value is None else f"{value:g}" for value in (feature.observed, feature.usual))
    spreads = "" if feature.spreads is None else f"{feature.spreads:+.1f}"
    return feature.feature, feature.unit, observed, usual, spreads, f"{feature.carried:.1f}"


def _nearest_row(near: NearestClass) -> Row:
    figures = (f"{near.score:.1f}", f"{near.cosine:.2f}", f"{near.pull:.1f}")
    return near.name, near.kind, *figures, near.cell, near.by


def _decimal(number: float | None) -> str:
    return "none" if number is None else f"{number:.1f}"


def _format_time(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M}"
