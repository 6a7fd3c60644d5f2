"""A history is held against its catalogue before anything is computed: period, ranges, units."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from detector.core.features import Catalogue, Feature
from detector.history.parquet import HistoryError
from tests.trainer.files import write_catalogue, write_day
from trainer.__main__ import main
from trainer.data.history import START_MINUTE, ParquetHistory
from trainer.data.history_checks import check_history
from trainer.data.period import frequent_minutes, sample_distances

CELLS = [f"C{number}" for number in range(6)]

SAMPLES = 200

LOAD = Feature("load", "%", "ratio", "identity", 0, 100)
DROPS = Feature("drops", "1", "counter", "log1p", 0, 1e9)


def history(
    folder: Path, columns: dict[Feature, object], step: int = 1, period: int = 1, left_out: float = 0.0
) -> ParquetHistory:
    """A history of SAMPLES samples of each cell, a column of numbers or of one number, in any order of its rows."""
    rng = np.random.default_rng(5)
    cell, number = np.divmod(rng.permutation(len(CELLS) * SAMPLES), SAMPLES)
    kept = rng.random(len(cell)) >= left_out
    cell, number = cell[kept], number[kept]
    values = np.stack(
        [np.broadcast_to(np.asarray(column, np.float32), len(CELLS) * SAMPLES) for column in columns.values()]
    )
    names = [CELLS[index] for index in cell.tolist()]
    features = tuple(columns)
    minute = START_MINUTE + number.astype(np.int64) * step
    write_day(folder, "2026-01-05", names, minute, values.T[kept], [feature.name for feature in features])
    write_catalogue(Catalogue(features, period), folder / "catalogue.yaml")
    return ParquetHistory(folder)


def spread(low: float, high: float) -> np.ndarray:
    return np.linspace(low, high, len(CELLS) * SAMPLES)


@pytest.mark.parametrize("left_out", [0.0, 0.3, 0.6])
@pytest.mark.parametrize("minutes", [1, 5, 15, 30, 60])
def test_a_history_of_the_catalogue_s_period_is_taken_without_a_word(tmp_path, minutes, left_out, capsys):
    check_history(history(tmp_path, {LOAD: spread(1, 99)}, minutes, minutes, left_out))

    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("step", "period", "sentence"),
    [
        (15, 1, "has a sample every 15 minutes, and its catalogue.yaml says 1; set `period_minutes: 15` there."),
        (1, 15, "has a sample every 1 minute, and its catalogue.yaml says 15; set `period_minutes: 1` there."),
        (60, 15, "has a sample every 60 minutes, and its catalogue.yaml says 15; set `period_minutes: 60` there."),
        (10, 5, "has a sample every 10 minutes, and its catalogue.yaml says 5; allowed are 1, 5, 15, 30, 60: give"),
    ],
)
def test_a_history_of_another_period_is_refused_with_what_was_seen(tmp_path, step, period, sentence):
    with pytest.raises(HistoryError) as refused:
        check_history(history(tmp_path, {LOAD: spread(1, 99)}, step, period, left_out=0.2))

    assert str(refused.value).startswith(f"{tmp_path}: {sentence}")


@pytest.mark.parametrize(
    ("feature", "column", "sentence"),
    [
        (LOAD, spread(0, 110), "`load` has 9.1% of its values outside 0 to 100 (seen: 0 to 110)"),
        (LOAD, spread(-10, 90), "`load` has 10.0% of its values outside 0 to 100 (seen: -10 to 90)"),
        (LOAD, np.full(1200, np.nan), "1 feature is never reported in 1,200 samples of the history: `load`."),
        (LOAD, 17.0, "1 feature is constant in 1,200 samples of the history: `load` (17)."),
        (DROPS, 3.0, "1 feature is constant in 1,200 samples of the history: `drops` (3)."),
        (LOAD, spread(0, 1), "`load` reaches 1 of a range to 100 %: shares from 0 to 1 instead of percent?"),
        (LOAD, spread(0, 0.09), "`load` reaches 0.09 of a range to 100 %: another unit?"),
        (
            Feature("temp", "degC", "gauge", "identity", -100, 200),
            spread(0.02, 0.03),
            "`temp` reaches 0.03 of a range to 200",
        ),
    ],
)
def test_a_feature_that_the_catalogue_hardly_describes_is_told_once(tmp_path, feature, column, sentence, capsys):
    check_history(history(tmp_path, {feature: column, replace(LOAD, name="other"): spread(1, 99)}))

    told = capsys.readouterr()
    assert told.out == ""
    (line,) = told.err.splitlines()
    assert line.startswith(f"warning: {tmp_path}/catalogue.yaml: ")
    assert sentence in line


def test_a_counter_that_is_zero_for_a_day_is_told_and_for_some_hours_is_not(tmp_path, capsys):
    check_history(history(tmp_path / "hours", {DROPS: 0.0, LOAD: spread(1, 99)}))
    assert capsys.readouterr().err == ""

    check_history(history(tmp_path / "days", {DROPS: 0.0, LOAD: spread(1, 99)}, step=15, period=15))
    assert "1 feature is constant in 1,200 samples of the history: `drops` (0)." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("feature", "column"),
    [
        (LOAD, np.r_[spread(0, 100)[:-5], np.full(5, 101.0)]),
        (replace(LOAD, name="loss_pct"), np.random.default_rng(1).exponential(0.05, 1200)),
        (DROPS, np.random.default_rng(1).poisson(0.01, 1200)),
        (Feature("delay", "ms", "gauge", "log1p", 0, 1e6), spread(1, 20)),
        (Feature("level", "dBm", "gauge", "identity", -200, 100), spread(-110, -70)),
    ],
)
def test_what_is_ordinary_is_not_told(tmp_path, feature, column, capsys):
    check_history(history(tmp_path, {feature: column}))

    assert capsys.readouterr().err == ""


def test_features_most_of_whose_values_are_impossible_are_refused_together(tmp_path):
    watts = Feature("power", "W", "gauge", "identity", 0, 10)
    columns = {LOAD: spread(90, 200), watts: spread(9, 300), DROPS: spread(0, 9)}

    with pytest.raises(HistoryError) as refused:
        check_history(history(tmp_path, columns))

    sentence = str(refused.value)
    assert sentence.startswith(
        f"{tmp_path}/catalogue.yaml: `load` has 90.8% of its values outside 0 to 100 (seen: 90 to"
    )
    assert "; `power` has 99." in sentence
    assert sentence.endswith("set `low` and `high` to what is possible, in the unit of the history.")


def test_many_findings_are_counted(tmp_path, capsys):
    many = {replace(LOAD, name=f"load{number}"): spread(0, 110) for number in range(14)}
    silent = {replace(LOAD, name=f"silent{number}"): np.full(1200, np.nan) for number in range(14)}

    check_history(history(tmp_path, {**many, **silent}))

    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 12
    assert lines[10].endswith("4 more features are outside their range or unit.")
    assert lines[11].endswith("`silent9` and 4 more.")


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["train", "adapt"])
def test_the_verbs_refuse_it_before_they_compute(tmp_path, verb, capsys, bundle_path):
    history(tmp_path / "history", {LOAD: spread(1, 99)}, step=15)
    more = ["--bundle", str(bundle_path)] if verb == "adapt" else []

    assert main([verb, "--history", str(tmp_path / "history"), "--out", str(tmp_path / "out"), *more]) == 2

    told = capsys.readouterr()
    assert "has a sample every 15 minutes, and its catalogue.yaml says 1; set `period_minutes: 15` there." in told.err
    assert "baselines" not in told.out


def test_the_period_is_the_shortest_frequent_distance():
    cells = np.array([0, 0, 0, 0, 1, 1, 1, -1, 0])
    seconds = np.array([0, 900, 1800, 5400, 0, 900, 900, 60, np.nan])

    assert sorted(sample_distances(cells, seconds).tolist()) == [900, 900, 900, 3600]
    assert frequent_minutes(sample_distances(cells, seconds)) == 15
    assert frequent_minutes(np.zeros(0)) is None
    assert frequent_minutes(np.array([10.0, 10.0, 10.0])) == 1


def test_a_value_outside_its_range_is_not_reported_in_what_is_read(tmp_path):
    column = np.r_[[-np.inf, -1.0, 0.0, 100.0, 101.0, np.inf, 4_294_967_295.0], np.full(1193, 50.0)]

    read = history(tmp_path, {LOAD: column})

    minutes = np.arange(*read.span)
    values = read.read(np.repeat(np.arange(len(CELLS)), len(minutes)), np.tile(minutes, len(CELLS)))
    assert np.isnan(values).sum() == 5
    assert {float(value) for value in values[~np.isnan(values)]} == {0.0, 50.0, 100.0}
