"""Feed of a longer period through a real Kafka: the same story, with one sample where there were many minutes."""

import msgspec
import pytest

from detector.bundle.format import write_bundle
from detector.timestamps import iso_time
from tests.service.network import CELLS, FAULTY, SILENT, STRANGE, T0, Trouble, build_bundle, label, told
from tests.service.stage import Stage, serving

pytestmark = [pytest.mark.broker, pytest.mark.slow]

TROUBLES = (Trouble(FAULTY, "drops", 10, 16), Trouble(STRANGE, "power", 12, 20), Trouble(SILENT, None, 12, 18))
END = 34
AUTO = dict.fromkeys(("behind_minutes", "silent_minutes"), "auto")
KNOBS = {
    "minutes": AUTO,
    "alarms": {"score_minutes": "auto", "half_life_minutes": 3, "hold_minutes": "auto", "unknown_minutes": "auto"},
}


@pytest.fixture(params=[15, 60])
def period(request):
    return request.param


@pytest.fixture
def scene(period, broker, topics, tmp_path):
    path = tmp_path / "bundle"
    write_bundle(build_bundle(period=period), path)
    made = Stage(broker.bootstrap, topics, tmp_path, path).create_topics()
    made.teach(label("drop_storm", "drops", period))
    yield made
    made.close()


def bodies(alarms, cell):
    return [msgspec.json.decode(value) for value in alarms.get(cell, [])]


def stories(alarms, cell):
    return [(body["notificationType"], body["specificProblem"]) for body in bodies(alarms, cell)]


def play(scene, records, stops=()):
    """Tells the records to a daemon, which is stopped and started anew after so many of them."""
    for begin, end in zip((0, *stops), (*stops, len(records)), strict=True):
        with serving(scene.config(**KNOBS)) as service:
            scene.tell(records[begin:end])
            scene.wait_taken(end)
            metrics = service.metrics()
    return metrics, scene.alarms()


def test_samples_of_a_longer_period_are_accepted_named_cleared_and_missed(scene, period):
    metrics, alarms = play(scene, told(0, END, TROUBLES, period))

    assert sum(value for name, value in metrics.items() if name.startswith("faultline_rejections_total")) == 0
    assert stories(alarms, FAULTY)[0] == ("notifyNewAlarm", "drop_storm")
    assert stories(alarms, FAULTY)[-1] == ("notifyClearedAlarm", "drop_storm")
    assert {name for _, name in stories(alarms, STRANGE)} == {"unknown"}
    assert stories(alarms, SILENT) == [("notifyNewAlarm", "cell_silent"), ("notifyClearedAlarm", "cell_silent")]
    assert set(alarms) == {FAULTY, STRANGE, SILENT}
    begin = (T0 // period + 10) * period
    onset = bodies(alarms, FAULTY)[0]["additionalInformation"]["onset"]
    assert onset in (iso_time(begin), iso_time(begin + period))  # a quarter of a window shows little


def test_a_restart_anywhere_changes_no_alarm(scene, period):
    records = told(0, END, TROUBLES, period)
    _, alarms = play(scene, records, stops=(13 * len(CELLS), 21 * len(CELLS) + 3))
    again = Stage(scene.bootstrap, f"{scene.prefix}again-", scene.folder, scene.bundle).create_topics()
    again.teach(label("drop_storm", "drops", period))
    _, undisturbed = play(again, records)
    again.close()
    assert alarms == undisturbed
