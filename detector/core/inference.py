"""Encode, match and decide: batches of windows in, embeddings and verdicts out, on a thread of their own.

The encoder and the search release the interpreter while they compute, so the road goes on to the next records
meanwhile. Nothing depends on how windows are cut into batches: not the order, as batches are answered in the order they
were given, and not a bit, as the encoder and the library see to that.
"""

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.core.encoder import Embeddings, Encode
from detector.core.scoring.classifier import Classifier, Decisions

SWITCH_SECONDS = 0.001
"""How long the worker waits for the interpreter when its owner is decoding; Python's own 5 ms cost a tenth of all."""


@dataclass(frozen=True)
class InferenceResult:
    """What a batch of windows came to."""

    embeddings: Embeddings
    verdicts: Decisions

    def __getitem__(self, rows: slice) -> "InferenceResult":
        verdicts = Decisions(self.verdicts.kind[rows], self.verdicts.scores[rows])
        return InferenceResult(self.embeddings[rows], verdicts)


class InferenceWorker:
    """One worker and its queue. It ends with its owner."""

    def __init__(self, encode: Encode, timed: Callable[[str], AbstractContextManager[None]]) -> None:
        self._encode, self._timed = encode, timed
        sys.setswitchinterval(SWITCH_SECONDS)
        self._worker = ThreadPoolExecutor(1, "assess")

    def submit(
        self, windows: Sequence[NDArray[np.int8]], minute: NDArray[np.int64], judge: Classifier
    ) -> Future[InferenceResult]:
        """# each int8 [k, 60, F], their last minutes [sum k] -> Assessment of sum k"""
        return self._worker.submit(self._assess, windows, minute, judge)

    def _assess(
        self, windows: Sequence[NDArray[np.int8]], minute: NDArray[np.int64], judge: Classifier
    ) -> InferenceResult:
        batch = windows[0] if len(windows) == 1 else np.concatenate(windows)
        with self._timed("encode"):
            embeddings = self._encode(batch)
        with self._timed("match"):
            return InferenceResult(embeddings, judge.verdicts(embeddings, minute))
