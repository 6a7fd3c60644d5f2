"""A draft tells what a network's own data shows, and says where it is unsure."""

import csv
import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.config.catalogue import read_catalogue
from detector.core.features import Catalogue, Feature
from tests.trainer.files import write_day
from trainer.__main__ import main
from trainer.catalogue_draft.draft import CatalogueDraft, draft_catalogue
from trainer.catalogue_draft.feature_draft import draft_feature, round_up
from trainer.catalogue_draft.files import chosen, sample_files
from trainer.catalogue_draft.names import read_name
from trainer.catalogue_draft.statistics import value_statistics
from trainer.catalogue_draft.table import rows_table, text_column
from trainer.catalogue_draft.times import column_seconds
from trainer.catalogue_draft.writer import draft_yaml, is_unedited
from trainer.data.history import START_MINUTE, ParquetHistory, SimulatedHistory
from trainer.data.history_checks import check_history
from trainer.simulator import OPERATOR_B, Network

CELLS = [f"BER{site:03d}-{sector}" for site in range(5) for sector in "123"]

BEGIN = START_MINUTE * 60

STEPS = 40


@dataclass(frozen=True)
class Sample:
    """One sample of one cell, as a foreign table has it."""

    cell: str
    seconds: int
    attempts: int
    success: float
    delay: float
    level: float


def samples(period_seconds: int) -> Iterator[Sample]:
    rng = np.random.default_rng(7)
    for step in range(STEPS):
        for number, cell in enumerate(CELLS):
            yield Sample(
                cell=cell,
                seconds=BEGIN + step * period_seconds,
                attempts=int(rng.poisson(40 * (1 + number))),
                success=min(101.0, 98 + rng.normal()),
                delay=float(rng.gamma(2, 20)),
                level=-95 + 4 * rng.normal(),
            )


def german_csv(path: Path, period_seconds: int) -> None:
    """Semicolons, decimal commas, Latin-1, columns in another case, milliseconds, and what is no measurement."""
    with path.open("w", encoding="latin-1", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["Zelle", "Ort", "PCI", "ZEITSTEMPEL", "RRC Versuche", "Erfolgsrate %", "DELAY_MS", "RSRP_dBm"])
        for sample in samples(period_seconds):
            numbers = [f"{value:.3f}".replace(".", ",") for value in (sample.success, sample.delay, sample.level)]
            row = [sample.cell, "Köln", CELLS.index(sample.cell), sample.seconds * 1000, sample.attempts, *numbers]
            writer.writerow(row)


def english_csv(path: Path, period_seconds: int) -> None:
    """Commas, points, times as people write them, gaps as N/A; compressed."""
    with gzip.open(path.with_suffix(".csv.gz"), "wt", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["Start Time", "Cell Name", "site", "rrc_att", "ho_success_rate", "avg_delay_ms", "rsrp"])
        for number, sample in enumerate(samples(period_seconds)):
            time = np.datetime64(sample.seconds, "s").item().strftime("%d/%m/%Y %H:%M")
            success = "N/A" if number % 7 == 0 else f"{sample.success:.2f}"
            writer.writerow([time, sample.cell, sample.cell[:6], sample.attempts, success, sample.delay, sample.level])


def records(path: Path, period_seconds: int) -> None:
    """The records of the input topic, one on each line, and one line that a crash has cut."""
    with path.open("w") as file:
        for sample in samples(period_seconds):
            time = f"{np.datetime64(sample.seconds, 's')}Z"
            features = {"rrc_att": sample.attempts, "ho_sr": sample.success, "delay_ms": sample.delay, "never": None}
            file.write(json.dumps({"cell": sample.cell, "time": time, "features": {**features, "rsrp": sample.level}}))
            file.write("\n")
        file.write('{"cell": "BER0')


def flat_array(path: Path, period_seconds: int) -> None:
    """One array of flat records, the cell a number, the times in nanoseconds."""
    rows = [
        {
            "eci": 21_000 + CELLS.index(sample.cell),
            "ts": sample.seconds * 10**9,
            "tac": 7,
            "hoAttempts": sample.attempts,
        }
        | {"hoSuccessRate": sample.success, "avgDelayMs": sample.delay, "sinrDb": 20 + sample.level / 10}
        for sample in samples(period_seconds)
    ]
    path.write_text(json.dumps(rows, indent=1))


def spark_parquet(path: Path, period_seconds: int) -> None:
    """A folder of parts with a timestamp and a dictionary, beside files that are none of the data."""
    rows = list(samples(period_seconds))
    table = pyarrow.table(
        {
            "MEASOBJLDN": pyarrow.array([row.cell for row in rows]).dictionary_encode(),
            "startTime": pyarrow.array([row.seconds * 1_000_000 for row in rows], pyarrow.timestamp("us", "UTC")),
            "RRC.ConnEstabAtt.sum": pyarrow.array([row.attempts for row in rows], pyarrow.int64()),
            "Quota.Rate": pyarrow.array([row.success for row in rows], pyarrow.float32()),
            "DRB.AirIfDelayDl": pyarrow.array([row.delay for row in rows]),
            "rsrp": pyarrow.array([str(row.level) for row in rows], pyarrow.binary()),
            "vendor": ["x"] * len(rows),
        }
    )
    folder = path.with_name("minutes.parquet")
    folder.mkdir()
    half = len(rows) // 2
    pyarrow.parquet.write_table(table.slice(0, half), folder / "part-00000.snappy.parquet", row_group_size=100)
    pyarrow.parquet.write_table(table.slice(half), folder / "part-00001.snappy.parquet", row_group_size=100)
    (folder / "_SUCCESS").touch()
    (folder / "episodes.csv").write_text("cell,class\n")


FORMS = {"german": german_csv, "english": english_csv, "records": records, "array": flat_array, "spark": spark_parquet}


@pytest.mark.parametrize("period_minutes", [1, 5, 15, 60])
@pytest.mark.parametrize("form", FORMS)
def test_the_table_of_a_stranger_is_understood(
    tmp_path: Path, form: str, period_minutes: int, capsys: pytest.CaptureFixture[str]
) -> None:
    FORMS[form](tmp_path / "data.txt", period_minutes * 60)
    data, out = [str(path) for path in tmp_path.iterdir()], tmp_path / "catalogue.yaml"

    assert main(["catalogue", *data, "--out", str(out)]) == 0, capsys.readouterr().err

    read = read_catalogue(out)
    assert (read.period_minutes, read.stamp) == (period_minutes, "begin")
    attempts, success, delay, level = read.features
    assert (attempts.kind, attempts.transform, attempts.low) == ("counter", "log1p", 0)
    assert (success.kind, success.unit, success.low, success.high) == ("ratio", "%", 0, 110)
    assert (delay.kind, delay.transform, delay.unit) == ("gauge", "log1p", "ms")
    assert (level.kind, level.transform) == ("gauge", "identity")
    assert level.unit in ("dBm", "dB")
    assert f"4 features of {len(CELLS)} cells, a sample every {period_minutes} min" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("header", "row", "period"),
    [
        ("Date,Hour,Cell,granPeriod,load_pct", "{0:%d.%m.%Y},{0.hour},C{1},3600,{2}", 60),
        ("Date;Time;Cell;granPeriod;load_pct", "{0:%Y-%m-%d};{0:%H:%M};C{1};PT900S;{2}", 15),
        ("Time,Date,Cell,load_pct", "{0:%H:%M:%S} - later,{0:%Y-%m-%d},C{1},{2}", 15),
        ("Datum;Uhrzeit;Zelle;load_pct", "{0:%d.%m.%Y};{0:%H:%M};C{1};{2}", 15),
    ],
)
def test_a_date_and_a_time_of_the_day_are_put_together(tmp_path, header, row, period):
    begin = datetime(2026, 1, 5, tzinfo=UTC)
    rows = [
        row.format(begin + timedelta(minutes=period * step), cell, round(value, 2))
        for step, value in enumerate(NOISE)
        for cell in range(3)
    ]
    (tmp_path / "data.csv").write_text("\n".join([header, *rows]))

    draft = draft_catalogue(sample_files([tmp_path / "data.csv"]))

    assert draft.period_minutes == period
    assert [part.feature.name for part in draft.features] == ["load_pct"]


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("ho_success_rate", [97 + minute % 4 for minute in range(30)], "ratio"),
        ("data_rate", [5_000.0 + minute for minute in range(30)], "gauge"),
        ("data_rate_mbps", [50.0 + minute for minute in range(30)], "gauge"),
        ("overload_count", [minute % 4 for minute in range(30)], "counter"),
        ("cpu load", [50.5 + minute for minute in range(30)], "ratio"),
        ("Auslastung", [50.5 + minute for minute in range(30)], "ratio"),
        ("dropped_packets", [minute % 4 for minute in range(30)], "counter"),
        ("mean_dropped", [0.5 * (minute % 4) for minute in range(30)], "gauge"),
    ],
)
def test_name_and_values_decide_together(tmp_path, name, values, kind):
    (part,) = drafted(tmp_path, {name: values}).features

    assert part.feature.kind == kind


def simulated(network: Network) -> tuple[SimulatedHistory, np.ndarray, np.ndarray]:
    history = SimulatedHistory(network, (START_MINUTE, START_MINUTE + 1440))
    minutes = np.arange(*history.span)
    return history, np.repeat(np.arange(network.cells), len(minutes)), np.tile(minutes, network.cells)


@pytest.mark.parametrize(
    ("network", "shares"),
    [
        (Network(8, seed=9), {"kind": 0.95, "transform": 0.95, "unit": 0.9}),
        # Names keep the unit of the first operator, `_kb`, where the second delivers MB.
        pytest.param(Network(12, seed=9, operator=OPERATOR_B), {"unit": 0.8}, marks=pytest.mark.slow),
    ],
)
def test_a_simulated_history_is_drafted_as_its_own_catalogue_has_it(
    tmp_path: Path, network: Network, shares: dict[str, float]
) -> None:
    history, cell, minute = simulated(network)
    names = [history.cells[number] for number in cell.tolist()]
    write_day(tmp_path, "2026-01-05", names, minute, history.read(cell, minute), history.catalogue.names)

    draft = draft_catalogue(sample_files([tmp_path]))

    own = {feature.name: feature for feature in history.catalogue.features}
    for key, least in {"kind": 0.9, "transform": 0.9, **shares}.items():
        equal = [getattr(part.feature, key) == getattr(own[part.feature.name], key) for part in draft.features]
        assert np.mean(equal) >= least, (
            key,
            [part.feature for part, is_equal in zip(draft.features, equal, strict=True) if not is_equal],
        )
    left_out = {name for name, _ in draft.left_out}
    assert {part.feature.name for part in draft.features} | left_out >= set(own)
    assert draft.period_minutes == 1


def drafted(tmp_path: Path, columns: dict[str, list[object]]) -> CatalogueDraft:
    """The draft of 30 minutes of 4 cells; a column gives a value for each cell and minute, or one for each cell."""
    rows = [(cell, minute) for minute in range(30) for cell in range(4)]
    table = {"cell": [f"C{cell}" for cell, _ in rows], "minute": [START_MINUTE + minute for _, minute in rows]}
    for name, values in columns.items():
        table[name] = [values[cell] if len(values) == 4 else values[minute] for cell, minute in rows]
    pyarrow.parquet.write_table(pyarrow.table(table), tmp_path / "data.parquet")
    return draft_catalogue(sample_files([tmp_path / "data.parquet"]))


RISING = [3 * minute for minute in range(30)]

NOISE = [float(value) for value in np.random.default_rng(3).gamma(2, 3, 30)]


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("site", ["a", "a", "b", "b"], "text"),
        ("pci", [17, 18, 19, 20], "property of the cell"),
        ("tac", [5, 5, 5, 5], "property of the cell"),
        ("earfcn", [100, 100, 300, 300], "property of the cell"),
        ("carriers", [2, 2, 3, 3], "constant in each cell"),
        ("empty", [None] * 30, "not reported in the sample"),
        ("record_id", list(range(30)), ""),
        ("end_time", [(START_MINUTE + minute + 1) * 60 for minute in range(30)], "a time"),
        ("received", [1.0 + minute for minute in range(30)], "is reserved"),
        ("Class", [float(minute % 3) for minute in range(30)], "is reserved"),
    ],
)
def test_what_is_no_measurement_is_left_out_with_its_reason(tmp_path, name, values, reason):
    draft = drafted(tmp_path, {"load_pct": NOISE, name: values})

    assert [part.feature.name for part in draft.features if part.feature.name != name] == ["load_pct"]
    if reason:
        assert reason in dict(draft.left_out)[name]
        assert f"# - {name}: " in draft_yaml(draft)


@pytest.mark.parametrize(
    ("name", "values", "remark"),
    [
        ("flows", [int(value) for value in NOISE], "a counter by its values alone"),
        ("rrc_att", RISING, "a running total?"),
        ("drops", [0] * 30, "always 0 in the sample"),
        ("rrc_att", NOISE, "values are no whole numbers"),
        ("load_pct", [900.0 + value for value in NOISE], "the name is that of a share"),
        ("availability", [value / 100 for value in NOISE], "a share from 0 to 1"),
        ("ho_att", [-1 - value for value in range(30)], "values go down to -30"),
        ("rsrp", [40.0 + value for value in NOISE], "another scale"),
        ("DRB.AirIfDelayDl", NOISE, "tenths of a ms"),
        ("temp_c", [400 + value for value in NOISE], "are no degC"),
        ("noise_floor", NOISE, "the unit is not in the name"),
    ],
)
def test_where_a_draft_is_unsure_it_says_so(tmp_path, name, values, remark):
    draft = drafted(tmp_path, {name: values})

    (part,) = draft.features
    assert remark in "; ".join(part.unsure)
    lines = draft_yaml(draft).splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith(f"- {{name: {name},"))
    assert lines[place - 1].startswith("# unsure: ")


@pytest.mark.parametrize(
    ("name", "kind", "unit"),
    [
        ("RRC.ConnEstabAtt.mo-Data", "counter", "1"),
        ("RRC.ConnMean", "gauge", "UE"),
        ("RRC.ConnMax", "gauge", "UE"),
        ("RRU.PrbTotDl", "ratio", "%"),
        ("RRU.PrbUsedDl", "gauge", "PRB"),
        ("RRU.PrbTotDlDist.Bin3", "counter", "1"),
        ("DRB.UEThpDl.5QI1", "gauge", "kbps"),
        ("DRB.UEUnresVolDl", "ratio", "%"),
        ("DRB.PdcpSduVolumeUL", "counter", "Mbit"),
        ("DRB.AirIfDelayDl", "gauge", "ms"),
        ("CARR.WBCQIDist.BinX", "counter", "1"),
        ("CARR.AverageLayersDl", "gauge", "layers"),
        ("L1M.SS-RSRP.Bin7", "counter", "1"),
        ("PEE.AvgPower", "gauge", "W"),
        ("PEE.Energy", "counter", "kWh"),
        ("PEE.AvgTemperature", "gauge", "degC"),
        ("VR.VCpuUsageMean", "ratio", "%"),
        ("MM.HoExeInterSucc", "counter", "1"),
        ("TB.ErrNbrUlInitial", "counter", "TB"),
        ("pmRrcConnEstabSucc", "counter", ""),
        ("pm_pdcp_vol_dl_mb", "counter", "MB"),
        ("UE_Throughput_Mbps", "gauge", "Mbps"),
        ("rtt_p95_ms", "gauge", "ms"),
        ("S1U_SIP_SC_SEER", None, ""),
    ],
)
def test_a_name_tells_kind_and_unit(name, kind, unit):
    reading = read_name(name)

    assert (reading.kind, reading.unit) == (kind, unit)
    assert reading.alias == (name if "." in name else "")


@pytest.mark.parametrize(
    ("value", "bound"), [(0, 0), (1, 1), (1.01, 2), (37, 50), (50, 50), (51, 100), (2.4e7, 5e7), (0.03, 0.05)]
)
def test_ranges_end_at_round_numbers(value, bound):
    assert round_up(value) == pytest.approx(bound)


def test_a_range_leaves_room_for_a_fault(tmp_path):
    counts = value_statistics(np.array([0.0, 1.0, 3.0]), np.zeros(3, np.int64), np.arange(3.0))
    volumes = value_statistics(np.array([0.0, 1e6, 3e6]), np.zeros(3, np.int64), np.arange(3.0))

    assert draft_feature("rrc_fail", counts).feature.high == 100_000
    assert draft_feature("vol_dl_kb", volumes).feature.high == 5e7


def test_of_many_files_neighbours_are_looked_at():
    files = [Path(f"{number:04d}.csv") for number in range(1000)]

    few = chosen(files)

    assert len(few) <= 32
    assert few[0] == files[0]
    assert few[-1] == files[-1]
    numbers = [files.index(path) for path in few]
    assert all({number - 1, number + 1} & set(numbers) for number in numbers)


def test_of_a_large_file_some_parts_are_read(tmp_path):
    german_csv(tmp_path / "all.csv", 900)

    draft = draft_catalogue(sample_files([tmp_path / "all.csv"], text_bytes=12_000))

    assert 50 < draft.records < STEPS * len(CELLS) / 2
    assert draft.period_minutes == 15
    assert [part.feature.kind for part in draft.features] == ["counter", "ratio", "gauge", "gauge"]


def text_file(content: str | bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(content.encode() if isinstance(content, str) else content) and None


@pytest.mark.parametrize(
    ("write", "more", "sentence"),
    [
        (lambda path: None, (), "does not exist; give a file or a folder"),
        (lambda path: path.mkdir(), (), "holds no Parquet, CSV or JSON file"),
        (text_file(""), (), "holds no record"),
        (text_file("cell,time,a\n"), (), "holds no record"),
        (text_file("<?xml version='1.0'?>\n<measCollecFile/>\n"), (), "is XML, which is not read here"),
        (text_file("1;2;3\n4;5;6\n"), (), "its first line is of numbers"),
        (text_file("cell,a,a\nx,1,2\n"), (), "has the column `a` twice"),
        (text_file(b"PAR1 and then nothing"), (), "cannot be read as Parquet"),
        (text_file("{broken\n"), (), "holds no record in JSON"),
        (text_file("cell,a\nx,1\ny,2\n"), (), "no column holds the times of the samples; give it with --time."),
        (text_file("time,a\n2026-01-05T00:00Z,1\n"), (), "no column names the cell of a sample; give it with --cell."),
        (text_file("cell,time\nx,2026-01-05T00:00Z\n"), (), "no column beside `cell` and `time` holds measurements"),
        (
            text_file("cell,time,a\nx,2026-01-05T00:00Z,1\n"),
            ("--cell", "cel"),
            "--cell `cel`: is no column of the data. Did you",
        ),
        (
            text_file("cell,time,a\nx,2026-01-05T00:00Z,1\n"),
            ("--time", "a"),
            "the column `a`: holds no times, such as '1'",
        ),
        (text_file("cell,time,a\nx,soon,1\n"), (), "no column holds the times"),
    ],
)
def test_what_cannot_be_drafted_ends_in_one_sentence(tmp_path, write, more, sentence, capsys):
    write(tmp_path / "data")

    assert main(["catalogue", str(tmp_path / "data"), *more]) == 2

    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert sentence in told.err


@pytest.mark.parametrize("arguments", [[], ["--topic", "data.csv"]])
def test_either_files_or_the_topic_are_looked_at(arguments, capsys):
    assert main(["catalogue", *arguments]) == 2
    assert "give either files or --topic." in capsys.readouterr().err


def test_a_draft_goes_to_standard_output_and_as_json(tmp_path, capsys):
    records(tmp_path / "records.jsonl", 60)

    assert main(["catalogue", str(tmp_path / "records.jsonl")]) == 0
    (tmp_path / "printed.yaml").write_text(capsys.readouterr().out)
    assert main(["catalogue", str(tmp_path / "records.jsonl"), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)

    features = [part["feature"]["name"] for part in document["features"]]
    assert features == list(read_catalogue(tmp_path / "printed.yaml").names) == ["rrc_att", "ho_sr", "delay_ms", "rsrp"]
    assert (document["cell"], document["time_column"], document["out"]) == ("cell", "time", None)
    assert document["left_out"] == [{"column": "never", "reason": "not reported in the sample"}]


def test_a_draft_may_lie_beside_the_history_and_replaces_no_data(tmp_path, capsys):
    rows = [("a", START_MINUTE + minute) for minute in range(30)]
    names, minutes = [cell for cell, _ in rows], np.array([minute for _, minute in rows])
    write_day(tmp_path, "2026-01-05", names, minutes, np.array(NOISE, np.float32)[:, None], ["load_pct"])
    (data,) = tmp_path.rglob("*.parquet")

    assert main(["catalogue", str(tmp_path), "--out", str(tmp_path / "catalogue.yaml")]) == 0
    assert main(["catalogue", str(data), "--out", str(data)]) == 2
    assert main(["catalogue", str(tmp_path), "--out", str(data)]) == 2

    check_history(ParquetHistory(tmp_path))
    assert ParquetHistory(tmp_path).catalogue.names == ("load_pct",)


def test_only_a_draft_that_nobody_has_edited_is_replaced(tmp_path, capsys):
    records(tmp_path / "records.jsonl", 60)
    command = ["catalogue", str(tmp_path / "records.jsonl"), "--out", str(out := tmp_path / "catalogue.yaml")]

    assert main(command) == 0
    assert is_unedited(out)
    assert main(command) == 0
    out.write_text(out.read_text().replace("stamp: begin", "stamp: end"))
    edited = out.read_text()
    assert main(command) == 2

    assert out.read_text() == edited
    assert "is not a draft of a catalogue that nobody has edited" in capsys.readouterr().err


def test_a_stranger_s_names_begin_no_line_of_their_own(tmp_path):
    evil = "load\n- {name: evil}"
    draft = drafted(tmp_path, {"load_pct": NOISE, evil: NOISE, "x\u202ey": ["a", "b", "c", "d"]})

    path = tmp_path / "draft.yaml"
    path.write_text(draft_yaml(draft), encoding="utf-8")

    assert read_catalogue(path) == Catalogue((Feature("load_pct", "%", "ratio", "identity", 0, 110),))
    assert "\u202e" not in draft_yaml(draft)


def test_a_sample_without_a_second_time_has_a_guessed_period(tmp_path):
    (tmp_path / "one.csv").write_text("cell,time,load_pct\na,2026-01-05T00:00Z,1.5\nb,2026-01-05T00:00Z,2.5\n")

    draft = draft_catalogue(sample_files([tmp_path / "one.csv"]))

    assert (draft.period_minutes, draft.cells) == (1, 2)
    assert "the period is a guess" in draft.unsure[0]


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (["1.5", "2", " 3 ", "-4e2"], [1.5, 2, 3, -400]),
        (["1,5", "2,25", "3"], [1.5, 2.25, 3]),
        (["1,234", "12,345,678", "7"], [1234, 12345678, 7]),
        (["0,500", "1,234"], [0.5, 1.234]),
        (["12 %", "7%"], [12, 7]),
        (["N/A", "", "null", "-", "NIL", "5"], [np.nan] * 5 + [5]),
        (["1"] * 30 + ["error"], [1] * 30 + [np.nan]),
        (["1e999", "5"], None),
        (["1_000", "0x1F"], None),
        (["a", "1"], None),
        ([], None),
    ],
)
def test_numbers_are_read_as_people_write_them(texts, numbers):
    column = text_column(texts)

    if numbers is None:
        assert column.texts is not None or not len(column)
    else:
        np.testing.assert_array_equal(column.numbers, numbers)


def test_a_comma_is_a_decimal_one_where_semicolons_separate(tmp_path):
    rows = "".join(f"a;{60 * minute + 1_767_225_600};1,234\n" for minute in range(5))
    (tmp_path / "data.csv").write_text(f"cell;time;delay_ms\n{rows}")

    assert sample_files([tmp_path / "data.csv"])["delay_ms"].numbers.tolist() == [1.234] * 5


@pytest.mark.parametrize(
    "written",
    [
        *(
            "2026-01-05T10:15:00Z",
            "2026-01-05 10:15",
            "20260105T1015",
            "2026-01-05T11:15+01",
            "2026-01-05 10:15:00 UTC",
        ),
        *("05.01.2026 10:15", "05/01/2026 10:15:00", "2026/01/05 10:15", "202601051015", "20260105101500"),
        *("05-Jan-2026 10:15:00", "20260105.1115+0100", "1767608100", "1767608100000", "1767608100000000", "29460135"),
    ],
)
def test_a_time_is_read_in_the_forms_of_exports(written):
    seconds = column_seconds(text_column([written, written]))

    assert seconds is not None
    assert seconds.tolist() == [1_767_608_100.0] * 2


@pytest.mark.parametrize("written", ["soon", "1", "0.5", "", "1999-12-31T23:59Z", "2100-01-01T00:00Z"])
def test_what_is_no_time_of_this_century_is_none(written):
    assert column_seconds(text_column([written, written])) is None


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from([0, 0.5, 100, -1e308, 1e39]),
)

RECORDS = st.lists(
    st.dictionaries(st.text(max_size=12), VALUES, max_size=6).map(
        lambda features: {"cell": "C1", "time": 1_767_225_600, "features": {"load_pct": 1.5, **features}}
    ),
    min_size=1,
    max_size=8,
)


@given(RECORDS)
def test_whatever_records_hold_their_draft_is_a_catalogue(tmp_path_factory, rows):
    draft = draft_catalogue(rows_table(rows), "cell", "time")
    path = tmp_path_factory.mktemp("drafts") / "catalogue.yaml"

    path.write_text(draft_yaml(draft), encoding="utf-8")

    assert read_catalogue(path) == draft.catalogue
