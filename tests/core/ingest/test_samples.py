"""Whatever bytes arrive: a sample or a rejection with its reason, and the records beside it unharmed."""

import json
from dataclasses import replace

import numpy as np
import pytest

from detector.core.ingest.decoder import FATAL, Decoder
from detector.core.ingest.samples import MAX_CELL_NAME, Reason, Records
from detector.core.ingest.value_faults import MOST_NAMES, ValueFault
from tests.builders import CALM, T0, Told, catalogue, network, pipeline, play, record, refusals

LIMIT = 1_000_000
NAMES = catalogue().names
GOOD = [record(Told(cell, T0 + k, (float(k), None, -float(k)))) for k, cell in enumerate("pqrs")]
NOT_MENTIONED = object()


def text(cell: object = "a", time: object = T0 * 60, features: object = NOT_MENTIONED, **more: object) -> bytes:
    """One record as JSON; a value given as bytes stands in it as it is."""
    told = {
        "cell": cell,
        "time": time,
        "features": dict.fromkeys(NAMES, 1.0) if features is NOT_MENTIONED else features,
    }
    parts = [
        json.dumps(name).encode() + b": " + (value if isinstance(value, bytes) else json.dumps(value).encode())
        for name, value in {**told, **more}.items()
    ]
    return b"{" + b", ".join(parts) + b"}"


def features(f0: bytes = b"1", f1: bytes = b"1", f2: bytes = b"1") -> bytes:
    return text(features=b'{"f0": %b, "f1": %b, "f2": %b}' % (f0, f1, f2))


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


BROKEN: list[tuple[str, bytes | None, bytes | None, Reason]] = [
    ("a tombstone", b"a", None, Reason.TOMBSTONE),
    ("nothing", b"a", b"", Reason.EMPTY),
    ("a single byte that is no text", b"a", b"\xff", Reason.NOT_UTF8),
    ("a name that is not UTF-8", b"a", text().replace(b'"a"', b'"\xc3\x28"'), Reason.NOT_UTF8),
    ("an UTF-16 text", b"a", text().decode().encode("utf-16"), Reason.NOT_UTF8),
    ("a byte order mark", b"a", b"\xef\xbb\xbf" + text(), Reason.MALFORMED),
    ("half a record", b"a", text()[:-20], Reason.MALFORMED),
    ("a record without its last brace", b"a", text()[:-1], Reason.MALFORMED),
    ("something after the record", b"a", text() + b" x", Reason.MALFORMED),
    ("two records", b"a", text() + text(), Reason.MALFORMED),
    ("a comma too many", b"a", text()[:-1] + b",}", Reason.MALFORMED),
    ("a lone surrogate", b"a", text(cell=b'"\\ud800"'), Reason.MALFORMED),
    ("nothing but spaces", b"a", b"   ", Reason.MALFORMED),
    ("200-fold nesting", b"a", text(features=nested(200)), Reason.ALL_NULL),
    ("200-fold nesting and nothing else", b"a", nested(200), Reason.WRONG_SHAPE),
    ("200,000-fold nesting", b"a", nested(200_000), Reason.MALFORMED),
    ("200,000-fold nesting in its place", b"a", text(features=nested(200_000)), Reason.MALFORMED),
    ("200,000-fold nesting that never ends", b"a", b"[" * 200_000, Reason.MALFORMED),
    ("200,000 objects in each other", b"a", b'{"a":' * 190_000, Reason.MALFORMED),
    ("10 MB", b"a", b'"' + b"x" * 10_000_000 + b'"', Reason.TOO_LARGE),
    ("a number", b"a", b"5", Reason.WRONG_SHAPE),
    ("a truth", b"a", b"true", Reason.WRONG_SHAPE),
    ("null", b"a", b"null", Reason.WRONG_SHAPE),
    ("a list of records", b"a", b"[" + text() + b"]", Reason.WRONG_SHAPE),
    ("no cell", b"a", b'{"time": 5, "features": {}}', Reason.WRONG_SHAPE),
    ("no features", b"a", text(features=None), Reason.ALL_NULL),
    ("features in a list", b"a", text(features=[1, 2, 3]), Reason.ALL_NULL),
    ("a cell that is a number", b"5", text(cell=5), Reason.WRONG_TYPE),
    ("a cell that is null", b"a", text(cell=None), Reason.WRONG_TYPE),
    ("a cell without a name", b"", text(cell=""), Reason.CELL_NAME),
    ("a name of 10 kB", b"x" * 10_000, text(cell="x" * 10_000), Reason.CELL_NAME),
    ("a name one too long", b"x" * 129, text(cell="x" * (MAX_CELL_NAME + 1)), Reason.CELL_NAME),
    ("another key than the cell", b"b", text(), Reason.KEY_MISMATCH),
    ("no key", None, text(), Reason.KEY_MISMATCH),
    ("an empty key", b"", text(), Reason.KEY_MISMATCH),
    ("a key that is not UTF-8", b"\xff", text(), Reason.KEY_MISMATCH),
    ("a time that is nonsense", b"a", text(time="yesterday"), Reason.TIME),
    ("a time without a zone", b"a", text(time="2024-10-04T00:00:00"), Reason.TIME),
    ("a day that does not exist", b"a", text(time="2024-02-30T00:00:00Z"), Reason.TIME),
    ("a time in quotes", b"a", text(time=str(T0 * 60)), Reason.TIME),
    ("a time that is a truth", b"a", text(time=True), Reason.TIME),
    ("a time that is null", b"a", text(time=None), Reason.TIME),
    ("1970", b"a", text(time=0), Reason.TIME),
    ("1970, spelt out", b"a", text(time="1970-01-01T00:00:00Z"), Reason.TIME),
    ("the year 1", b"a", text(time="0001-01-01T00:00:00+23:59"), Reason.TIME),
    ("the last second there is", b"a", text(time="9999-12-31T23:59:59-23:59"), Reason.TIME),
    ("before 1970", b"a", text(time=-T0 * 60), Reason.TIME),
    ("2100", b"a", text(time="2100-01-01T00:00:00Z"), Reason.TIME),
    ("a time of 30 digits", b"a", text(time=b"1" * 30), Reason.TIME),
    ("a time of 5,000 digits", b"a", text(time=b"1" * 5000), Reason.MALFORMED),
    ("a time that fills the float", b"a", text(time=b"1e308"), Reason.TIME),
    ("no feature at all", b"a", text(features={}), Reason.ALL_NULL),
    ("a feature of 5,000 digits", b"a", features(b"1" * 5000), Reason.MALFORMED),
    ("nothing but nulls", b"a", features(b"null", b"null", b"null"), Reason.ALL_NULL),
]


def records_of(pairs: list[tuple[bytes | None, bytes | None]]) -> Records:
    return Records(0, np.arange(len(pairs)), [key for key, _ in pairs], [value for _, value in pairs])


@pytest.mark.parametrize(("what", "key", "value", "reason"), BROKEN, ids=[what for what, *_ in BROKEN])
def test_a_broken_record_is_refused_with_its_reason_and_its_neighbours_are_unharmed(
    what: str, key: bytes | None, value: bytes | None, reason: Reason
) -> None:
    decoder = Decoder(catalogue(), LIMIT)
    samples, rejections = decoder.decode(records_of([*GOOD[:2], (key, value), *GOOD[2:]]))
    assert [(rejection.index, rejection.reason) for rejection in rejections] == [(2, reason)]
    assert samples.cells == list("pqrs")
    assert samples.index.tolist() == [0, 1, 3, 4]
    assert samples.minute.tolist() == [T0, T0 + 1, T0 + 2, T0 + 3]
    assert samples.values[:, 0].tolist() == [0, 1, 2, 3]
    assert np.isnan(samples.values[:, 1]).all()
    assert samples.values[:, 2].tolist() == [0, -1, -2, -3]


def test_all_of_them_at_once_are_each_told_apart() -> None:
    decoder = Decoder(catalogue(), LIMIT)
    pairs: list[tuple[bytes | None, bytes | None]] = []
    for k, (_, key, value, _) in enumerate(BROKEN):
        pairs += [(key, value), GOOD[k % len(GOOD)]]
    samples, rejections = decoder.decode(records_of(pairs))
    by_place = sorted(rejections, key=lambda rejection: rejection.index)
    assert [rejection.reason for rejection in by_place] == [reason for *_, reason in BROKEN]
    assert samples.index.tolist() == list(range(1, len(pairs), 2))


def decode_one(key: bytes, value: bytes) -> tuple[str, int, list[float]]:
    samples, rejections = Decoder(catalogue(), LIMIT).decode(records_of([(key, value)]))
    assert rejections == []
    return samples.cells[0], int(samples.minute[0]), samples.values[0].tolist()


SECONDS = T0 * 60
TIMES = [
    SECONDS,
    SECONDS + 59,
    SECONDS + 0.5,
    float(SECONDS),
    SECONDS * 1_000,
    SECONDS * 1_000 + 59_999,
    SECONDS * 1e3,
    SECONDS * 1_000_000,
    SECONDS * 1_000_000_000,
    SECONDS * 1_000_000_000 + 59_999_999_999,
    "2024-10-04T00:00:00Z",
    "2024-10-04t00:00:00z",
    "2024-10-04 00:00:00Z",
    "2024-10-04T00:00Z",
    "2024-10-04T00Z",
    "20241004T000000Z",
    "20241004T0000Z",
    "2024-10-04T00:00:59,999Z",
    "2024-10-04T02:00:59.999+02:00",
    "2024-10-04T02:00:00+02",
    "2024-10-04T02:00:00+0200",
    "20241004T053000+0530",
    "2024-10-03T16:00:00-08:00",
]


@pytest.mark.parametrize("time", TIMES)
def test_a_time_is_the_minute_it_lies_in_however_it_is_written(time: object) -> None:
    assert decode_one(b"a", text(time=time)) == ("a", T0, [1, 1, 1])


@pytest.mark.parametrize(
    ("period", "stamp", "time", "minute"),
    [
        (15, "begin", "2024-10-04T00:00:00Z", T0),
        (15, "begin", "2024-10-04T00:14:59Z", T0),
        (15, "begin", "2024-10-04T00:15:00Z", T0 + 15),
        (15, "end", "2024-10-04T00:15:00Z", T0),
        (15, "end", "2024-10-04T00:15:02Z", T0),
        (15, "end", "2024-10-04T00:00:00Z", T0 - 15),
        (1, "end", "2024-10-04T00:01:00Z", T0),
        (60, "end", "2024-10-04T01:00:00Z", T0),
        (5, "begin", "2024-10-04T02:04:00+02:00", T0),
    ],
)
def test_a_time_stands_for_its_whole_period_whichever_end_it_marks(
    period: int, stamp: str, time: str, minute: int
) -> None:
    decoder = Decoder(replace(catalogue(), period_minutes=period, stamp=stamp), LIMIT)
    samples, _ = decoder.decode(records_of([(b"a", text(time=time))]))
    assert samples.minute.tolist() == [minute]


KEPT = [True, True, False]
LOST = [(ValueFault.MISSING, name) for name in NAMES]
FAULTY: list[tuple[str, bytes, list[tuple[ValueFault, str]], list[bool]]] = [
    ("NaN, which JSON has not", features(b"NaN"), [(ValueFault.NOT_A_NUMBER, "f0")], [False, True, True]),
    ("Infinity, which JSON has not", features(b"-Infinity"), [(ValueFault.NOT_A_NUMBER, "f0")], [False, True, True]),
    ("a number beyond every float", features(b"1e999"), [(ValueFault.NOT_A_NUMBER, "f0")], [False, True, True]),
    ("a number in quotes", features(b'"5"'), [(ValueFault.NUMERIC_TEXT, "f0")], [False, True, True]),
    ("a text", features(b'"n/a"'), [(ValueFault.NOT_A_NUMBER, "f0")], [False, True, True]),
    ("an empty text", features(b'""'), [(ValueFault.NOT_A_NUMBER, "f0")], [False, True, True]),
    ("a truth", features(b"true"), [(ValueFault.NOT_A_NUMBER, "f0")], [False, True, True]),
    ("a list", features(b"[1]"), [(ValueFault.NOT_A_NUMBER, "f0")], [False, True, True]),
    ("an object", features(b'{"v": 1}'), [(ValueFault.NOT_A_NUMBER, "f0")], [False, True, True]),
    ("30 digits", features(b"1" * 30), [(ValueFault.OUT_OF_RANGE, "f0")], [False, True, True]),
    ("a number beyond the short float", features(b"1e39"), [(ValueFault.OUT_OF_RANGE, "f0")], [False, True, True]),
    ("its negative", features(b"-1e39"), [(ValueFault.OUT_OF_RANGE, "f0")], [False, True, True]),
    ("a value beyond its range", features(b"1000001"), [(ValueFault.OUT_OF_RANGE, "f0")], [False, True, True]),
    ("a value below its range", features(b"1", b"-1000001"), [(ValueFault.OUT_OF_RANGE, "f1")], [True, False, True]),
    ("one impossible, others null", features(b"1e7", b"null", b"null"), [(ValueFault.OUT_OF_RANGE, "f0")], [False] * 3),
    ("a missing feature", text(features={"f0": 1, "f1": 1}), [(ValueFault.MISSING, "f2")], [True, True, False]),
    ("a new feature", text(features={**dict.fromkeys(NAMES, 1), "f3": 1}), [(ValueFault.UNKNOWN, "f3")], [True] * 3),
    ("a renamed one", text(features={"f0": 1, "f1": 1, "F2": 1}), [*LOST[2:], (ValueFault.UNKNOWN, "F2")], KEPT),
    ("all renamed", text(features={"F0": 1}), [*LOST, (ValueFault.UNKNOWN, "F0")], [False] * 3),
    ("a field too many", text(note=1), [], [True] * 3),
]  # fmt: skip


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize(("what", "value", "faults", "reported"), FAULTY, ids=[what for what, *_ in FAULTY])
def test_a_faulty_value_costs_itself_and_is_counted_by_kind_and_feature(
    what: str, value: bytes, faults: list[tuple[ValueFault, str]], reported: list[bool], times: int
) -> None:
    decoder = Decoder(catalogue(), LIMIT)
    samples, rejections = decoder.decode(records_of([GOOD[0], *[(b"a", value)] * times, GOOD[1]]))
    assert rejections == []
    assert (~np.isnan(samples.values[1 : 1 + times])).tolist() == [reported] * times
    counted = decoder.take_faults()
    assert dict(counted.counts) == dict.fromkeys(faults, times)
    assert all(example.startswith("a") for example in counted.examples.values())
    assert not decoder.take_faults().counts


@pytest.mark.parametrize(("what", "value", "faults", "reported"), FAULTY, ids=[what for what, *_ in FAULTY])
def test_a_fault_that_the_operator_calls_fatal_refuses_its_record(
    what: str, value: bytes, faults: list[tuple[ValueFault, str]], reported: list[bool]
) -> None:
    for fatal in ValueFault:
        samples, rejections = Decoder(catalogue(), LIMIT, [fatal]).decode(records_of([GOOD[0], (b"a", value)]))
        is_refused = fatal in {kind for kind, _ in faults}
        assert samples.cells == ["p"] if is_refused else ["p", "a"]
        assert [rejection.reason for rejection in rejections] == [FATAL[fatal]] * is_refused


def test_a_thousand_unknown_names_are_counted_and_no_more_than_some_hundred_are_told_apart() -> None:
    known = {"f0": 1, "f1": 1, "f2": 1}
    for records in (
        [text(features={**known, f"new{k}": 1}) for k in range(1000)],
        [text(features={**known, **{f"new{k}": 1 for k in range(3000)}})],
        [features(b'1, "new\\ud800%d": 1' % k) for k in range(1000)],
    ):
        decoder = Decoder(catalogue(), LIMIT)
        samples, _ = decoder.decode(records_of([(b"a", value) for value in records]))
        assert len(samples) == len(records)
        counted = decoder.take_faults()
        assert counted.of(ValueFault.UNKNOWN) >= MOST_NAMES
        assert len(counted.counts) <= MOST_NAMES + 1


def test_of_a_key_told_twice_the_last_counts() -> None:
    twice = features(b"3", b"4", b'5, "f0": 7')
    assert decode_one(b"a", twice)[2] == [7, 4, 5]


def test_the_order_of_keys_does_not_matter() -> None:
    value = b'{"features": {"f2": 3, "f0": 1, "f1": 2}, "time": %d, "cell": "a"}' % (T0 * 60)
    assert decode_one(b"a", value)[2] == [1, 2, 3]


def test_a_name_may_be_of_any_script_and_as_long_as_allowed() -> None:
    name = "ξ" * MAX_CELL_NAME
    assert decode_one(name.encode(), text(cell=name))[0] == name


def test_spaces_around_a_record_are_no_harm() -> None:
    assert decode_one(b"a", b" \n" + text() + b"\r\n ")[0] == "a"


def test_a_record_as_large_as_allowed_is_taken_and_a_byte_more_is_not() -> None:
    value = text()
    for limit, reasons in ((len(value), []), (len(value) - 1, [Reason.TOO_LARGE])):
        _, rejections = Decoder(catalogue(), limit).decode(records_of([(b"a", value)]))
        assert [rejection.reason for rejection in rejections] == reasons


def test_the_year_2099_is_a_time_and_too_far_ahead_of_the_network() -> None:
    far = Told("a", 68_000_000)
    assert decode_one(*record(far))[1] == 68_000_000
    work = play(pipeline(), [*network("abc", 0, 5), far])
    assert refusals(work) == [(15, Reason.TOO_FAR_AHEAD)]


def test_no_records_are_no_samples() -> None:
    samples, rejections = Decoder(catalogue(), LIMIT).decode(records_of([]))
    assert (len(samples), rejections, samples.values.shape) == (0, [], (0, 3))


def test_an_offset_is_counted_from_the_records_not_from_the_good_ones() -> None:
    work = play(
        pipeline(), [Told("a", T0, (None, None, None)), Told("a", T0), Told("a", T0 - 400), Told("a", T0 + 1, CALM)]
    )
    assert refusals(work) == [(0, Reason.ALL_NULL), (2, Reason.TOO_LATE)]


@pytest.mark.parametrize("seed", range(3))
def test_any_bytes_at_all_are_a_sample_or_a_rejection(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pairs: list[tuple[bytes | None, bytes | None]] = []
    for _ in range(700):
        value = bytearray(text())
        for _ in range(rng.integers(1, 4)):
            at = int(rng.integers(len(value)))
            value[at : at + int(rng.integers(3))] = rng.bytes(int(rng.integers(3)))
        pairs.append((b"a", bytes(value)))
    samples, rejections = Decoder(catalogue(), LIMIT).decode(records_of(pairs))
    places = sorted([*samples.index.tolist(), *(rejection.index for rejection in rejections)])
    assert places == list(range(700))
    assert np.isfinite(samples.values[~np.isnan(samples.values)]).all()
