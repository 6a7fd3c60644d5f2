"""All scenarios by name, in the order in which they are played."""

from functools import partial

from tests.storm import brokers, kills, rebalances
from tests.storm.storm import Scenario

POINTS = (
    "after poll",
    "before begin",
    "between produce and offsets",
    "between offsets and commit",
    "right after commit",
)

ASLEEP = ("after poll", "before begin", "between produce and offsets", "between offsets and commit")

SCENARIOS: dict[str, Scenario] = {
    "killed at random": kills.random_kills,
    **{f"killed {point}": partial(kills.killed_at, (point,)) for point in POINTS},
    "killed in mid-replay": kills.killed_in_replay,
    "killed in mid label rebuild": partial(kills.killed_in_mid, kills.LABEL),
    "killed in mid bundle swap": partial(kills.killed_in_mid, kills.BUNDLE),
    "killed for its memory": kills.killed_for_its_memory,
    "stopped": kills.stopped,
    "1 → 3 → 2 → 3 instances": partial(rebalances.come_and_go, rebalances.AWAKE),
    "the same, group.protocol consumer": partial(rebalances.come_and_go, rebalances.NEW),
    "revoked in mid-batch": rebalances.revoked_in_mid_batch,
    "assigned in mid-replay": rebalances.assigned_in_mid_replay,
    **{f"zombie, asleep {place}": partial(rebalances.zombie, place) for place in ASLEEP},
    "two of one name": rebalances.one_name_for_two,
    "broker killed": brokers.killed_broker,
    "broker away": brokers.away,
    "broker away while idle": brokers.away_while_idle,
    "leaders and coordinators move": brokers.leaders_move,
    "throttled": brokers.throttled,
    "producer's queue full": brokers.full_queue,
}
