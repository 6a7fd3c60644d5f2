"""Two instances of one group: partitions move with their memory, and each cell is told of once."""

import pytest

from tests.eventually import eventually
from tests.service.network import MINUTES, label, told
from tests.service.stage import serving

pytestmark = pytest.mark.broker

QUICK = {"session.timeout.ms": 45_000, "heartbeat.interval.ms": 200}
"""Longer than any wait here: who ends in order leaves the group, and is not waited for."""

OWNED = "faultline_partitions_assigned"


def test_an_instance_that_comes_and_goes_changes_nothing(stage, undisturbed):
    stage.teach(label("drop_storm", "drops"))
    parts = [told(0, 80), told(80, 95), told(95, MINUTES)]
    one, two = (stage.config(kafka={"instance": name, "consumer": QUICK}) for name in ("one", "two"))
    told_so_far = 0

    def tell(part):
        nonlocal told_so_far
        stage.tell(part)
        told_so_far += len(part)

    tell(parts[0])
    with serving(one) as first:
        first.wait_metric(OWNED, 2)
        with serving(two) as second:
            # one partition moves, with alarms open on both
            eventually(lambda: first.metrics()[OWNED] == second.metrics()[OWNED] == 1, "one each", 30)
            tell(parts[1])
            stage.wait_taken(told_so_far)
            second.wait_metric("faultline_ready", 1)
            assert 0 < second.metrics()['faultline_records_total{outcome="in_order"}'] < told_so_far

        # and comes back, while more comes in
        tell(parts[2])
        first.wait_metric(OWNED, 2)
        stage.wait_taken(told_so_far)
        assert first.log.above_info() == []
    assert stage.alarms() == undisturbed.alarms
