"""Judgement of a feed over a stretch: who is deaf and why, who is not, and when it is over."""

from collections import Counter

import pytest

from detector.core.ingest.value_faults import MOST_NAMES, FaultCounts, ValueFault
from detector.service.feed.health import LEAST_RECORDS, STRETCH_SECONDS, FeedHealth
from detector.service.feed.notices import FORGET_SECONDS, FeedNotices

HOUR = 3600.0


def faults(values=0, **counts):
    """Faults given as kind__feature=count."""
    found = FaultCounts(values=values)
    for name, count in counts.items():
        kind, _, feature = name.partition("__")
        found.add(ValueFault(kind), feature, count, "cell-1")
    return found


def polls(*, seconds, every, records, refused=(), counts=None):
    """A feed for so many seconds: (time, records, refused, faults) of each poll."""
    number = max(1, round(seconds / every))
    return [(every * k, records, list(refused), counts or FaultCounts()) for k in range(number)]


def judged(feed, *, cells, share=0.5, declared=1, period=None):
    health = FeedHealth(share, declared)
    for at, records, refused, counts in feed:
        health.observe(records, refused, counts, at)
    return health.reasons(cells, period)


BAD = [("malformed", b"gateway")]
ALL_BAD = [("malformed", f"cell-{k}".encode()) for k in range(50)]

FEEDS = {
    "all is well": (polls(seconds=HOUR, every=60, records=50), 50, []),
    "one broken sender between bursts": (polls(seconds=HOUR, every=0.7, records=1, refused=BAD), 50, []),
    "one broken sender of a seventh": (polls(seconds=HOUR, every=1, records=7, refused=BAD), 50, []),
    "ten broken records of the only cell": (polls(seconds=25, every=2.5, records=1, refused=BAD), 1, []),
    "one cell, broken for hours": (polls(seconds=3 * HOUR, every=60, records=1, refused=BAD), 0, ["refused"]),
    "everything is broken": (polls(seconds=120, every=1, records=50, refused=ALL_BAD), 50, ["refused"]),
    "everything is broken, from the start": (polls(seconds=120, every=1, records=50, refused=ALL_BAD), 0, ["refused"]),
    "a third is broken": (polls(seconds=HOUR, every=1, records=150, refused=ALL_BAD), 150, []),
    "two polls": (polls(seconds=2, every=1, records=50, refused=ALL_BAD), 50, ["refused"]),
    "most values are emptied": (
        polls(seconds=60, every=1, records=50, counts=faults(500, out_of_range__a=300)), 50, ["emptied"],
    ),
    "a feature is lost": (polls(seconds=60, every=1, records=50, counts=faults(500, missing__a=50)), 50, []),
    "only new features": (polls(seconds=60, every=1, records=50, counts=faults(500, unknown__a=5000)), 50, []),
}  # fmt: skip


@pytest.mark.parametrize("what", FEEDS)
def test_a_feed_is_judged_by_its_stretch_and_its_senders(what):
    feed, cells, reasons = FEEDS[what]
    assert list(judged(feed, cells=cells)) == reasons


@pytest.mark.parametrize(
    ("declared", "period", "is_told"),
    [(1, None, False), (1, 1.0, False), (1, 15.0, True), (15, 1.0, True), (15, 15.0, False), (1, 10 / 60, True)],
)
def test_a_feed_of_another_period_is_told_with_the_remedy(declared, period, is_told):
    reasons = judged([], cells=9, declared=declared, period=period)
    assert list(reasons) == ["period"] * is_told
    if is_told:
        assert "set period_minutes in the catalogue" in reasons["period"]


def test_it_is_over_when_the_stretch_is_clean():
    health = FeedHealth(0.5, 1)
    health.observe(500, ALL_BAD * 10, FaultCounts(), 0.0)
    assert health.reasons(50, None)
    health.observe(LEAST_RECORDS, [], FaultCounts(), STRETCH_SECONDS)
    assert not health.reasons(50, None)


@pytest.mark.parametrize("every", [1.0, 60.0, 900.0])
def test_a_feed_gone_wrong_is_told_within_two_bursts_or_a_stretch(every):
    health = FeedHealth(0.5, 1)
    for k in range(30):
        health.observe(200, [], FaultCounts(), every * k)
    began = every * 30
    told = [
        k
        for k in range(400)
        if health.observe(200, ALL_BAD * 4, FaultCounts(), began + every * k) or health.reasons(50, None)
    ]
    assert told[0] * every <= max(2 * every, STRETCH_SECONDS)


def test_each_feature_is_named_once_and_again_after_a_pause():
    notices, release = FeedNotices(), faults(missing__a=3, missing__b=1, unknown__c=2)
    first = list(notices.notices(release, 0.0))
    assert [line.partition(" (in ")[0] for line in first] == [
        "features of the feed are missing in records: a, b",
        "features of the feed are not in the bundle's catalogue and ignored: c",
    ]
    assert not [line for k in range(1, 100) for line in notices.notices(release, 60.0 * k)]
    assert len(list(notices.notices(release, 99 * 60 + FORGET_SECONDS))) == 2


def test_a_thousand_new_names_are_one_short_line():
    many = FaultCounts(Counter({(ValueFault.UNKNOWN, f"new\x1b{k}"): 1 for k in range(MOST_NAMES)}))
    many.examples = dict.fromkeys(many.counts, "cell-1")
    (line,) = FeedNotices().notices(many, 0.0)
    assert len(line) < 400
    assert "and 246 more" in line
    assert "\x1b" not in line
