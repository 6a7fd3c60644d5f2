"""Whatever lies on the input beside good records: buried once, counted, and of no consequence for anybody else."""

import re
from collections import Counter
from typing import NamedTuple

import msgspec
import pytest

from detector.core.ingest.samples import Reason
from tests.eventually import eventually
from tests.service.network import CELLS, MINUTES, NAMES, T0, Record, label, partition_of, record, spreads, told, value
from tests.service.stage import serving

pytestmark = pytest.mark.broker

CELL = CELLS[0]
FIRST_MINUTE = 60


class Bad(NamedTuple):
    name: str
    reason: Reason
    value: bytes | None
    key: bytes | None = CELL.encode()


def good_value(minute, /, **changes):
    return value(CELL, minute, spreads(CELL, minute, ()), **changes)


def with_users(minute, text):
    """A record whose first number is spelt as `text`."""
    return re.sub(rb'"users":[-0-9.]+', b'"users":' + text, good_value(minute))


def with_features(minute, change):
    features = msgspec.json.decode(good_value(minute))["features"]
    change(features)
    return good_value(minute, features=features)


def bad_records():
    """One of each kind, each at a minute of its own, so that no two are alike."""
    at = FIRST_MINUTE
    return [
        Bad("not UTF-8", Reason.NOT_UTF8, good_value(at).replace(CELL.encode(), b"cell-\xff")),
        Bad("empty", Reason.EMPTY, b""),
        Bad("tombstone", Reason.TOMBSTONE, None),
        Bad("truncated", Reason.MALFORMED, good_value(at + 1)[:-20]),
        Bad("nested", Reason.WRONG_SHAPE, b"[" * 200 + b"]" * 200),
        Bad("nested inside", Reason.WRONG_TYPE, with_users(at + 2, b"[" * 200 + b"]" * 200)),
        Bad("nested far deeper", Reason.MALFORMED, b"[" * 30_000 + b"]" * 30_000),
        Bad("too long", Reason.TOO_LARGE, good_value(at + 3) + b" " * 65_536),
        Bad("NaN", Reason.MALFORMED, with_users(at + 4, b"NaN")),
        Bad("1e999", Reason.MALFORMED, with_users(at + 5, b"1e999")),
        Bad("a number in quotes", Reason.WRONG_TYPE, with_users(at + 6, b'"5"')),
        Bad("true", Reason.WRONG_TYPE, with_users(at + 7, b"true")),
        Bad("30 digits", Reason.OUT_OF_RANGE, with_users(at + 8, b"123456789012345678901234567890")),
        Bad("1e39", Reason.OUT_OF_RANGE, with_users(at + 9, b"1e39")),
        Bad("a feature too few", Reason.MISSING_FEATURE, with_features(at + 10, lambda f: f.pop("users"))),
        Bad("a feature too many", Reason.UNKNOWN_FEATURE, with_features(at + 11, lambda f: f.update(noise=1))),
        Bad("all null", Reason.ALL_NULL, good_value(at + 12, features=dict.fromkeys(NAMES))),
        Bad("no name", Reason.CELL_NAME, good_value(at + 13, cell=""), b""),
        Bad("a long name", Reason.CELL_NAME, good_value(at + 14, cell="c" * 10_000), b"c" * 10_000),
        Bad("half a character", Reason.MALFORMED, good_value(at + 15).replace(b"cell-0", rb"\ud800"), b"?"),
        Bad("nonsense for a time", Reason.TIME, good_value(at + 16, time="yesterday")),
        Bad("a time without a zone", Reason.TIME, good_value(at + 17, time="2025-02-20T13:00:00")),
        Bad("milliseconds", Reason.TIME, good_value(at + 18, time=(T0 + at + 18) * 60_000)),
        Bad("1970", Reason.TIME, good_value(at + 19, time="1970-01-01T00:00:00Z")),
        Bad("2099", Reason.TOO_FAR_AHEAD, good_value(at + 20, time="2099-01-01T00:00:00Z")),
        Bad("another's key", Reason.KEY_MISMATCH, good_value(at + 21), CELLS[1].encode()),
        Bad("no key", Reason.KEY_MISMATCH, good_value(at + 22), None),
        Bad("not even an object", Reason.WRONG_SHAPE, b"5"),
    ]


def beside_good_ones(bad):
    """The two hours, with a bad record after every fifth good one from FIRST_MINUTE on."""
    records: list[Record] = []
    waiting = list(bad)
    for at, row in enumerate(told(0, MINUTES)):
        records.append(row)
        if row[3] >= (T0 + FIRST_MINUTE) * 60_000 and at % 5 == 0 and waiting:
            one = waiting.pop(0)
            records.append((one.key, one.value, None, row[3], partition_of(CELL)))
    assert not waiting
    return records


@pytest.fixture
def mixed(stage):
    """The log with every kind of bad record, taken; what the service said meanwhile."""
    bad = bad_records()
    stage.teach(label("drop_storm", "drops"))
    records = beside_good_ones(bad)
    ten_megabytes = record(CELL, MINUTES, b"x" * 10_000_000)
    stage.tell(records)
    stage.tell_long(ten_megabytes)
    with serving(stage.config()) as service:
        stage.wait_taken(len(records) + 1)
        metrics = service.metrics()
    return bad, metrics, service.log


def test_bad_records_are_buried_once_counted_and_harm_nobody(stage, mixed, undisturbed, capfd):
    bad, metrics, log = mixed

    # buried exactly once, untouched, with where each came from and why
    came_from = {(m.partition(), m.offset()): (m.key(), m.value()) for m in stage.read("minutes")}
    expected = {(one.key, one.value): str(one.reason) for one in bad}
    buried = {}
    for message in stage.read("deadletters"):
        headers = {name: content.decode() for name, content in message.headers()}
        assert headers["__connect.errors.topic"] == stage.topic("minutes")
        origin = (int(headers["__connect.errors.partition"]), int(headers["__connect.errors.offset"]))
        assert origin not in buried
        buried[origin] = headers["__connect.errors.exception.message"]
        if "faultline.original.bytes" in headers:
            assert headers["faultline.original.bytes"] == "10000000"
            assert came_from[origin][1][: len(message.value())] == message.value()
            assert (message.key(), buried[origin]) == (CELL.encode(), "too_large")
        else:
            assert came_from[origin] == (message.key(), message.value())
            assert buried[origin] == expected.pop(came_from[origin]), message.value()[:200]
    assert not expected
    assert len(buried) == len(bad) + 1

    # counted by reason
    counted = Counter(buried.values())
    for reason in Reason:
        assert metrics[f'faultline_rejections_total{{reason="{reason}"}}'] == counted[str(reason)], reason
    assert metrics['faultline_records_total{outcome="rejected"}'] == len(buried)

    # not a word of it in the log, and nobody else noticed
    assert log.above_info() == []
    assert len(log.lines) < 15
    assert "Traceback" not in capfd.readouterr().err
    assert stage.alarms() == undisturbed.alarms


def test_a_feed_that_is_bad_by_half_goes_on_whatever_lies_in_it(stage):
    """Even a key so long that no producer of a million bytes can bury it."""
    good = told(0, 20)
    halves = [one for row in good for one in (row, (row[0], b"{}", None, row[3], row[4]))]
    stage.tell_long((b"k" * 1_500_000, b"{}", None, (T0 + 3) * 60_000, 0))
    stage.tell(halves)
    with serving(stage.config(limits={"poison_share": 0.9, "poison_batches": 1})) as service:
        eventually(lambda: service.error is not None or stage.taken() == 1 + len(halves), "all records are taken")
        service.check()
        assert service.metrics()['faultline_halted{reason="poison"}'] == 0
    buried = {message.key(): message for message in stage.read("deadletters")}
    cut_down = buried.pop(b"k" * 10_000)
    assert dict(cut_down.headers())["__connect.errors.offset"] == b"0"
    assert set(buried) == {row[0] for row in good}


def test_a_feed_gone_wrong_stops_consumption_and_is_not_drained_into_the_dead_letters(stage):
    sane = told(0, 5)
    stage.tell(sane)
    with serving(stage.config(kafka={"batch_records": 10}, limits={"poison_batches": 10})) as service:
        stage.wait_taken(len(sane))
        assert service.get("/readyz").status == 200

        renamed = [record(CELL, 5, with_features(5, lambda f: f.update(user=f.pop("users")))) for _ in range(2000)]
        stage.tell(renamed)
        service.wait_metric('faultline_halted{reason="poison"}', 1)

        readyz = service.get("/readyz")
        assert readyz.status == 503
        assert "most records are refused" in readyz.body
        assert service.get("/livez").status == 200
        eventually(lambda: service.metrics()["faultline_ready"] == 0, "not ready by its own account")
        taken = stage.taken()
        (line,) = service.log.above_info()
        assert line.startswith("ERROR stopped consuming: over 0.5 of the records of 10 consecutive polls were refused")
        assert line.endswith("(missing_feature); repair the feed, then restart")

        # still a member that comes round, and takes nothing any more
        turns = service.metrics()["faultline_batch_size_records_count"]
        eventually(lambda: service.get("/livez").status == 200, "still alive")
        assert service.metrics()["faultline_batch_size_records_count"] == turns
        assert stage.taken() == taken

    # nine polls were buried, of ten records each at most; all the others lie where they were
    assert len(stage.read("deadletters")) == taken - len(sane) <= 90
