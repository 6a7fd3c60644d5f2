"""The scores of the last minutes of every cell, and their finite weighted mean.

Finite, so that the state is a function of that many minutes of the log and of nothing before. The embeddings are kept
beside the scores: when a label arrives, the past is scored anew, as if the label had always been there.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from detector.core.encoder import Embeddings

LEAST_WEIGHT = 0.5
"""Share of the kernel that must have been seen for a mean to count: half of it, or a gap would act like a fault."""

_NEVER = -1


class ScoreHistory:
    """One ring per cell of `keep_minutes` scores (faults in the library's order, `unknown` last) and embeddings."""

    def __init__(self, limit: int, dimension: int, shift: int, weights: NDArray[np.float32], keep_minutes: int) -> None:
        self._weights = weights
        self._keep = keep_minutes
        self._minute = np.full((limit, keep_minutes), _NEVER, np.int32)
        self._direction = np.zeros((limit, keep_minutes, dimension), np.float16)
        self._size = np.zeros((limit, keep_minutes), np.float16)
        self._shift = np.zeros((limit, keep_minutes, shift), np.float16)
        self._score = np.zeros((limit, keep_minutes, 1), np.float16)
        self._stale = np.zeros(limit, bool)
        """Whose scores are another library's."""

    def begin(self, rows: NDArray[np.int64]) -> None:
        """These rows are new cells'."""
        self._minute[rows] = _NEVER
        self._stale[rows] = False

    def push(
        self, rows: NDArray[np.int64], minute: NDArray[np.int64], embeddings: Embeddings, scores: NDArray[np.float16]
    ) -> None:
        """The newest minute of these cells, all different. # scores [n, classes]"""
        slot = minute % self._keep
        self._minute[rows, slot] = minute
        self._direction[rows, slot] = embeddings.direction
        self._size[rows, slot] = embeddings.size
        self._shift[rows, slot] = embeddings.shift
        self._score[rows, slot] = scores

    def judge_by(self, score: Callable[[Embeddings, NDArray[np.int64]], NDArray[np.float16]], classes: int) -> None:
        """The library has changed: each cell's kept minutes are scored anew, by embedding and minute, when it is next
        refreshed. All at once would hold the loop up for 1.3 to 2.8 s per 10,000 cells (1 to 320 labels), and again
        for the next label.
        """
        self._score = np.zeros((*self._score.shape[:2], classes), np.float16)
        self._judge = score
        self._stale[:] = True

    def refresh(self, rows: NDArray[np.int64]) -> None:
        """To be called before anything is asked of these cells, all different."""
        stale = rows[self._stale[rows]]
        if len(stale):
            self.rescore(stale)

    def rescore(self, rows: NDArray[np.int64]) -> None:
        for part in np.array_split(rows, -(-len(rows) // 256)):
            minute = self._minute[part].astype(np.int64)
            minute = np.where(minute == _NEVER, minute.max(), minute)
            kept = Embeddings(self._direction[part], self._size[part], self._shift[part])
            scores = self._judge(kept.reshaped(-1), minute.reshape(-1))
            self._score[part] = scores.reshape(len(part), self._keep, -1)
        self._stale[rows] = False

    def smoothed(self, rows: NDArray[np.int64], minute: NDArray[np.int64]) -> NDArray[np.float32]:
        """The weighted mean up to `minute`, NaN where too few minutes were scored. # [n] -> [n, classes]"""
        back = minute[:, None] - np.arange(len(self._weights))
        slot = back % self._keep
        there = self._minute[rows[:, None], slot] == back
        weight = np.where(there, self._weights, np.float32(0))
        total = weight.sum(axis=1)
        parts = self._score[rows[:, None], slot].astype(np.float32) * weight[:, :, None]
        # Accumulated, as a sum may be taken in any order: the same cell gives the same bits beside any neighbours.
        mean = np.add.accumulate(parts, axis=1)[:, -1]
        enough = total >= LEAST_WEIGHT * self._weights.sum()
        return np.where(enough[:, None], mean / np.maximum(total, 1e-6)[:, None], np.nan).astype(np.float32)

    def newest(self, row: int) -> int:
        """The last minute of a cell that was scored."""
        return int(self._minute[row].max())

    def embedding(self, row: int, minute: int) -> Embeddings | None:
        """What was scored for that minute, if it was. # of one window"""
        slot = minute % self._keep
        if self._minute[row, slot] != minute:
            return None
        return Embeddings(self._direction[row, slot][None], self._size[row, slot][None], self._shift[row, slot][None])

    def reaching(self, rows: NDArray[np.int64], score: float) -> NDArray[np.bool_]:
        """Which cells have any score of this height in their ring: no mean of the others' can reach it. # [n]"""
        return np.asarray((self._score[rows] >= np.float16(score - 0.01)).any(axis=(1, 2)))

    def history(self, row: int, minute: int, minutes: int) -> NDArray[np.float32]:
        """The smoothed scores of one cell over the last `minutes`, oldest first. # [minutes, classes]"""
        span = np.arange(minute - minutes + 1, minute + 1)
        return self.smoothed(np.full(minutes, row, np.int64), span)

    def raw(self, row: int, minute: int, minutes: int) -> NDArray[np.float32]:
        """The unsmoothed scores likewise, NaN where there is none. # [minutes, classes]"""
        span = np.arange(minute - minutes + 1, minute + 1)
        there = self._minute[row, span % self._keep] == span
        return np.where(there[:, None], self._score[row, span % self._keep].astype(np.float32), np.nan)
