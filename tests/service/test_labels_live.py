"""A label that arrives while the daemon runs: it counts from then on, without a restart, and until it is retired."""

import msgspec
import pytest

from detector.labels import write_label
from tests.service.network import CATALOGUE, STRANGE, Trouble, label, told
from tests.service.stage import serving

pytestmark = pytest.mark.broker

LIVE_SECONDS = 5

OUTAGE = (Trouble(STRANGE, "power", 70, 200),)
"""From minute 70 on, and for good."""

FAULTS = 'faultline_exemplars{kind="fault"}'
REFUSED = "faultline_labels_refused_total"


def stories(stage):
    bodies = [msgspec.json.decode(value) for value in stage.alarms().get(STRANGE, [])]
    changes = ("notifyNewAlarm", "notifyClearedAlarm")
    return [(b["notificationType"], b["specificProblem"]) for b in bodies if b["notificationType"] in changes]


def test_a_label_counts_at_once_and_until_it_is_retired(stage):
    stage.teach(label("drop_storm", "drops"))
    first, second, third = told(0, 90, OUTAGE), told(90, 95, OUTAGE), told(95, 96, OUTAGE)
    stage.tell(first)
    with serving(stage.config()) as service:
        # given a fault that nobody has taught
        stage.wait_taken(len(first))
        assert stories(stage) == [("notifyNewAlarm", "unknown")]
        assert service.metrics()[FAULTS] == 1

        # when it is taught
        stage.teach(label("power_loss", "power"))
        service.wait_metric(FAULTS, 2, LIVE_SECONDS)

        # then its name replaces what it was called before
        stage.tell(second)
        stage.wait_taken(len(first + second))
        named = [("notifyClearedAlarm", "unknown"), ("notifyNewAlarm", "power_loss")]
        assert stories(stage)[1:] == named

        # and when the label is retired, its alarm ends with the cell's next minute
        stage.put_label(b"power_loss-1", None)
        service.wait_metric(FAULTS, 1, LIVE_SECONDS)
        stage.tell(third)
        stage.wait_taken(len(first + second + third))
        assert stories(stage)[3:] == [("notifyClearedAlarm", "power_loss"), ("notifyNewAlarm", "unknown")]
        cleared = [msgspec.json.decode(value) for value in stage.alarms()[STRANGE]][-2]
        assert cleared["additionalInformation"]["supersededBy"] == "the label was retired"
        assert service.log.above_info() == []


BAD_LABELS = {
    b"other-catalogue": (write_label(label("foreign", "power", catalogue="0123456789abcdef")), "another catalogue"),
    b"garbage": (b"\xff\x00 not a label", "a label cannot be read"),
    b"not-base64": (write_label(label("broken", "power")).replace(b'"values":"', b'"values":"*'), "cannot be read"),
    b"too-short": (write_label(label("short", "power", values=b"\0" * 40)), "60 to 1440 can be embedded"),
    b"no-spread": (write_label(label("flat", "power", baseline=bytes(2 * 4 * len(CATALOGUE)))), "no positive spread"),
    b"beyond-time": (write_label(label("far_future", "power", minute=10**30)), "a label cannot be read"),
    b"our-own-name": (write_label(label("unknown", "power")), "is what Faultline itself says"),
}


def test_a_label_that_cannot_be_used_is_refused_with_a_line_and_the_others_stand(stage):
    stage.teach(label("drop_storm", "drops"))
    with serving(stage.config()) as service:
        service.wait_metric(FAULTS, 1)
        for refused, (key, (value, reason)) in enumerate(BAD_LABELS.items(), start=1):
            stage.put_label(key, value)
            service.wait_log(refused, LIVE_SECONDS)
            assert reason in service.log.above_info()[-1], key
        service.wait_metric(REFUSED, len(BAD_LABELS))
        assert service.metrics()[FAULTS] == 1

    # and those that lie there at a start are refused likewise
    with serving(stage.config()) as service:
        assert service.metrics()[REFUSED] == len(BAD_LABELS)
        assert service.metrics()[FAULTS] == 1
