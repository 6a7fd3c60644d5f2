"""Whatever lies on the input beside good records: buried once, counted, and of no consequence for anybody else."""

from collections import Counter
from typing import NamedTuple

import msgspec
import pytest

from detector.core.ingest.samples import Reason
from detector.core.ingest.value_faults import ValueFault
from detector.service.feed.notices import TEXTS
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


def bad_records():
    """One of each kind, each at a minute of its own, so that no two are alike."""
    at = FIRST_MINUTE
    return [
        Bad("not UTF-8", Reason.NOT_UTF8, good_value(at).replace(CELL.encode(), b"cell-\xff")),
        Bad("empty", Reason.EMPTY, b""),
        Bad("tombstone", Reason.TOMBSTONE, None),
        Bad("truncated", Reason.MALFORMED, good_value(at + 1)[:-20]),
        Bad("nested", Reason.WRONG_SHAPE, b"[" * 200 + b"]" * 200),
        Bad("nested far deeper", Reason.MALFORMED, b"[" * 30_000 + b"]" * 30_000),
        Bad("too long", Reason.TOO_LARGE, good_value(at + 3) + b" " * 65_536),
        Bad("all null", Reason.ALL_NULL, good_value(at + 12, features=dict.fromkeys(NAMES))),
        Bad("no name", Reason.CELL_NAME, good_value(at + 13, cell=""), b""),
        Bad("a long name", Reason.CELL_NAME, good_value(at + 14, cell="c" * 10_000), b"c" * 10_000),
        Bad("half a character", Reason.MALFORMED, good_value(at + 15).replace(b"cell-0", rb"\ud800"), b"?"),
        Bad("nonsense for a time", Reason.TIME, good_value(at + 16, time="yesterday")),
        Bad("a time without a zone", Reason.TIME, good_value(at + 17, time="2025-02-20T13:00:00")),
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
    with serving(stage.config(limits={"deaf_share": 0.9})) as service:
        eventually(lambda: service.error is not None or stage.taken() == 1 + len(halves), "all records are taken")
        service.check()
        assert service.metrics()['faultline_deaf{reason="refused"}'] == 0
    buried = {message.key(): message for message in stage.read("deadletters")}
    cut_down = buried.pop(b"k" * 10_000)
    assert dict(cut_down.headers())["__connect.errors.offset"] == b"0"
    assert set(buried) == {row[0] for row in good}


def test_a_feed_of_broken_records_makes_it_unready_until_it_is_well_again(stage):
    sane, well = told(0, 5), told(5, MINUTES)
    stage.tell(sane)
    with serving(stage.config()) as service:
        stage.wait_taken(len(sane))
        broken = [record(cell, 5, b"{}") for cell in CELLS for _ in range(100)]
        stage.tell(broken)
        stage.wait_taken(len(sane) + len(broken))
        service.wait_metric('faultline_deaf{reason="refused"}', 1)
        readyz = service.get("/readyz")
        assert readyz.status == 503
        assert "most records are refused" in readyz.body
        assert "wrong_shape" in readyz.body
        assert service.get("/livez").status == 200
        stage.tell(well)  # twice as many: the stretch is well at once
        service.wait_metric('faultline_deaf{reason="refused"}', 0)
        service.wait_metric("faultline_ready", 1)
        (line,) = service.log.above_info()
        assert "most records are refused" in line
    assert len(stage.read("deadletters")) == len(broken)


def test_a_release_of_the_network_elements_costs_only_what_it_changes(stage, undisturbed):
    """One sender is broken beside it, and sends more than all others."""

    def released(row, number):
        body = msgspec.json.decode(row[1])
        features = body["features"]
        features |= {f"new_{k}": 1.5 for k in range(5)} | {"delays": features.pop("delay")}
        features |= {"signalling": "n/a", "power": str(features["power"])}
        features["users"] = 1e9 if number % 2 else features["users"]
        return (row[0], msgspec.json.encode(body), *row[2:])

    rows = told(0, MINUTES)
    changed = [released(row, number) if row[0] == b"cell-0" else row for number, row in enumerate(rows)]
    broken = [record("gateway-0", 5, b"{}")] * 3000
    stage.teach(label("drop_storm", "drops"))
    with serving(stage.config()) as service:
        stage.tell([*changed[: len(rows) // 2], *broken, *changed[len(rows) // 2 :]])
        stage.wait_taken(len(rows) + len(broken))
        assert service.get("/readyz").status == 200
        faults = {kind: service.metrics()[f'faultline_value_faults_total{{kind="{kind}"}}'] for kind in ValueFault}
        lines = service.log.above_info()
    assert faults["unknown"] == 6 * MINUTES
    assert faults["missing"] == faults["not_a_number"] == faults["numeric_text"] == MINUTES
    assert faults["out_of_range"] == sum(row[0] == b"cell-0" and number % 2 for number, row in enumerate(rows))
    said = {line.partition(":")[0].removeprefix("WARNING features of the feed ") for line in lines}
    assert said == set(TEXTS.values())
    assert len(lines) == len(said), "each is named once"
    assert stage.alarms() == undisturbed.alarms
