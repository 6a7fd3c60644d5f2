"""Checkpoint of a partition: state of the watermark at an offset, in the few bytes that a commit can carry.

A broker accepts 4,096 bytes of metadata with a commit, and a partition has up to 10,000 cells. The next steps of the
watermark depend on all claims only while the quorum grows with the number of cells. Once the quorum is at its limit,
two parts are enough: the claims beyond the watermark's minute, and the other claims that expire last, as many as the
largest quorum needs.
"""

import bisect
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

CLAIM = np.dtype([("cell", "<u8"), ("minute", "<i4"), ("last_activity", "<i4")])
"""Claim of one cell, identified by the digest of its name. Both minutes are relative to the watermark's minute."""

SHORT_DIGEST = np.dtype("<u2")
MAX_LAGGARDS = 128
"""Largest number of encoded laggards: 340 bytes of a commit's 4,096. Claims take most of the other bytes."""

_AGE_BITS = 24
"""Bits of a claim's age in the ranking: a claim 2^24 minutes, 32 years, behind the watermark counts as none."""


@dataclass(frozen=True)
class WatermarkState:
    """State of a watermark just before the record at `offset`. The watermark has just moved, so its streak is empty."""

    offset: int
    minute: int
    """UNSET before the partition's first record."""
    claims: bytes = b""
    """An array of CLAIM, at most three quorums long."""


class RestorePoints:
    """Watermark states at which a replay may still begin, oldest first."""

    def __init__(self) -> None:
        self._states: list[WatermarkState] = []

    def __bool__(self) -> bool:
        return bool(self._states)

    def add(self, state: WatermarkState) -> None:
        """Add the newest state, and drop earlier ones whose minute is not smaller, except the oldest state.

        No replay needs the dropped states again.
        """
        while len(self._states) > 1 and self._states[-1].minute >= state.minute:
            self._states.pop()
        self._states.append(state)

    def state_at(self, minute: int) -> WatermarkState:
        """Return the latest state whose watermark had not passed `minute`, else the oldest; drop all before it."""
        position = bisect.bisect_right(self._states, minute, lo=1, key=lambda state: state.minute) - 1
        del self._states[:position]
        return self._states[0]


def encode_claims(
    minute: int,
    quorum_cells: int,
    cells: NDArray[np.uint64],
    claim: NDArray[np.int64],
    last_activity: NDArray[np.int64],
) -> bytes:
    """Encode all claims beyond `minute`, and of the other claims the 2 * quorum_cells - 1 that expire last.

    The rank is an upper bound of when a cell expires unless it reports again, so the encoded cells keep the quorum
    correct until then.
    """
    beyond, others = np.flatnonzero(claim > minute), np.flatnonzero(claim <= minute)
    if len(others) >= 2 * quorum_cells:
        last = np.maximum(last_activity[others], claim[others]) << _AGE_BITS
        rank = last - np.minimum(minute - claim[others], 2**_AGE_BITS - 1)
        others = others[np.argpartition(rank, -(2 * quorum_cells - 1))[-(2 * quorum_cells - 1) :]]
    positions = np.concatenate([beyond, others])
    claims = np.empty(len(positions), CLAIM)
    claims["cell"] = cells[positions]
    claims["minute"] = claim[positions] - minute
    claims["last_activity"] = last_activity[positions] - minute
    return claims.tobytes()


def decode_claims(state: WatermarkState) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the cells' digests, claims and last activities. # three times [n]"""
    claims = np.frombuffer(state.claims, CLAIM)
    claim, last_activity = claims["minute"].astype(np.int64), claims["last_activity"].astype(np.int64)
    return claims["cell"].astype(np.uint64), claim + state.minute, last_activity + state.minute


Offset = Annotated[int, Meta(ge=0, le=2**63 - 1)]
"""Offset of a record in its partition."""

WatermarkMinute = Annotated[int, Meta(ge=-1, lt=2**31)]
"""Minute of a watermark; -1 before the first record."""


@dataclass(frozen=True)
class Checkpoint:
    """Checkpoint of one partition: the metadata of a commit, from which a successor restores its state.

    The field names are the keys of the committed JSON.
    """

    replay_offset: Offset
    replay_minute: WatermarkMinute
    """The watermark at `replay_offset`."""
    frontier: WatermarkMinute
    """The watermark at the committed offset."""
    voters: Annotated[int, Meta(ge=0, lt=2**31)]
    """Number of cells whose claims count at the committed offset."""
    votes: bytes
    """The claims at `replay_offset`: see `encode_claims`."""
    laggards: bytes | None = None
    """Two bytes of the digest of each cell that needs a longer replay; None for more than MAX_LAGGARDS cells."""


def encode_laggards(digests: NDArray[np.uint64]) -> bytes | None:
    """Encode the cells' digests in 16 bits each for a commit; None for more than MAX_LAGGARDS cells.

    False-positive rate: 1 in 500 at MAX_LAGGARDS (16-bit digests).
    """
    return digests.astype(SHORT_DIGEST).tobytes() if len(digests) <= MAX_LAGGARDS else None


def may_lag(digests: NDArray[np.uint64], laggards: bytes | None) -> NDArray[np.bool_]:
    """Return which of these cells may be laggards: all of them if `laggards` is None. # [n] -> [n]"""
    if laggards is None:
        return np.ones(len(digests), bool)
    return np.isin(digests.astype(SHORT_DIGEST), np.frombuffer(laggards, SHORT_DIGEST))
