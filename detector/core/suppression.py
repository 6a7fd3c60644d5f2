"""Suppressed episodes: faults in quarantine and ignored situations, which are recognised and raise no alarm."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.core.ingest.micro_batch import MicroBatch
from detector.core.scoring.classifier import Classifier, SuppressedClass
from detector.core.scoring.score_history import ScoreWindow


@dataclass(frozen=True, kw_only=True)
class SuppressedEpisode:
    """Suppressed episode: it was recognised and raised no alarm."""

    cell: str
    name: str
    """Its fault class, or the name of the ignored situation."""
    reason: str
    """As of `SuppressedClass`."""
    minute: int
    """The minute in which its score reached the threshold."""


class SuppressionTracker:
    """Tracker of the suppressed episodes that continue, by partition, so that each is counted once."""

    def __init__(self, classifier: Classifier, clear_margin: float) -> None:
        self._clear_margin = clear_margin
        self._episodes: dict[int, set[tuple[str, SuppressedClass]]] = {}
        self.use_classifier(classifier)

    def use_classifier(self, classifier: Classifier) -> None:
        """Track the suppressed classes of this classifier from now on."""
        self._classes = list(classifier.suppressed_classes)
        self._first_column = len(classifier.classes)
        self._threshold = classifier.threshold
        self._lower_threshold = classifier.threshold - self._clear_margin

    def drop(self, partition: int) -> None:
        """Forget the episodes of a partition."""
        self._episodes.pop(partition, None)

    def step(self, batch: MicroBatch, names: Sequence[str], scores: ScoreWindow) -> list[SuppressedEpisode]:
        """Return the episodes that begin with this micro-batch. One ends below the lower threshold, without a hold.

        # of the due cells: names [k], scores of k
        """
        if not self._classes:
            return []
        smoothed = scores.smoothed[:, self._first_column :]
        episodes = self._episodes.setdefault(batch.partition, set())
        if episodes:
            positions_above = np.argwhere(smoothed >= self._lower_threshold).tolist()
            continuing_episodes = {(names[position], self._classes[column]) for position, column in positions_above}
            due_cells = set(names)
            episodes -= {
                episode for episode in episodes if episode[0] in due_cells and episode not in continuing_episodes
            }
        new_episodes = []
        for position, column in np.argwhere(smoothed >= self._threshold).tolist():
            cell, suppressed_class = names[position], self._classes[column]
            if (cell, suppressed_class) in episodes:
                continue
            episodes.add((cell, suppressed_class))
            new_episodes.append(
                SuppressedEpisode(
                    cell=cell,
                    name=suppressed_class.name,
                    reason=suppressed_class.reason,
                    minute=int(batch.minute[position]),
                )
            )
        return new_episodes

    def restore(self, partition: int, name: str, history: NDArray[np.float32]) -> None:
        """Restore the episodes of a cell that continue after a replay, so that none is counted twice.

        # history: the smoothed scores of its last minutes, oldest first: [m, columns]
        """
        continues = np.zeros(len(self._classes), bool)
        for scores in history[:, self._first_column :]:
            is_above = (scores >= self._threshold) | (continues & (scores >= self._lower_threshold))
            continues = np.where(np.isnan(scores), continues, is_above)
        episodes = self._episodes.setdefault(partition, set())
        episodes |= {(name, self._classes[column]) for column in np.flatnonzero(continues).tolist()}
