"""How a frontier stood at an offset, in the few bytes that a commit can carry: enough to begin a replay there.

A broker takes 4,096 bytes with a commit, and a partition has up to 10,000 cells. What the frontier does next depends on
all its voters only while their number decides the quorum. From then on the votes beyond the minute are enough, and so
many of the others that their number goes on deciding the quorum when most of them are forgotten.
"""

import bisect
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

VOTE = np.dtype([("cell", "<u8"), ("claim", "<i4"), ("heard_at", "<i4")])
"""A cell by the digest of its name; both minutes as differences to the frontier's."""

MARK = np.dtype("<u2")
MOST_MARKED = 128
"""340 bytes of a commit's 4,096; most of the others are votes."""

_CLAIM_BITS = 24
"""For ranking: a claim 2^24 minutes, 32 years, behind the frontier is as good as none."""


@dataclass(frozen=True)
class WatermarkState:
    """A frontier just before the record at `offset`. It has just moved, so no streak is running."""

    offset: int
    minute: int
    """UNSET before the partition's first record."""
    votes: bytes = b""
    """An array of VOTE, at most three quorums of them."""


class RestorePoints:
    """The standings a replay may still begin at, oldest first."""

    def __init__(self) -> None:
        self._standings: list[WatermarkState] = []

    def __bool__(self) -> bool:
        return bool(self._standings)

    def note(self, standing: WatermarkState) -> None:
        """One of an earlier but no smaller minute will not be asked for again, unless it is the oldest there is."""
        while len(self._standings) > 1 and self._standings[-1].minute >= standing.minute:
            self._standings.pop()
        self._standings.append(standing)

    def begin(self, minute: int) -> WatermarkState:
        """The latest standing whose frontier had not passed `minute`, else the oldest; drops what lies before it."""
        position = bisect.bisect_right(self._standings, minute, lo=1, key=lambda one: one.minute) - 1
        del self._standings[:position]
        return self._standings[0]


def encode_checkpoint(
    minute: int,
    quorum_cells: int,
    cells: NDArray[np.uint64],
    claim: NDArray[np.int64],
    heard_at: NDArray[np.int64],
) -> bytes:
    """The votes to carry: all beyond `minute`, and of the others the 2 * quorum_cells - 1 that will count longest.

    Later than by its turn among those nobody is forgotten; so the number of voters stays right as far as it matters.
    """
    beyond, rest = np.flatnonzero(claim > minute), np.flatnonzero(claim <= minute)
    if len(rest) >= 2 * quorum_cells:
        last = np.maximum(heard_at[rest], claim[rest]) << _CLAIM_BITS
        rank = last - np.minimum(minute - claim[rest], 2**_CLAIM_BITS - 1)
        rest = rest[np.argpartition(rank, -(2 * quorum_cells - 1))[-(2 * quorum_cells - 1) :]]
    kept = np.concatenate([beyond, rest])
    votes = np.empty(len(kept), VOTE)
    votes["cell"], votes["claim"], votes["heard_at"] = cells[kept], claim[kept] - minute, heard_at[kept] - minute
    return votes.tobytes()


def decode_checkpoint(standing: WatermarkState) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64]]:
    """Digests, claims and when each was last heard. # three times [n]"""
    votes = np.frombuffer(standing.votes, VOTE)
    claim, heard_at = votes["claim"].astype(np.int64), votes["heard_at"].astype(np.int64)
    return votes["cell"].astype(np.uint64), claim + standing.minute, heard_at + standing.minute


@dataclass(frozen=True)
class Checkpoint:
    """Where a partition's memory lies in the log: what a commit carries, and all that a successor needs."""

    replay_offset: int
    replay_minute: int
    """The frontier at that offset."""
    frontier: int
    voters: int
    votes: bytes
    """How the frontier stood at that offset: see `encode_checkpoint`."""
    laggards: bytes | None = None
    """Two bytes of each cell's digest that has more of a replay to hear than others; None where they are too many."""


def mark(digests: NDArray[np.uint64]) -> bytes | None:
    """A few cells' digests, as a commit carries them. Others may look like them, once in 500 where there are most."""
    return digests.astype(MARK).tobytes() if len(digests) <= MOST_MARKED else None


def marked(digests: NDArray[np.uint64], marks: bytes | None) -> NDArray[np.bool_]:
    """Which of these cells may be among the marked: all of them where there were too many to mark. # [n] -> [n]"""
    if marks is None:
        return np.ones(len(digests), bool)
    return np.isin(digests.astype(MARK), np.frombuffer(marks, MARK))
