"""What the daemon's alarms are worth over days of life: through its own pipeline, at a budget of false alarms.

`python -m benchmarks.quality.continuous A 70101`: operator, seed. Some six minutes on two cores.
"""

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.quality.stage import CELLS, JUDGED, TAUGHT, Stage
from detector.backtest.matching import BacktestAlarm, ClassCounts, Episode, rate, share, tally
from detector.backtest.replay import replay
from detector.bundle.format import Bundle
from detector.bundle.verification import open_bundle
from detector.config.schema import Config
from detector.core.lifecycle import NEW, SILENT
from detector.core.scoring.classifier import Classifier
from detector.core.scoring.exemplars import ExemplarIndex
from trainer.pretrained.shipped import SHIPPED
from trainer.simulator import FAULTS, OPERATOR_A, OPERATOR_B, Operator, effects

BUDGET = 5.0
OPERATORS = {"A": OPERATOR_A, "B": OPERATOR_B}
FELT_MINUTES = 60
"""A window holds what was an hour ago: an alarm is false where no fault was at work for so long, spills included."""

Figure = tuple[float, float, float]


@dataclass(frozen=True)
class Nights:
    """What came of one network's days."""

    tallies: dict[str, ClassCounts]
    false: list[BacktestAlarm]

    def figures(self, where: str) -> dict[str, Figure]:
        """Each with its 95 % interval; the minutes with their quartiles."""
        told = list(self.tallies.values())
        episodes, visible = sum(one.episodes for one in told), sum(one.visible for one in told)
        minutes = [minute for one in told for minute in one.minutes]
        late = np.quantile(minutes, [0.5, 0.25, 0.75]) if minutes else np.full(3, np.nan)
        return {
            f"episodes named right, {where}": share(sum(one.right for one in told), episodes),
            f"of those with effect >= 2, {where}": share(sum(one.visible_right for one in told), visible),
            f"misnamed, {where}": share(sum(one.misnamed for one in told), episodes),
            f"minutes to detection, median and quartiles, {where}": (float(late[0]), float(late[1]), float(late[2])),
            f"false alarms per 1,000 cells and day, {BUDGET:g} promised, {where}": rate(
                len(self.false), CELLS * JUDGED
            ),
        }


def watch(bundle: Bundle, operator: Operator, seed: int) -> Nights:
    """Adapts the bundle, teaches ten episodes, and replays the days."""
    stage = Stage(operator, seed)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "bundle"
        stage.adapt(bundle, path)
        adapted, encode = open_bundle(path, 0)
        settings = replace(Config(bundle=str(path)).settings_at(1), budget=BUDGET)
        library = ExemplarIndex(list(stage.exemplars(adapted, encode)), adapted.normal)
        judge = Classifier(library, settings.weights, settings.budget)
        events = replay(stage.days, adapted, encode, judge, settings)
        raised = [BacktestAlarm(e.alarm.cell, e.alarm.name, e.minute) for e in events if e.change == NEW]
    return Nights(tally(_truth(stage), raised, set(TAUGHT)), [alarm for alarm in raised if _is_false(stage, alarm)])


def _truth(stage: Stage) -> list[Episode]:
    names = stage.network.names
    cell, begin, end = (np.array([getattr(e, name) for e in stage.put]) for name in ("cell", "begin", "end"))
    seen = effects(stage.life, cell, begin, end)
    return [
        Episode(names[e.cell], e.fault.name, "fault", e.begin, e.end, float(effect))
        for e, effect in zip(stage.put, seen, strict=True)
    ]


def _is_false(stage: Stage, alarm: BacktestAlarm) -> bool:
    minute = np.arange(alarm.minute - FELT_MINUTES, alarm.minute + 1)
    told = stage.life.labels(np.full(len(minute), stage.network.names.index(alarm.cell)), minute).name
    faulty = any(name in FAULTS and FAULTS[name].kind == "fault" for name in told.tolist())
    return alarm.name != SILENT and not faulty


def main() -> int:
    where, seed = sys.argv[1], int(sys.argv[2])
    bundle, _ = open_bundle(SHIPPED, 0)
    nights = watch(bundle, OPERATORS[where], seed)
    for name, one in nights.tallies.items():
        print(f"  {name:<22} right {one.right:3d}  misnamed {one.misnamed:3d}  of {one.episodes}")
    for name, (figure, low, high) in nights.figures(where).items():
        print(f"{name}: {figure:.3f} ({low:.3f}-{high:.3f})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
