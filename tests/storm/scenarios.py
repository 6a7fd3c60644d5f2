"""All scenarios by name, in the order in which they are played."""

from functools import partial

from tests.storm import kills
from tests.storm.storm import Scenario

POINTS = (
    "after poll",
    "before begin",
    "between produce and offsets",
    "between offsets and commit",
    "right after commit",
)

SCENARIOS: dict[str, Scenario] = {
    "killed at random": kills.random_kills,
    **{f"killed {point}": partial(kills.killed_at, point) for point in POINTS},
    "killed in mid-replay": kills.killed_in_replay,
    "killed in mid label rebuild": kills.killed_in_label_rebuild,
    "stopped": kills.stopped,
}
