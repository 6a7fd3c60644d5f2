"""`faultline replay`: the pipeline gives over files what it gives over the topic, and a report of what it is worth."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from detector.__main__ import main
from detector.backtest.matching import BacktestAlarm, Episode, false_alarms, rate, read_episodes, share, tally
from detector.backtest.replay import build_labels, replay
from detector.bundle.format import read_bundle
from detector.config.schema import Config
from detector.core.encoder import Encoder
from detector.core.ingest.samples import Records
from detector.core.lifecycle import Event
from detector.core.pipeline import Pipeline
from detector.history.parquet import HistoryError, ParquetDays
from detector.labels.label import write_label
from detector.labels.store import LabelStore
from trainer.__main__ import main as trainer
from trainer.simulation.record_encoder import minute_records
from trainer.simulator import prepare_scenario, read_scenario

pytestmark = pytest.mark.slow

SCENARIO = """
network: {cells: 24, seed: 5}
days: 0.25
faults:
  - {class: cell_outage, cell: A00002-1, at: "02:00", minutes: 90, severity: 1}
  - {class: cell_outage, cell: A00005-2, at: "03:00", minutes: 90, severity: 1}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six hours of the town, with the same fault in two cells."""
    out = tmp_path_factory.mktemp("replayed")
    (out / "two.yaml").write_text(SCENARIO)
    assert trainer(["simulate", str(out / "two.yaml"), "--out", str(out / "history"), "--workers", "1"]) == 0
    lines = (out / "history" / "episodes.csv").read_text().splitlines()
    (out / "taught.csv").write_text("\n".join(lines[:2]) + "\n")
    return out


def told(events: list[Event]) -> list[tuple[str, str, str, int]]:
    return sorted((event.alarm.cell, event.alarm.name, event.change, event.minute) for event in events)


@pytest.mark.bitwise
def test_a_replay_raises_what_the_same_records_raise_as_json(folder: Path, bundle_path: Path, encode: Encoder) -> None:
    bundle, days = read_bundle(bundle_path), ParquetDays(folder / "history")
    settings = replace(Config(bundle=str(bundle_path)).settings_at(1), min_coverage=0.5)
    labels = LabelStore(bundle, encode, settings, 0)
    for label in build_labels(days, bundle, read_episodes(folder / "taught.csv")):
        labels.put(label.id.encode(), write_label(label))
    judge = labels.classifier()
    ready = prepare_scenario(read_scenario(str(folder / "two.yaml")), "two")
    pipeline = Pipeline(bundle.catalogue, bundle.baseline, encode, judge, settings)
    pipeline.assign(0, None, [])
    sent: list[Event] = []
    cells, names = np.arange(24), ready.timeline.network.names
    for number, minute in enumerate(range(*ready.span)):
        values = ready.timeline.reported_values(cells, np.full(24, minute))
        rows = list(minute_records(names, minute, values, bundle.catalogue.names))
        offsets = number * 24 + np.arange(24)
        records = Records(0, offsets, [key for key, _, _ in rows], [body for _, body, _ in rows])
        sent += pipeline.process([(records, True)]).events

    replayed = list(replay(days, bundle, encode, judge, settings))

    assert told(replayed) == told(sent)
    assert {("A00005-2", "cell_outage"), ("A00002-1", "cell_outage")} <= {row[:2] for row in told(sent)}


def test_the_command_writes_notifications_and_a_report(
    folder: Path, bundle_path: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    alarms, report = tmp_path / "alarms.jsonl", tmp_path / "report.json"
    files = ["--alarms", str(alarms), "--report", str(report)]
    source = ["--history", str(folder / "history"), "--teach", str(folder / "taught.csv")]

    assert main(["replay", "--bundle", str(bundle_path), *source, *files]) == 0

    figures = json.loads(report.read_text())
    assert figures["classes"]["cell_outage"]["episodes"] == 1  # the one that was taught is no test
    assert figures["cell_days"] == pytest.approx(24 * 0.25, abs=0.1)
    rows = [json.loads(line) for line in alarms.read_text().splitlines()]
    assert {row["notificationType"] for row in rows} <= {"notifyNewAlarm", "notifyChangedAlarm", "notifyClearedAlarm"}
    assert len([row for row in rows if row["notificationType"] == "notifyNewAlarm"]) == figures["alarms"]
    printed = capfd.readouterr().out
    assert "cell_" in printed  # the first column gives way to the figures in a hundred columns
    assert "false alarms per 1,000 cells and day" in printed


@pytest.mark.parametrize("flag", ["--alarms", "--report"])
@pytest.mark.parametrize("place", ["gone/x.json", ""])
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_read(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], flag: str, place: str
) -> None:
    nothing = ["--history", str(tmp_path / "none"), "--teach", str(tmp_path / "none"), "--bundle", str(tmp_path)]

    assert main(["replay", *nothing, flag, str(tmp_path / place)]) == 2

    said = capfd.readouterr().err
    assert said.startswith(f"faultline: {tmp_path / place}: ")
    assert said.count("\n") == 1


@pytest.mark.parametrize("flag", ["--alarms", "--report"])
def test_a_disk_that_is_full_in_the_end_is_told_in_one_sentence(
    folder: Path, bundle_path: Path, capfd: pytest.CaptureFixture[str], flag: str
) -> None:
    source = ["--history", str(folder / "history"), "--teach", str(folder / "taught.csv")]

    assert main(["replay", "--bundle", str(bundle_path), *source, flag, "/dev/full"]) == 2

    told = capfd.readouterr().err.splitlines()[-1]
    assert told.startswith("faultline: /dev/full: cannot be written (No space left on device)")


def test_a_history_of_other_features_is_refused(folder: Path, bundle_path: Path, encode: Encoder) -> None:
    bundle, days = read_bundle(bundle_path), ParquetDays(folder / "history")
    days.catalogue = replace(days.catalogue, features=days.catalogue.features[:5])
    judge = LabelStore(bundle, encode, Config(bundle="").settings_at(1), 0).classifier()

    with pytest.raises(HistoryError, match=r"has the catalogue \w+ of features, and the bundle \w+; train a bundle"):
        next(iter(replay(days, bundle, encode, judge, Config(bundle="").settings_at(1))))


def test_cells_in_files_of_changing_names_are_one_block(folder: Path, tmp_path: Path) -> None:
    (file,) = (folder / "history").glob("day=*/*.parquet")
    for day, name in (("2026-01-05", "a.parquet"), ("2026-01-06", "b.parquet")):
        (tmp_path / f"day={day}").mkdir()
        (tmp_path / f"day={day}" / name).write_bytes(file.read_bytes())
    (tmp_path / "catalogue.yaml").write_bytes((folder / "history" / "catalogue.yaml").read_bytes())

    days = ParquetDays(tmp_path)

    assert days.blocks == 1
    assert [len(samples) for samples in days.days(0)] == [24 * 360, 24 * 360]


OUTAGE = Episode("a", "outage", "fault", 100, 160, effect=9.0)
CROWD = Episode("b", "crowd", "ignore", 100, 160, effect=9.0)


@pytest.mark.parametrize(
    ("alarms", "right", "misnamed", "unknown", "minutes"),
    [
        ([BacktestAlarm("a", "outage", 110)], 1, 0, 0, [10]),
        ([BacktestAlarm("a", "loss", 105), BacktestAlarm("a", "outage", 130)], 1, 0, 0, [30]),
        ([BacktestAlarm("a", "loss", 110)], 0, 1, 0, []),
        ([BacktestAlarm("a", "unknown", 110)], 0, 0, 1, []),
        ([BacktestAlarm("a", "outage", 219)], 1, 0, 0, [119]),
        ([BacktestAlarm("a", "outage", 220)], 0, 0, 0, []),
        ([BacktestAlarm("a", "outage", 99), BacktestAlarm("b", "outage", 110)], 0, 0, 0, []),
    ],
)
def test_an_episode_is_named_right_misnamed_unknown_or_missed(
    alarms: list[BacktestAlarm], right: int, misnamed: int, unknown: int, minutes: list[int]
) -> None:
    counted = tally([OUTAGE, CROWD], alarms, {"outage", "loss"})["outage"]

    assert (counted.episodes, counted.right, counted.misnamed, counted.unknown) == (1, right, misnamed, unknown)
    assert (counted.minutes, counted.visible, counted.visible_right) == (minutes, 1, right)


def test_an_alarm_with_no_fault_behind_it_is_false_be_it_at_a_crowd() -> None:
    alarms = [
        *(BacktestAlarm("a", "outage", 120), BacktestAlarm("a", "outage", 300), BacktestAlarm("b", "outage", 120)),
        *(BacktestAlarm("c", "unknown", 120), BacktestAlarm("c", "cell_silent", 120)),
    ]

    assert false_alarms([OUTAGE, CROWD], alarms) == [alarms[1], alarms[2], alarms[3]]


def test_intervals_are_those_of_the_tables() -> None:
    # Given Wilson's interval of 8 of 10, and the exact Poisson interval of 10 events, 4.80 to 18.39,
    assert share(8, 10) == pytest.approx((0.8, 0.4902, 0.9433), abs=1e-3)
    assert rate(10, 1000) == pytest.approx((10, 4.795, 18.39), abs=0.02)
    assert rate(0, 1000)[:2] == (0, 0)
    assert rate(0, 1000)[2] == pytest.approx(3.69, abs=0.3)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("a,outage,fault,200,100", "line 2: the episode ends at 100, not after its begin at 200"),
        ("a,outage,boring,100,200", "line 2: kind is 'boring'; allowed are fault and ignore"),
        ("a,outage,fault,noon,200", "line 2: begin and end must be whole minutes since 1970"),
    ],
)
def test_a_bad_line_of_episodes_is_named(tmp_path: Path, line: str, sentence: str) -> None:
    path = tmp_path / "episodes.csv"
    path.write_text(f"cell,class,kind,begin,end\n{line}\n")

    with pytest.raises(HistoryError, match=sentence):
        read_episodes(path)


def test_adapt_makes_a_bundle_for_another_network_without_training(
    folder: Path, bundle_path: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    flags = ["--bundle", str(bundle_path), "--history", str(folder / "history"), "--days", "1", "--stretches", "70"]

    assert trainer(["adapt", *flags, "--out", str(tmp_path / "b")]) == 0

    old, new = read_bundle(bundle_path), read_bundle(tmp_path / "b")
    for name in ("first", "second", "hidden", "out"):
        np.testing.assert_array_equal(new.weights[name], old.weights[name])
    assert new.manifest.trained_on["encoder_of"] == old.digest
    assert [name.decode() for name in new.baseline.cells] == prepare_scenario(
        read_scenario(str(folder / "two.yaml")), ""
    ).timeline.network.names
    assert trainer(["adapt", *flags[:2], "--history", str(tmp_path / "b"), "--out", str(tmp_path / "c")]) == 2
    assert "catalogue.yaml: cannot be read" in capfd.readouterr().err
