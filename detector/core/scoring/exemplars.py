"""All exemplars, and what an embedding is near to: exact search, one FAISS index per class and one of normal.

A class may hold one exemplar or a thousand: each index is asked for its nearest, so "nearest per class" is exact. What
FAISS says when it has no answer (-1, NaN) ends here.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from detector.core.encoder import Embeddings

NEIGHBOURS = 10
"""How near normal comes is the mean cosine of this many normals: one lucky neighbour says little."""

FAR = 1e4
"""No window lies so far from normal; where FAISS says -inf or NaN, it has none to compare with."""

KINDS = ("fault", "normal", "ignore")

SEVERITIES = ("minor", "major", "critical")
"""Of alarms, ITU-T X.733."""

REPRESENTED = 8
"""Exemplars of a class that windows are compared with: 20,000 labels of 40 classes, all of them compared with, would
take 190 µs a window where so many take 3 (one core, FAISS flat)."""

COLUMNS = ("fault", "ignore", "held")
"""What of them a window is compared with class by class, and in which order; taught normals join the bank."""


@dataclass(frozen=True)
class Exemplar:
    """One labelled episode, embedded: the direction of the mean of its windows."""

    id: str
    name: str
    """Its fault class, or what is to be ignored."""
    kind: str
    direction: NDArray[np.float16]
    """# [D]"""
    shift: NDArray[np.float16]
    """Likewise, the mean of how far from normal they lie. # [S]"""
    cell: str
    minute: int
    """The episode's first."""
    expires: int | None = None
    """Windows from this minute of the network's own time on are not compared with it."""
    held: bool = False
    """In quarantine: a fault that is recognised and counted, and told to nobody."""
    severity: str = ""
    """Of its alarms, as taught; without one the score decides."""
    cause: str = ""
    alarm: str = ""
    """That a person confirmed or rejected with it, …"""
    rejects: str = ""
    """… and what that alarm had wrongly been called."""
    by: str = ""
    """Who taught it, …"""
    taught: int = 0
    """… and in which minute."""


@dataclass(frozen=True)
class NormalProfile:
    """What normal looks like here: a bank to be compared with, and stretches of ordinary life to calibrate on."""

    bank: NDArray[np.float16]
    """# [B, D]"""
    stretches: Embeddings
    """Of contiguous time, `step_minutes` apart. # of [stretches, T]"""
    ends: NDArray[np.int64]
    """Their last minutes: what many of one moment have in common befell the network. # [stretches]"""
    step_minutes: int


@dataclass(frozen=True)
class Matches:
    """How near each query comes: cosines, and how far it goes each class's way."""

    normal: NDArray[np.float32]
    """Mean cosine to its nearest normals. # [n]"""
    cosine: NDArray[np.float32]
    """To the nearest exemplar of each class. # [n, C]"""
    pull: NDArray[np.float32]
    """How far from normal, the way of the class's exemplar that pulls most: a matched filter of variance about 1.
    # [n, C]"""
    nearest: NDArray[np.int64]
    """Which exemplar that is, by its place in `Library.exemplars`. # [n, C]"""


class ExemplarIndex:
    """The exemplars of one moment, searchable. Never changed: a new label makes a new library."""

    def __init__(self, exemplars: Sequence[Exemplar], normal: NormalProfile, threads: int = 0) -> None:
        self.exemplars = sorted(exemplars, key=lambda exemplar: (exemplar.name, exemplar.id))
        self.normal = normal
        members = _by_column(self.exemplars)
        self.faults, self.ignores, self.held = ([name for kind, name in members if kind == k] for k in COLUMNS)
        self._threads = threads
        _keep_queries_apart(threads)
        taught_normal = [exemplar.direction for exemplar in self.exemplars if exemplar.kind == "normal"]
        self._normal = _index(np.concatenate([normal.bank, *[row[None] for row in taught_normal]]))
        self._members = [self._representatives(places) for places in members.values()]
        self._classes = [_index(np.stack([self.exemplars[p].direction for p in places])) for places in self._members]
        self._ways = [_index(_unit(np.stack([self.exemplars[p].shift for p in places]))) for places in self._members]

    @cached_property
    def digest(self) -> str:
        """Of all exemplars, in whatever order they came."""
        total = sum(int.from_bytes(identity(exemplar)) for exemplar in self.exemplars)
        return f"{total % 2**64:016x}"

    def at(self, minute: int) -> "ExemplarIndex":
        """What of it counts for a window of this minute; the faults, held or not, are always the same."""
        left = [one for one in self.exemplars if one.expires is None or minute < one.expires]
        return self if len(left) == len(self.exemplars) else ExemplarIndex(left, self.normal, self._threads)

    def match(self, embeddings: Embeddings) -> Matches:
        """Nearest normals and, per class (faults, ignores, then faults held), the nearest exemplar. # of n"""
        queries = np.ascontiguousarray(embeddings.direction, np.float32)
        shifts = np.ascontiguousarray(embeddings.shift, np.float32)
        normals, places = self._normal.search(queries, min(NEIGHBOURS, self._normal.ntotal))
        cosine = np.empty((len(queries), len(self._classes)), np.float32)
        pull = np.empty_like(cosine)
        nearest = np.empty((len(queries), len(self._classes)), np.int64)
        for column, (index, ways) in enumerate(zip(self._classes, self._ways, strict=True)):
            found, place = index.search(queries, 1)
            pull[:, column] = ways.search(shifts, 1)[0][:, 0]
            cosine[:, column] = np.where(place[:, 0] >= 0, found[:, 0], -1)
            nearest[:, column] = self._members[column][np.maximum(place[:, 0], 0)]
        normal = np.where(places >= 0, normals, np.float32(-1)).mean(axis=1)
        return Matches(_rounded(normal), _rounded(cosine), _rounded(np.maximum(pull, -FAR)), nearest)

    def _representatives(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Of too many exemplars of a class, some that leave none of them far from the nearest: each is the one farthest
        from those before (Gonzalez, 1985). # [m] -> [at most REPRESENTED]
        """
        if len(places) <= REPRESENTED:
            return places
        directions = np.stack([self.exemplars[place].direction for place in places.tolist()]).astype(np.float32)
        chosen = [int(np.argmax(_cosines(directions, directions.mean(axis=0))))]
        nearest = _cosines(directions, directions[chosen[0]])
        while len(chosen) < REPRESENTED:
            chosen.append(int(np.argmin(nearest)))
            nearest = np.maximum(nearest, _cosines(directions, directions[chosen[-1]]))
        return places[sorted(chosen)]


def _cosines(directions: NDArray[np.float32], one: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rounded, so that the same are chosen on every machine. # [m, D], [D] -> [m]"""
    return np.asarray(np.rint((directions * one).sum(axis=1) * 1e4))


def identity(exemplar: Exemplar) -> bytes:
    """Of all that an exemplar says. # 8 bytes"""
    parts = [
        part.tobytes() if isinstance(part, np.ndarray) else repr(part).encode() for part in vars(exemplar).values()
    ]
    return hashlib.sha256(b"\0".join(parts)).digest()[:8]


def _by_column(exemplars: Sequence[Exemplar]) -> dict[tuple[str, str], NDArray[np.int64]]:
    """Places of the exemplars of each (kind, name) that windows are compared with, in the order of the columns."""
    places: dict[tuple[int, str], list[int]] = {}
    for place, exemplar in enumerate(exemplars):
        kind = "held" if exemplar.kind == "fault" and exemplar.held else exemplar.kind
        if kind in COLUMNS:
            places.setdefault((COLUMNS.index(kind), exemplar.name), []).append(place)
    return {(COLUMNS[kind], name): np.array(members) for (kind, name), members in sorted(places.items())}


def _index(directions: NDArray[np.floating]) -> "faiss.IndexFlatIP":  # type: ignore[name-defined]  # noqa: F821
    import faiss

    index = faiss.IndexFlatIP(directions.shape[1])
    index.add(np.ascontiguousarray(directions, np.float32))
    return index


def _unit(shifts: NDArray[np.float16]) -> NDArray[np.float32]:
    single = shifts.astype(np.float32)
    return np.asarray(single / np.maximum(np.linalg.norm(single, axis=1, keepdims=True), 1e-6))


def _keep_queries_apart(threads: int) -> None:
    """From 20 queries on FAISS would multiply matrices, whose bits depend on the batch; query by query they do not."""
    import faiss

    faiss.cvar.distance_compute_blas_threshold = np.iinfo(np.int32).max
    if threads:
        faiss.omp_set_num_threads(threads)


def _rounded(cosine: NDArray[np.float32]) -> NDArray[np.float32]:
    """To 1e-4: far below what matters, far above what an instruction set changes."""
    return np.rint(cosine * np.float32(1e4)) * np.float32(1e-4)
