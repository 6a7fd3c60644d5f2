"""Inference: batches of windows in, embeddings and decisions out, on a thread of its own.

The encoder and the search release the interpreter while they compute, so the pipeline takes the next records meanwhile.
The result does not depend on how windows are cut into batches. Batches are answered in the order of submission, and
encoder and exemplar index give the same bits for any batch.
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
"""Longest wait of the worker for the interpreter while its owner decodes; Python's own 5 ms cost a tenth of all."""


@dataclass(frozen=True)
class InferenceResult:
    """Result of one batch of windows."""

    embeddings: Embeddings
    decisions: Decisions

    def __getitem__(self, rows: slice) -> "InferenceResult":
        decisions = Decisions(self.decisions.kind[rows], self.decisions.scores[rows])
        return InferenceResult(self.embeddings[rows], decisions)


class InferenceWorker:
    """Inference worker: one thread and its queue. It ends with its owner."""

    def __init__(self, encode: Encode, stage_timer: Callable[[str], AbstractContextManager[None]]) -> None:
        self._encode, self._stage_timer = encode, stage_timer
        sys.setswitchinterval(SWITCH_SECONDS)
        self._executor = ThreadPoolExecutor(1, "assess")

    def submit(
        self, windows: Sequence[NDArray[np.int8]], minute: NDArray[np.int64], classifier: Classifier
    ) -> Future[InferenceResult]:
        """Queue a batch. # each int8 [k, 60, F], their last minutes [sum k] -> InferenceResult of sum k"""
        return self._executor.submit(self._infer, windows, minute, classifier)

    def _infer(
        self, windows: Sequence[NDArray[np.int8]], minute: NDArray[np.int64], classifier: Classifier
    ) -> InferenceResult:
        batch = windows[0] if len(windows) == 1 else np.concatenate(windows)
        with self._stage_timer("encode"):
            embeddings = self._encode(batch)
        with self._stage_timer("match"):
            return InferenceResult(embeddings, classifier.decide(embeddings, minute))
