"""A label that arrives while the daemon runs: it counts from then on, without a restart, and until it is retired."""

import msgspec
import numpy as np
import pytest

from detector.labels.label import MAX_LABEL_BYTES, write_label
from tests.service.network import CATALOGUE, STRANGE, Trouble, label, told
from tests.service.stage import serving

pytestmark = pytest.mark.broker

LIVE_SECONDS = 5

OUTAGE = (Trouble(STRANGE, "power", 70, 200),)
"""From minute 70 on, and for good."""

FAULTS = 'faultline_exemplars{kind="fault"}'
REFUSED = "faultline_labels_refused_total"


def test_a_label_counts_at_once_and_until_it_is_retired(stage):
    stage.teach(label("drop_storm", "drops"))
    parts = [told(0, 90, OUTAGE), told(90, 95, OUTAGE), told(95, 96, OUTAGE)]
    with serving(stage.config()) as service:
        # given a fault that nobody has taught
        stage.tell(parts[0])
        stage.wait_taken(len(parts[0]))
        service.wait_metric(FAULTS, 1)

        # when it is taught, and more comes in
        stage.teach(label("power_loss", "power"))
        service.wait_metric(FAULTS, 2, LIVE_SECONDS)
        stage.tell(parts[1])
        stage.wait_taken(len(parts[0] + parts[1]))

        # and when the label is retired before the cell's next minute
        stage.put_label(b"power_loss-1", None)
        service.wait_metric(FAULTS, 1, LIVE_SECONDS)
        stage.tell(parts[2])
        stage.wait_taken(len(parts[0] + parts[1] + parts[2]))
        assert service.log.above_info() == []

    # then the name replaces what the fault was called before, and goes with the label
    said = [msgspec.json.decode(value) for value in stage.alarms()[STRANGE]]
    said = [body for body in said if body["notificationType"] != "notifyChangedAlarm"]
    assert [(body["notificationType"], body["specificProblem"]) for body in said] == [
        ("notifyNewAlarm", "unknown"),
        ("notifyClearedAlarm", "unknown"),
        ("notifyNewAlarm", "power_loss"),
        ("notifyClearedAlarm", "power_loss"),
        ("notifyNewAlarm", "unknown"),
    ]
    assert said[3]["additionalInformation"]["supersededBy"] == "the label was retired"


BAD_LABELS = {
    b"other-catalogue": (write_label(label("foreign", "power", catalogue="0123456789abcdef")), "another catalogue"),
    b"garbage": (b"\xff\x00 not a label", "a label cannot be read"),
    b"not-base64": (write_label(label("broken", "power")).replace(b'"values":"', b'"values":"*'), "cannot be read"),
    b"too-short": (
        write_label(label("short", "power", values=bytes(2 * 4 * len(CATALOGUE)))),
        "has 2 minutes, and 60 to 1440 are allowed",
    ),
    b"no-spread": (write_label(label("flat", "power", baseline=bytes(2 * 4 * len(CATALOGUE)))), "no positive spread"),
    b"beyond-time": (write_label(label("far_future", "power", minute=10**30)), "a label cannot be read"),
    b"all-nan": (
        write_label(label("blank", "power", values=np.full(90 * len(CATALOGUE), np.nan, "<f4").tobytes())),
        "reports nothing for an hour",
    ),
    b"infinite": (
        write_label(label("endless", "power", values=np.full(90 * len(CATALOGUE), np.inf, "<f4").tobytes())),
        "holds an infinity",
    ),
    b"huge": (b"x" * (MAX_LABEL_BYTES + 1), "a label has 8,000,001 bytes, and at most 8,000,000 are allowed"),
    b"expiring-fault": (write_label(label("brief", "power", expires=29_000_000)), "a fault does not expire"),
    b"our-own-name": (write_label(label("unknown", "power")), "unknown is the name of an alarm of Faultline itself"),
}


def test_a_label_that_cannot_be_used_is_refused_with_a_line_and_the_others_stand(stage):
    # given one that lies there at the start
    first, *others = BAD_LABELS.items()
    stage.teach(label("drop_storm", "drops"))
    stage.put_label(first[0], first[1][0])
    with serving(stage.config()) as service:
        assert service.metrics()[REFUSED] == 1
        assert first[1][1] in service.log.above_info()[-1]

        # and others that come while it runs
        for refused, (key, (value, reason)) in enumerate(others, start=2):
            stage.put_label(key, value)
            service.wait_metric(REFUSED, refused, LIVE_SECONDS)
            assert reason in service.log.above_info()[-1], key
        assert len(service.log.above_info()) == len(BAD_LABELS)
        assert service.metrics()[FAULTS] == 1


LARGEST = 104_000_000
"""Bytes, about the longest record that a broker takes at all where a topic allows it."""


def test_the_largest_record_that_a_broker_takes_is_no_label_and_hides_none(bare_stage):
    limits = {"cleanup.policy": "compact", "max.message.bytes": str(LARGEST + 1_000_000)}
    stage = bare_stage.create_topics(labels={"partitions": 1, "config": limits})
    stage.put_label(b"huge", bytes(LARGEST))
    stage.teach(label("drop_storm", "drops"))
    with serving(stage.config()) as service:
        assert service.metrics()[REFUSED] == 1
        assert service.metrics()[FAULTS] == 1
        stage.put_label(b"another", bytes(LARGEST))
        stage.teach(label("power_loss", "power"))
        service.wait_metric(FAULTS, 2)
        assert service.metrics()[REFUSED] == 2
