"""A feed goes wrong in one way, and the profile says so: each kind of fault has its finding, a good feed has none."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from detector.feed_profile.builder import profile_feed
from detector.feed_profile.findings.rules import feed_findings
from detector.feed_profile.profile import FeedProfile
from tests.feed_profile.feeds import CELLS, FIRST, Change, Sent, good, history, iso, raw, reference

NAMES = history().catalogue.names


def each(change: Callable[[Sent], Any]) -> Change:
    """A change of every record; what `change` returns replaces it."""
    return lambda sent: [change(one) for one in sent]


def with_features(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Change:
    return each(lambda one: replace(one, features=change(dict(one.features))))


def scaled(factors: dict[str, float]) -> Change:
    def change(features: dict[str, Any]) -> dict[str, Any]:
        for name, factor in factors.items():
            if features[name] is not None:
                features[name] *= factor
        return features

    return with_features(change)


def renamed(names: dict[str, str]) -> Change:
    return with_features(lambda features: {names.get(name, name): value for name, value in features.items()})


def some(change: Callable[[Sent], Sent], every: int) -> Change:
    """A change of one record in so many."""
    return lambda sent: [change(one) if not number % every else one for number, one in enumerate(sent)]


def of_cells(change: Callable[[Sent], Sent], *numbers: int) -> Change:
    cells = {history().cells[number] for number in numbers}
    return lambda sent: [change(one) if one.cell in cells else one for one in sent]


def named(change: Callable[[str], str]) -> Change:
    return each(lambda one: replace(one, cell=change(one.cell)))


TEN = NAMES[:10]

FEEDS: dict[str, tuple[Change, list[tuple[str, str, str]]]] = {
    "times without a zone": (
        each(lambda one: replace(one, time=iso(one.minute * 60, ""))),
        [
            (
                "records",
                "error",
                "100 % of the records are refused as time: their times cannot be used (ISO 8601 without",
            )
        ],
    ),
    "two hours ahead, a zone's": (
        each(lambda one: replace(one, time=iso((one.minute + 120) * 60))),
        [("clock", "error", "all times are ahead of Kafka's clock by up to 2 h")],
    ),
    "half past five ahead, India's": (
        each(lambda one: replace(one, time=iso((one.minute + 330) * 60))),
        [("clock", "error", "all times are ahead of Kafka's clock")],
    ),
    "five hours late, a zone's": (
        each(lambda one: replace(one, time=iso((one.minute - 300) * 60))),
        [("clock", "warning", "all records come 5 h and some minutes late")],
    ),
    "all clocks ten minutes fast": (
        each(lambda one: replace(one, time=iso((one.minute + 10) * 60))),
        [("clock", "error", "half of the records arrive 9.")],
    ),
    "two cells ahead": (
        of_cells(lambda one: replace(one, time=iso((one.minute + 12) * 60)), 3, 7),
        [("clock", "error", f"the times of 2 of {CELLS} cells are ahead of the other cells'")],
    ),
    "one cell two hours behind": (
        of_cells(lambda one: replace(one, time=iso((one.minute - 120) * 60)), 3),
        [("clock", "warning", f"the times of 1 of {CELLS} cells are behind the other cells'")],
    ),
    "ten features with another separator": (
        renamed({name: name.upper().replace("_", ".") for name in TEN}),
        [("features", "error", "10 of 130 features renamed, it seems: ")],
    ),
    "ten features with a vendor's suffix": (
        renamed({name: f"{name}_v2" for name in TEN}),
        [("features", "error", "10 of 130 features renamed, it seems: ")],
    ),
    "ten features under their 3GPP names": (
        renamed({f.name: f.alias for f in [f for f in history().catalogue.features if f.alias][:10]}),
        [("features", "error", "10 of 130 features renamed, it seems: ")],
    ),
    "ten features under names of no likeness": (
        renamed({name: f"Q{number}X" for number, name in enumerate(TEN)}),
        [
            ("features", "error", "10 of 130 features in no record: "),
            ("features", "warning", "not in the catalogue, and therefore of no use to the bundle: Q0X, Q1X, "),
        ],
    ),
    "five new features": (
        with_features(lambda features: features | {f"vendor-{number}": number for number in range(5)}),
        [("features", "warning", "not in the catalogue, and therefore of no use to the bundle: vendor-0, vendor-1")],
    ),
    "a feature null in all records": (
        with_features(lambda features: features | {"rrc_succ": None}),
        [("features", "warning", "1 of 130 features null in all records: rrc_succ")],
    ),
    "a feature left out by a quarter of the cells": (
        of_cells(
            lambda one: replace(one, features={k: v for k, v in one.features.items() if k != "rrc_succ"}), 0, 1, 2
        ),
        [("features", "warning", "1 of 130 features left out of a part of the records: rrc_succ (25 %)")],
    ),
    "two features in other units": (
        scaled({"vol_video_kb": 1000, "pdcp_vol_ul_kb": 8}),
        [
            ("features", "error", "1 of 130 features with values about 1,000 times the usual ones: vol_video_kb"),
            ("features", "error", "1 of 130 features with values about 8 times the usual ones: pdcp_vol_ul_kb"),
        ],
    ),
    "a feature in seconds instead of milliseconds": (
        scaled({"rtt_core_ms": 1e-3}),
        [("features", "error", "1 of 130 features with values about 1/1,000 of the usual ones: rtt_core_ms")],
    ),
    "a constant feature": (
        with_features(lambda features: features | {"rrc_conn_mean": 7}),
        [
            (
                "features",
                "error",
                "1 of 130 features with one value in all cells, where the baseline has many: rrc_conn_mean (7)",
            )
        ],
    ),
    "a feature out of range now and then": (
        some(lambda one: replace(one, features=one.features | {"prb_util_dl_pct": 101.0}), 30),
        [
            (
                "features",
                "warning",
                "1 of 130 features with values out of range: prb_util_dl_pct (3 %, such as 101; 0 to 100)",
            )
        ],
    ),
    "numbers as texts": (
        with_features(lambda features: features | {"rrc_succ": str(features["rrc_succ"])}),
        [("features", "error", "1 of 130 features with values that are no numbers: rrc_succ (100 %, such as '")],
    ),
    "identifiers in small letters": (
        named(str.lower),
        [
            (
                "cells",
                "error",
                f"{CELLS} of {CELLS} cells have other identifiers than the baseline, by other capital letters",
            )
        ],
    ),
    "identifiers with a prefix": (
        named(lambda cell: f"SubNetwork=1,NRCellDU={cell}"),
        [("cells", "error", "by the prefix 'SubNetwork=1,NRCellDU='")],
    ),
    "identifiers with a suffix": (named(lambda cell: f"{cell}.nr"), [("cells", "error", "by the suffix '.nr'")]),
    "other units and a prefix at once": (
        lambda sent: scaled({"vol_video_kb": 1000})(named(lambda cell: f"DU={cell}")(sent)),
        [("features", "error", "1,000 times the usual ones: vol_video_kb"), ("cells", "error", "by the prefix 'DU='")],
    ),
    "identifiers without their zeros": (
        named(lambda cell: cell.replace("A0000", "A")),
        [("cells", "error", "cells have other identifiers than the baseline")],
    ),
    "cells that nobody knows": (
        named(lambda cell: f"{hash(cell) % 97:02d}#{len(cell)}{cell[::-1].swapcase()}x"),
        [("cells", "error", f"{CELLS} of {CELLS} cells have no baseline")],
    ),
    "one record in four twice": (
        lambda sent: [copy for number, one in enumerate(sent) for copy in [one] * (1 + (number % 4 == 0))],
        [("records", "warning", "20 % of the records repeat a cell and time that was sent")],
    ),
    "corrected values": (
        lambda sent: [*sent, *(replace(one, features=one.features | {"rrc_succ": 3}) for one in sent[::6])],
        [("records", "warning", "14 % of the records restate a cell and time with other values")],
    ),
    "records without a key": (
        each(lambda one: replace(one, key=None)),
        [("keys", "error", "100 % of the records have no key")],
    ),
    "records keyed by their site": (
        each(lambda one: replace(one, key=one.cell[:6])),
        [("keys", "error", "100 % of the records have another key than their cell ('A00000' for cell 'A00000-1')")],
    ),
    "round robin over the partitions": (
        lambda sent: [replace(one, partition=number // CELLS % 3) for number, one in enumerate(sent)],
        [("keys", "error", "cells lie in several partitions (such as ")],
    ),
    "broken JSON now and then": (
        some(lambda one: replace(one, extra={"cell": 7}), 20),
        [("records", "warning", "5 % of the records are refused as ")],
    ),
    "records of fifteen minutes": (
        lambda _: good(period=15, reports=8),
        [("period", "error", "the cells report every 15 minutes, and the bundle is for 1-minute periods")],
    ),
    "sums of fifteen minutes": (
        lambda _: scaled({f.name: 15 for f in history().catalogue.features if f.kind == "counter"})(
            good(period=15, reports=8)
        ),
        [
            ("period", "error", "the cells report every 15 minutes, and the bundle is for 1-minute periods"),
            ("features", "error", "about 15 times the usual ones: "),
        ],
    ),
    "records of ten seconds": (
        lambda sent: [
            replace(one, time=iso(one.minute * 60 + second)) for one in sent[: CELLS * 5] for second in range(0, 60, 10)
        ],
        [("period", "error", "the cells report every 10 seconds, and the bundle is for 1-minute periods")],
    ),
    "a quarter of the cells every five minutes": (
        lambda sent: [one for one in sent if one.cell > history().cells[2] or not one.minute % 5],
        [("period", "error", "cells report with different periods: 1 min (9 cells), 5 min (3 cells)")],
    ),
}


def findings_of(change: Change, sent: list[Sent] | None = None, **declared: Any) -> list[tuple[str, str, str]]:
    profile = profile_feed(raw(change(good() if sent is None else sent)), reference(**declared))
    return [(finding.part, finding.level, finding.text) for finding in feed_findings(profile)]


@pytest.mark.parametrize("name", FEEDS)
def test_a_fault_of_a_feed_is_found(name):
    change, expected = FEEDS[name]

    findings = findings_of(change)

    for part, level, text in expected:
        assert any((part, level) == finding[:2] and text in finding[2] for finding in findings), findings


UNRELATED = {
    "two cells ahead": {"records"},
    "two features in other units": {"features", "records"},
    "a constant feature": {"features"},
    "identifiers with a prefix": {"cells"},
    "one record in four twice": {"records"},
    "round robin over the partitions": {"keys"},
}
"""Parts in which a fault may be told; a fault of one part says nothing against the others."""


@pytest.mark.parametrize("name", UNRELATED)
def test_a_fault_of_one_part_is_told_in_no_other(name):
    change, expected = FEEDS[name]

    assert {part for part, _, _ in findings_of(change)} <= UNRELATED[name] | {part for part, _, _ in expected}


GOOD: dict[str, Callable[[], tuple[list[Sent], dict[str, Any]]]] = {
    "a minute": lambda: (good(), {}),
    "a quarter of an hour": lambda: (good(period=15, reports=8), {"period": 15}),
    "ends of a quarter of an hour": lambda: (
        [replace(one, time=iso((one.minute + 15) * 60)) for one in good(period=15, reports=8)],
        {"period": 15, "stamp": "end"},
    ),
    "files that come half an hour late": lambda: (
        [replace(one, delay_s=1800.0 + number % 7) for number, one in enumerate(good(period=15, reports=8))],
        {"period": 15},
    ),
    "epoch seconds": lambda: ([replace(one, time=one.minute * 60) for one in good()], {}),
    "an offset": lambda: ([replace(one, time=iso((one.minute + 120) * 60, "+02:00")) for one in good()], {}),
    "timestamps that copy the minute": lambda: ([replace(one, delay_s=-60.0) for one in good()], {}),
    "one report of each cell": lambda: (good(minutes=1), {}),
    "night": lambda: (good(first=FIRST - 420), {}),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_feed_has_no_finding(name):
    sent, declared = GOOD[name]()

    assert findings_of(lambda records: records, sent, **declared) == []


def test_ends_of_periods_are_told_from_begins():
    sent = [replace(one, time=iso((one.minute + 15) * 60)) for one in good(period=15, reports=8)]

    findings = findings_of(lambda records: records, sent, period=15)

    assert [(part, level) for part, level, _ in findings] == [("clock", "error")]
    assert "declare `stamp: end`" in findings[0][2]


@pytest.mark.parametrize(("scale", "form"), [(1_000, "epoch milliseconds"), (1_000_000, "epoch microseconds")])
def test_epochs_of_other_units_are_read_and_named(scale, form):
    profile = profile_feed(raw([replace(one, time=one.minute * 60 * scale) for one in good()]), reference())

    assert profile.records.time_forms == {form: 360}
    assert profile.records.first == FIRST
    assert not profile.records.refused or any(form in finding.text for finding in feed_findings(profile))


def test_an_empty_topic_is_said():
    profile = profile_feed(raw([]), reference())

    assert [(finding.part, finding.level) for finding in feed_findings(profile)] == [("records", "warning")]


BROKEN = [b"", b"null", b"[]", b"\xff", b'"x"', b"{}", b'{"cell": "A"}', b'{"cell": "A", "time": {}}', b"[" * 3000]


def broken_profile() -> FeedProfile:
    records = raw(good(minutes=6))
    part = records.parts[0]
    values = [*BROKEN, None, *part.values[len(BROKEN) + 1 :]]
    return profile_feed(replace(records, parts=[replace(part, values=values), *records.parts[1:]]), reference())


def test_records_of_any_bytes_are_counted():
    profile = broken_profile()

    assert sum(profile.records.refused.values()) == profile.records.count - profile.records.readable


def test_a_profile_is_json():
    assert json.loads(msgspec.json.encode(broken_profile()))["records"]["time_forms"]
