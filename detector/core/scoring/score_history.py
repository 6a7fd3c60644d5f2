"""Score history: the scores of every cell's last samples, and their finite weighted mean.

The mean is finite, so that the state depends on that many minutes of the log and on nothing before. The embeddings are
kept beside the scores. When a label arrives, the past minutes are scored again, as if the label had always existed.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.core.encoder import Embeddings

MIN_WEIGHT_SHARE = 0.5
"""Share of the kernel that must be covered by scores for a mean to count: with less, a gap would look like a fault."""

_NEVER = -1


class ScoreHistory:
    """Rings of the scores and embeddings of `keep_minutes`, one per cell. The columns are those of the classifier."""

    def __init__(
        self,
        limit: int,
        dimension: int,
        shift: int,
        weights: NDArray[np.float32],
        keep_minutes: int,
        *,
        period_minutes: int = 1,
    ) -> None:
        """`weights` are those of the smoothed score, newest sample first."""
        self._weights, self._period = weights, period_minutes
        self._length = length = keep_minutes // period_minutes
        self._minute = np.full((limit, length), _NEVER, np.int32)
        self._direction = np.zeros((limit, length, dimension), np.float16)
        self._size = np.zeros((limit, length), np.float16)
        self._shift = np.zeros((limit, length, shift), np.float16)
        self._score = np.zeros((limit, length, 1), np.float16)
        self._is_stale = np.zeros(limit, bool)
        """True for rows whose scores were computed by a previous classifier."""

    @property
    def period_minutes(self) -> int:
        """Minutes from one sample to the next."""
        return self._period

    def reset(self, rows: NDArray[np.int64]) -> None:
        """Empty the rings of these rows."""
        self._minute[rows] = _NEVER
        self._is_stale[rows] = False

    def push(
        self, rows: NDArray[np.int64], minute: NDArray[np.int64], embeddings: Embeddings, scores: NDArray[np.float16]
    ) -> None:
        """Store the newest minute of these cells, all different. # scores [n, columns]"""
        slot = self._slot(minute)
        self._minute[rows, slot] = minute
        self._direction[rows, slot] = embeddings.direction
        self._size[rows, slot] = embeddings.size
        self._shift[rows, slot] = embeddings.shift
        self._score[rows, slot] = scores

    def use_classifier(
        self, score: Callable[[Embeddings, NDArray[np.int64]], NDArray[np.float16]], columns: int
    ) -> None:
        """Replace the classifier. Each cell's stored minutes are scored again at its next refresh.

        To score all cells at once would stop the loop for 1.3 to 2.8 s per 10,000 cells (1 to 320 labels), and again
        for the next label.

        # score: embeddings and minutes of n windows -> [n, columns]
        """
        self._score = np.zeros((*self._score.shape[:2], columns), np.float16)
        self._score_windows = score
        self._is_stale[:] = True

    def refresh(self, rows: NDArray[np.int64]) -> None:
        """Bring these cells' scores up to date; required before any of them is read. All rows must differ."""
        stale_rows = rows[self._is_stale[rows]]
        if len(stale_rows):
            self.rescore(stale_rows)

    def rescore(self, rows: NDArray[np.int64]) -> None:
        """Score all stored minutes of these cells by the current classifier."""
        for part in np.array_split(rows, -(-len(rows) // 256)):
            minute = self._minute[part].astype(np.int64)
            minute = np.where(minute == _NEVER, minute.max(), minute)
            embeddings = Embeddings(self._direction[part], self._size[part], self._shift[part])
            scores = self._score_windows(embeddings.reshaped(-1), minute.reshape(-1))
            self._score[part] = scores.reshape(len(part), self._length, -1)
        self._is_stale[rows] = False

    def smoothed_scores(self, rows: NDArray[np.int64], minute: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the weighted means up to `minute`, NaN where too few minutes were scored. # [n] -> [n, columns]"""
        minutes = minute[:, None] - self._period * np.arange(len(self._weights))
        slot = self._slot(minutes)
        is_scored = self._minute[rows[:, None], slot] == minutes
        weight = np.where(is_scored, self._weights, np.float32(0))
        total = weight.sum(axis=1)
        parts = self._score[rows[:, None], slot].astype(np.float32) * weight[:, :, None]
        # Accumulated, as a sum may be taken in any order: the same cell gives the same bits beside any neighbours.
        mean = np.add.accumulate(parts, axis=1)[:, -1]
        is_enough = total >= MIN_WEIGHT_SHARE * self._weights.sum()
        return np.where(is_enough[:, None], mean / np.maximum(total, 1e-6)[:, None], np.nan).astype(np.float32)

    def newest_minute(self, row: int) -> int:
        """Return the last minute of a cell that was scored."""
        return int(self._minute[row].max())

    def embedding(self, row: int, minute: int) -> Embeddings | None:
        """Return the embedding of a cell's minute, None if that minute was not scored. # of one window"""
        slot = int(minute) // self._period % self._length
        if self._minute[row, slot] != minute:
            return None
        return Embeddings(self._direction[row, slot][None], self._size[row, slot][None], self._shift[row, slot][None])

    def may_reach(self, rows: NDArray[np.int64], score: float) -> NDArray[np.bool_]:
        """Return which cells have a score this high in their ring; the means of the others cannot reach it. # [n]"""
        return np.asarray((self._score[rows] >= np.float16(score - 0.01)).any(axis=(1, 2)))

    def smoothed_history(self, row: int, minute: int, minutes: int) -> NDArray[np.float32]:
        """Return a cell's smoothed scores over the `minutes` up to `minute`, oldest first. # [m, columns]"""
        span = self._span(minute, minutes)
        return self.smoothed_scores(np.full(len(span), row, np.int64), span)

    def raw_history(self, row: int, minute: int, minutes: int) -> NDArray[np.float32]:
        """Return a cell's unsmoothed scores likewise, NaN where a sample was not scored. # [m, columns]"""
        span = self._span(minute, minutes)
        is_scored = self._minute[row, self._slot(span)] == span
        scores = self._score[row, self._slot(span)].astype(np.float32)
        return np.where(is_scored[:, None], scores, np.nan)

    def _slot(self, minute: NDArray[np.int64]) -> NDArray[np.int64]:
        return minute // self._period % self._length

    def _span(self, minute: int, minutes: int) -> NDArray[np.int64]:
        """Return the samples of the `minutes` up to the sample of `minute`, oldest first. # [m]"""
        return minute - self._period * np.arange(minutes // self._period - 1, -1, -1)

    def window(self, rows: NDArray[np.int64], minute: NDArray[np.int64], is_needed: NDArray[np.bool_]) -> "ScoreWindow":
        """Return the scores of one micro-batch; `smoothed` is computed where it is needed, else NaN. # [n] each"""
        smoothed = np.full((len(rows), self._score.shape[2]), np.nan, np.float32)
        positions = np.flatnonzero(is_needed)
        smoothed[positions] = self.smoothed_scores(rows[positions], minute[positions])
        return ScoreWindow(rows=rows, minute=minute, smoothed=smoothed, score_history=self)


@dataclass(frozen=True, kw_only=True)
class ScoreWindow:
    """Scores of the due cells of one micro-batch: all scores that one step of the alarm lifecycle needs.

    A cell's history is read on demand, because a step needs it for few cells.
    """

    rows: NDArray[np.int64]
    """# [n]"""
    minute: NDArray[np.int64]
    """# [n]"""
    smoothed: NDArray[np.float32]
    """Weighted means up to `minute`, in the classifier's columns. NaN where no alarm can follow. # [n, columns]"""
    score_history: ScoreHistory

    @property
    def period_minutes(self) -> int:
        return self.score_history.period_minutes

    def smoothed_history(self, position: int, column: int, minutes: int) -> NDArray[np.float32]:
        """Return the smoothed scores of one cell and column over the last `minutes`, oldest first. # [m]"""
        return self.score_history.smoothed_history(int(self.rows[position]), int(self.minute[position]), minutes)[
            :, column
        ]

    def raw_history(self, position: int, column: int, minutes: int) -> NDArray[np.float32]:
        """Return the unsmoothed scores likewise, NaN where a minute was not scored. # [m]"""
        return self.score_history.raw_history(int(self.rows[position]), int(self.minute[position]), minutes)[:, column]
