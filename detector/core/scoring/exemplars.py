"""Exemplar index: all exemplars, searchable by an embedding. One exact FAISS index per class, and one of normal.

A class may hold one exemplar or a thousand: each class has its own index, so "nearest per class" is exact. FAISS
answers without a match (-1, NaN) do not leave this module.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from detector.core.encoder import Embeddings

NEIGHBOURS = 10
"""Similarity to normal is the mean cosine of this many normals: a single neighbour may be near by chance."""

FAR = 1e4
"""More than any window's distance from normal. Replaces -inf and NaN, which FAISS returns if its index is empty."""

MAX_REPRESENTATIVES = 8
"""Largest number of a class's exemplars that windows are compared with.

With 20,000 labels of 40 classes, a window takes 3 µs; compared with all exemplars, it would take 190 µs (one core,
FAISS flat).
"""

COLUMNS = ("fault", "ignore", "quarantined")
"""Kinds of columns that a window is compared with, in their order; taught normals are added to the normal bank."""


@dataclass(frozen=True)
class Exemplar:
    """Embedding of one labelled episode: the direction of the mean of its windows."""

    id: str
    name: str
    """Its fault class, or the name of the situation to ignore."""
    kind: str
    direction: NDArray[np.float16]
    """# [D]"""
    shift: NDArray[np.float16]
    """Mean shift of its windows from normal. # [S]"""
    cell: str
    minute: int
    """First minute of the episode."""
    expires: int | None = None
    """First minute, in event time, whose windows are no longer compared with this exemplar."""
    is_quarantined: bool = False
    """True for a fault that is recognised and counted, but raises no alarm."""
    severity: str = ""
    """Severity of its alarms, as taught; if empty, the score decides."""
    cause: str = ""
    alarm: str = ""
    """Id of the alarm that a person confirmed or rejected with this label."""
    rejects: str = ""
    """Wrong class of the rejected alarm."""
    author: str = ""
    """Person who taught the label."""
    taught_minute: int = 0


@dataclass(frozen=True)
class NormalProfile:
    """Normal profile of this network: a bank to compare windows with, and stretches of normal data to calibrate on."""

    bank: NDArray[np.float16]
    """# [B, D]"""
    stretches: Embeddings
    """Windows of contiguous time, `step_samples` apart. # of [stretches, T]"""
    ends: NDArray[np.int64]
    """Last minutes of the stretches. # [stretches]

    They are used to detect network-wide events: many stretches that score high at the same time.
    """
    step_samples: int


@dataclass(frozen=True)
class Matches:
    """Matches of n windows: cosines to normal and to each class, and distances along each class's shift."""

    normal: NDArray[np.float32]
    """Mean cosine to the nearest normals. # [n]"""
    cosine: NDArray[np.float32]
    """Cosine to the nearest exemplar of each class. # [n, C]"""
    shift_projection: NDArray[np.float32]
    """Projection of the window's shift on an exemplar's unit shift, the largest of each class. # [n, C]

    It is a matched filter of variance about 1, and the distance from normal along the exemplar's shift.
    """
    nearest_exemplar: NDArray[np.int64]
    """Position of the exemplar with that cosine in `ExemplarIndex.exemplars`. # [n, C]"""


class ExemplarIndex:
    """Search by embedding over the exemplars in force. Immutable: a new label requires a new index."""

    def __init__(self, exemplars: Sequence[Exemplar], normal: NormalProfile, threads: int = 0) -> None:
        self.exemplars = sorted(exemplars, key=lambda exemplar: (exemplar.name, exemplar.id))
        self.normal = normal
        columns = _by_column(self.exemplars)
        self.faults, self.ignores, self.quarantined_faults = (
            [name for kind, name in columns if kind == column_kind] for column_kind in COLUMNS
        )
        self._threads = threads
        _search_query_by_query(threads)
        taught_normals = [exemplar.direction for exemplar in self.exemplars if exemplar.kind == "normal"]
        self._normal = _index(np.concatenate([normal.bank, *[direction[None] for direction in taught_normals]]))
        self._members = [self._representatives(positions) for positions in columns.values()]
        self._directions = [
            _index(np.stack([self.exemplars[position].direction for position in positions]))
            for positions in self._members
        ]
        self._shifts = [
            _index(_unit(np.stack([self.exemplars[position].shift for position in positions])))
            for positions in self._members
        ]

    @cached_property
    def digest(self) -> str:
        """Digest of all exemplars, independent of their order."""
        total = sum(int.from_bytes(identity(exemplar)) for exemplar in self.exemplars)
        return f"{total % 2**64:016x}"

    def at(self, minute: int) -> "ExemplarIndex":
        """Return the index for a window of this minute, without expired exemplars; the faults are always the same."""
        valid_exemplars = [
            exemplar for exemplar in self.exemplars if exemplar.expires is None or minute < exemplar.expires
        ]
        return (
            self
            if len(valid_exemplars) == len(self.exemplars)
            else ExemplarIndex(valid_exemplars, self.normal, self._threads)
        )

    def match(self, embeddings: Embeddings) -> Matches:
        """Find the nearest normals and, per class, the nearest exemplar. # of n

        The columns are the faults, the ignores, then the quarantined faults.
        """
        queries = np.ascontiguousarray(embeddings.direction, np.float32)
        shifts = np.ascontiguousarray(embeddings.shift, np.float32)
        normals, positions = self._normal.search(queries, min(NEIGHBOURS, self._normal.ntotal))
        cosine = np.empty((len(queries), len(self._directions)), np.float32)
        shift_projection = np.empty_like(cosine)
        nearest_exemplar = np.empty((len(queries), len(self._directions)), np.int64)
        for column, (directions, class_shifts) in enumerate(zip(self._directions, self._shifts, strict=True)):
            cosines, member = directions.search(queries, 1)
            shift_projection[:, column] = class_shifts.search(shifts, 1)[0][:, 0]
            cosine[:, column] = np.where(member[:, 0] >= 0, cosines[:, 0], -1)
            nearest_exemplar[:, column] = self._members[column][np.maximum(member[:, 0], 0)]
        normal = np.where(positions >= 0, normals, np.float32(-1)).mean(axis=1)
        return Matches(_round(normal), _round(cosine), _round(np.maximum(shift_projection, -FAR)), nearest_exemplar)

    def _representatives(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Choose representatives of a class, so that no exemplar is far from its nearest representative.

        Each is the exemplar farthest from the previous ones (Gonzalez, 1985). # [m] -> [at most MAX_REPRESENTATIVES]
        """
        if len(positions) <= MAX_REPRESENTATIVES:
            return positions
        directions = np.stack([self.exemplars[position].direction for position in positions.tolist()])
        directions = directions.astype(np.float32)
        representatives = [int(np.argmax(_cosines(directions, directions.mean(axis=0))))]
        best_cosines = _cosines(directions, directions[representatives[0]])
        while len(representatives) < MAX_REPRESENTATIVES:
            representatives.append(int(np.argmin(best_cosines)))
            best_cosines = np.maximum(best_cosines, _cosines(directions, directions[representatives[-1]]))
        return positions[sorted(representatives)]


def _cosines(directions: NDArray[np.float32], direction: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return cosines rounded to 1e-4, in units of it, so that every machine chooses the same. # [m, D], [D] -> [m]"""
    return np.asarray(np.rint((directions * direction).sum(axis=1) * 1e4))


def identity(exemplar: Exemplar) -> bytes:
    """Return a digest of all fields of an exemplar. # 8 bytes"""
    parts = [
        part.tobytes() if isinstance(part, np.ndarray) else repr(part).encode() for part in vars(exemplar).values()
    ]
    return hashlib.sha256(b"\0".join(parts)).digest()[:8]


def _by_column(exemplars: Sequence[Exemplar]) -> dict[tuple[str, str], NDArray[np.int64]]:
    """Return the positions of the exemplars of each (kind, name) that is a column, in the order of the columns."""
    positions: dict[tuple[int, str], list[int]] = {}
    for position, exemplar in enumerate(exemplars):
        kind = "quarantined" if exemplar.kind == "fault" and exemplar.is_quarantined else exemplar.kind
        if kind in COLUMNS:
            positions.setdefault((COLUMNS.index(kind), exemplar.name), []).append(position)
    return {(COLUMNS[kind], name): np.array(members) for (kind, name), members in sorted(positions.items())}


def _index(directions: NDArray[np.floating]) -> "faiss.IndexFlatIP":  # type: ignore[name-defined]  # noqa: F821
    import faiss

    index = faiss.IndexFlatIP(directions.shape[1])
    index.add(np.ascontiguousarray(directions, np.float32))
    return index


def _unit(shifts: NDArray[np.float16]) -> NDArray[np.float32]:
    single = shifts.astype(np.float32)
    return np.asarray(single / np.maximum(np.linalg.norm(single, axis=1, keepdims=True), 1e-6))


def _search_query_by_query(threads: int) -> None:
    """Make FAISS search query by query.

    For 20 or more queries FAISS would use a matrix product, whose rounding depends on the batch.
    """
    import faiss

    faiss.cvar.distance_compute_blas_threshold = np.iinfo(np.int32).max
    if threads:
        faiss.omp_set_num_threads(threads)


def _round(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Round to 1e-4: far below any relevant difference, far above the differences between instruction sets."""
    return np.rint(values * np.float32(1e4)) * np.float32(1e-4)
