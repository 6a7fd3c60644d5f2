"""An alarm's notifications as a page for whoever is woken by it, in 100 columns."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from detector.alarms.journal import Notification
from detector.text import truncate

WIDE = 30
"""Characters of a name in a table."""


def explanation(told: Sequence[Notification]) -> str:
    """All that was said of one alarm: its course, then what its gravest notification went by."""
    return "\n".join([*_course(told), *_grounds(told)]) + "\n"


def _course(told: Sequence[Notification]) -> Iterator[str]:
    first = told[0].said
    yield f"{first.specificProblem} on {first.objectInstance}, alarm {first.alarmId}"
    for notice in told:
        said, told_of = notice.said, notice.said.additionalInformation
        score = f"  score {told_of['score']:.1f} of {told_of['threshold']:.1f}" if "score" in told_of else ""
        why = f"  {told_of['supersededBy']}" if "supersededBy" in told_of else ""
        yield f"  {_moment(said.eventTime)}  {notice.change:<8} {said.perceivedSeverity.lower():<9}{score}{why}"
    yield f"  since {told[0].said.additionalInformation['onset']}, bundle {first.additionalInformation['bundle']}"


def _grounds(told: Sequence[Notification]) -> Iterator[str]:
    judged = [notice.said.additionalInformation for notice in told if "features" in notice.said.additionalInformation]
    if not judged:
        yield "  no window stands behind it: a cell that says nothing is told by its silence."
        return
    last = judged[-1]
    yield (
        f"  labels {last['labels']}, coverage {100 * last['coverage']:.0f} %, size {last['size']:g}"
        " (an ordinary window has 1)"
    )
    yield ""
    yield f"The window it last rose by scored {last['direction'] + last['distance']:.1f}: {_witnesses(last)}."
    yield ""
    yield f"{'feature':<{WIDE}} {'unit':<10} {'observed':>10} {'usual':>10} {'spreads':>8} {'carried':>8}"
    yield from map(_feature, last["features"])
    yield "in the minutes"
    for span in last["minutes"]:
        yield f"  {_between(span['begin'], span['end']):<{WIDE + 40}} {span['carried']:>8.1f}"
    if last["nearest"]:
        yield ""
        yield f"{'nearest class':<{WIDE}} {'kind':<7} {'score':>6} {'cosine':>7} {'pull':>6}  its exemplar"
        yield from map(_nearest, last["nearest"])


def _witnesses(last: dict[str, Any]) -> str:
    lead = f", {last['margin']:.1f} ahead of the next" if "margin" in last else ""
    return f"direction {last['direction']:+.1f}, distance {last['distance']:+.1f}{lead}"


def _feature(one: dict[str, Any]) -> str:
    observed = "none" if one["observed"] is None else f"{one['observed']:g}"
    spreads = "" if one["spreads"] is None else f"{one['spreads']:+.1f}"
    return (
        f"{truncate(one['feature'], WIDE):<{WIDE}} {truncate(one['unit'], 10):<10} {observed:>10} {one['usual']:>10g}"
        f" {spreads:>8} {one['carried']:>8.1f}"
    )


def _nearest(one: dict[str, Any]) -> str:
    taught = f", by {truncate(one['by'], 12)}" if "by" in one else ""
    return (
        f"{truncate(one['name'], WIDE):<{WIDE}} {one['kind']:<7} {one['score']:>6.1f} {one['cosine']:>7.2f}"
        f" {one['pull']:>6.1f}  {truncate(one['cell'], 12)}{taught}"
    )


def _between(begin: str, end: str) -> str:
    return f"{_moment(datetime.fromisoformat(begin))} to {datetime.fromisoformat(end):%H:%M}"


def _moment(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M}"
