"""What a commit carries of a frontier is small, and enough."""

from pathlib import Path

import numpy as np
import pytest

from detector.config.loader import read_config
from detector.config.schema import Config, Minutes
from detector.core.ingest.cell_index import digest_of
from detector.core.ingest.checkpoint import (
    CLAIM,
    MAX_LAGGARDS,
    Checkpoint,
    RestorePoints,
    WatermarkState,
    decode_claims,
    encode_claims,
    encode_laggards,
    may_lag,
)
from detector.core.ingest.watermark import Watermark, quorum
from detector.errors import ConfigError
from detector.kafka.start_positions import checkpoint_from_metadata, checkpoint_to_metadata
from tests.builders import T0, Told, network, pipeline, play, settings

MOST_CELLS = 50
"""The largest `minutes.quorum_cells` allowed."""

ROOM = 3900
"""Bytes of the 4,096 that a broker allows."""


def votes_of(claims: list[int], last_activity: list[int], minute: int, quorum_cells: int) -> dict[int, tuple[int, int]]:
    """Claim and hearing of each cell that is carried, by its place in the lists."""
    cells = np.arange(len(claims), dtype=np.uint64)
    packed = encode_claims(minute, quorum_cells, cells, np.array(claims, np.int64), np.array(last_activity, np.int64))
    columns = decode_claims(WatermarkState(0, minute, packed))
    return {cell: (claim, heard) for cell, claim, heard in zip(*(column.tolist() for column in columns), strict=True)}


def test_the_largest_quorum_that_is_allowed_is_the_one_that_was_measured_here() -> None:
    assert Minutes.__annotations__["quorum_cells"].__metadata__[0].le == MOST_CELLS


def test_the_fullest_memory_fits_into_a_commit() -> None:
    """Thousands of cells, and as many beyond the minute as there can be."""
    beyond = MOST_CELLS - 1
    claim = np.full(10_000, T0, np.int64)
    claim[:beyond] = T0 + 38_000_000
    votes = encode_claims(T0, MOST_CELLS, np.arange(10_000, dtype=np.uint64), claim, claim - 1440)
    assert len(votes) == (3 * MOST_CELLS - 2) * CLAIM.itemsize
    marks = encode_laggards(np.arange(MAX_LAGGARDS, dtype=np.uint64))
    largest = Checkpoint(2**63 - 1, T0 + 38_000_000, T0 + 38_000_000, 10_000, votes, marks)
    assert len(checkpoint_to_metadata(largest).encode()) <= ROOM


def test_a_partition_of_many_cells_with_bad_clocks_writes_a_memory_that_fits() -> None:
    taken = pipeline(settings(quorum_cells=MOST_CELLS, ahead_minutes=5))
    right = [f"right-{number}" for number in range(140)]
    wrong = [Told(f"wrong-{number}", T0 + 38_000_000) for number in range(MOST_CELLS - 1)]
    for minute in range(0, 110, 5):
        play(taken, [*network(right, minute, minute + 1), *wrong])
    memory = taken.checkpoint(0)
    assert memory is not None
    assert len(memory.votes) == (3 * MOST_CELLS - 2) * CLAIM.itemsize
    assert len(checkpoint_to_metadata(memory).encode()) <= ROOM


def test_what_was_written_is_read() -> None:
    taken = pipeline()
    play(taken, network("abcdef", 0, 120))
    memory = taken.checkpoint(0)
    assert memory is not None
    assert memory.votes != b""
    assert checkpoint_from_metadata(checkpoint_to_metadata(memory)) == memory


@pytest.mark.parametrize("foreign", [None, "", "theirs", "{}", '{"replay_offset":1,"frontier":2}'])
def test_a_commit_of_another_program_has_no_memory(foreign: str | None) -> None:
    assert checkpoint_from_metadata(foreign) is None


def test_the_marked_are_found_and_hardly_any_other() -> None:
    rng = np.random.default_rng(3)
    digests = rng.integers(2**63, size=10_000, dtype=np.uint64)
    found = may_lag(digests, encode_laggards(digests[:MAX_LAGGARDS]))
    assert found[:MAX_LAGGARDS].all()
    assert found[MAX_LAGGARDS:].mean() < 0.004
    assert encode_laggards(digests[: MAX_LAGGARDS + 1]) is None
    assert may_lag(digests, None).all()
    assert not may_lag(digests, encode_laggards(digests[:0])).any()


def test_marks_cut_short_are_no_memory() -> None:
    assert checkpoint_from_metadata(checkpoint_to_metadata(Checkpoint(1, T0, T0, 1, b"", b"\0"))) is None


def test_votes_cut_short_are_no_memory() -> None:
    assert (
        checkpoint_from_metadata(checkpoint_to_metadata(Checkpoint(1, T0, T0, 1, b"\0" * (CLAIM.itemsize - 1)))) is None
    )


def test_few_voters_are_carried_whole() -> None:
    assert votes_of([10, 9, 30, 2, 10], [9, 9, 10, 3, 10], 10, 3) == {
        0: (10, 9),
        1: (9, 9),
        2: (30, 10),
        3: (2, 3),
        4: (10, 10),
    }


def test_of_many_voters_those_are_carried_that_lie_beyond_and_those_that_will_count_longest() -> None:
    carried = votes_of([10, 10, 9, 8, 7, 6, 99, 1], [10, 10, 9, 10, 7, 6, 2, 3], 10, 2)
    assert sorted(carried) == [0, 1, 3, 6], "0 and 1 made the minute, 3 was heard last, 6 lies beyond"


def test_the_carried_votes_tell_the_minute_they_were_carried_for() -> None:
    rng = np.random.default_rng(7)
    for quorum_cells in (1, 2, 3, 7):
        claims = rng.integers(0, 20, 60)
        minute = int(np.sort(claims)[-quorum(60, quorum_cells)])
        last_activity = np.minimum(rng.integers(0, 20, 60), minute)
        carried = votes_of(claims.tolist(), last_activity.tolist(), minute, quorum_cells)
        assert sorted(claim for claim, _ in carried.values())[-quorum(len(carried), quorum_cells)] == minute


def test_a_replay_begins_where_the_watermark_had_not_passed_a_minute() -> None:
    points = RestorePoints()
    for offset, minute in ((0, -1), (1, 10), (5, 11), (9, 12)):
        points.add(WatermarkState(offset, minute))
    assert [points.state_at(minute).offset for minute in (3, 10, 11, 12, 20)] == [0, 1, 5, 9, 9]
    assert points.state_at(3).offset == 9, "what lies before was given up"


def test_a_minute_that_the_frontier_fell_from_is_no_place_to_begin() -> None:
    points = RestorePoints()
    for offset, minute in ((0, -1), (1, 10), (5, 2099), (9, 9), (12, 11)):
        points.add(WatermarkState(offset, minute))
    assert points.state_at(10).offset == 9


def test_a_restored_voter_counts_before_it_is_heard_again() -> None:
    claim = np.array([12, 12, 10, 10, 10, -1], np.int64)
    watermark = Watermark(claim, 3, 5)
    watermark.restore(WatermarkState(40, 10), np.arange(5))
    assert watermark.observe(np.array([5]), np.array([12])), "two had been there already"
    assert (watermark.minute, watermark.cell_count) == (12, 6)


def test_a_cell_that_was_awaited_is_named_when_it_is_heard() -> None:
    taken, heir = pipeline(), pipeline()
    play(taken, network("abc", 0, 150))
    memory = taken.checkpoint(0)
    assert memory is not None
    heir.assign(0, memory, [])
    assert len(heir.cells) == 3
    assert heir.cells.names == ["", "", ""]
    assert sorted(heir.cells.digests[:3].tolist()) == sorted(map(digest_of, "abc"))
    play(heir, network("abc", 150, 151), first_offset=450)
    assert (len(heir.cells), sorted(heir.cells.names)) == (3, ["a", "b", "c"])


def test_an_awaited_cell_that_never_comes_gives_its_row_back() -> None:
    taken, heir = pipeline(), pipeline()
    play(taken, network("abc", 0, 150))
    heir.assign(0, taken.checkpoint(0), [])
    play(heir, network("ab", 60, 160), first_offset=180)
    play(heir, network("ab", 160, 300), [10] * 28, first_offset=380)
    assert sorted(heir.cells.names) == ["", "a", "b"]
    assert len(heir.cells) == 2
    heir.revoke(0)
    assert len(heir.cells) == 0


def test_a_silence_longer_than_the_memory_is_refused_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(
        "bundle: b\nminutes: {silent_minutes: 170}\nkafka: {common: {bootstrap.servers: '127.0.0.1:9092'}}\n"
    )
    assert Config("b").settings_at(1).tolerance.memory_minutes == 155
    with pytest.raises(ConfigError, match=r"silent_minutes` is 170, which is not below 155, the minutes"):
        read_config(path)
