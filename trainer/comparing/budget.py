"""How many steps a number of minutes allows, alike for every loss; and when they are over."""

from collections.abc import Sequence
from time import monotonic

from detector.core.networks.registry import spec_of
from trainer.calibration.whitening import Normality
from trainer.comparing.contestants import Contestant
from trainer.comparing.course import schedule_of
from trainer.comparing.material import Material
from trainer.data.sampler import Batches
from trainer.errors import TrainingError
from trainer.training.learner import Learner

PROBE = 20
"""Steps by which the pace is taken, after the first, which compiles."""

SHARE = 0.7
"""Of the minutes, planned with: examinations are dearer than a step, and a machine is not always as fast."""

FEWEST = 100
"""Steps below which no loss has shown anything: the warm-up's length."""


class Budget:
    """Minutes that begin now; None never ends."""

    def __init__(self, minutes: float | None) -> None:
        self.minutes, self._begin = minutes, monotonic()

    def is_over(self) -> bool:
        return self.minutes is not None and monotonic() - self._begin > 60 * self.minutes

    def steps(self, asked: int, runs: Sequence[Contestant], material: Material) -> int:
        """As many as asked for, or as there is time for in every run. Raises TrainingError where that is too few."""
        if self.minutes is None:
            return asked
        paces = {encoder: _pace(encoder, material) for encoder in dict.fromkeys(run.encoder for run in runs)}
        begin = sum(paces[run.encoder][0] for run in runs)
        each = sum(paces[run.encoder][1] for run in runs)
        allowed = int((60 * self.minutes * SHARE - begin) / each)
        fewest = min(FEWEST, asked)
        if allowed < fewest:
            raise TrainingError(
                f"--budget-minutes {self.minutes:g} allow {max(allowed, 0)} steps for each of {len(runs)} trainings,"
                f" and less than {fewest} show nothing; give more minutes, or fewer losses, encoders or seeds."
            )
        return min(allowed, asked)


def _pace(encoder: str, material: Material) -> tuple[float, float]:
    """Seconds until a training's first step is done, and of every other."""
    contestant = Contestant("supervised_contrastive", encoder=encoder)
    batches = Batches(material.learned, material.base_classes, material.catalogue, 0)
    begin = monotonic()
    spec = spec_of(encoder, len(material.catalogue))
    learner = Learner(spec, schedule_of(contestant, 0, 1000), Normality.of(material.learned, spec))
    learner.learn(0, *batches.draw(0))
    first = monotonic()
    for step in range(1, PROBE + 1):
        learner.learn(step, *batches.draw(step))
    return first - begin, (monotonic() - first) / PROBE
