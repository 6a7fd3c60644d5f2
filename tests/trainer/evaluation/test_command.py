"""`faultline-trainer evaluate`: a page and a file of figures that agree, from a history and a bundle."""

import json
import re
from base64 import b64decode
from pathlib import Path
from xml.etree import ElementTree

import pytest

from detector.__main__ import main as detector
from trainer.__main__ import main

pytestmark = pytest.mark.slow

SCENARIO = """
network: {cells: 24, seed: 5}
days: 1.5
faults:
  - {class: cell_outage, cell: A00002-1, day: 1, at: "02:00", minutes: 90, severity: 1}
  - {class: cell_outage, cell: A00005-2, day: 1, at: "09:00", minutes: 130, severity: 1}
  - {class: cell_outage, cell: A00001-2, day: 2, at: "03:00", minutes: 90, severity: 0.6}
  - {class: dns_failure, cell: A00003-1, day: 1, at: "05:00", minutes: 125, severity: 0.9}
  - {class: dns_failure, cell: A00006-1, day: 1, at: "14:00", minutes: 90, severity: 0.5}
  - {class: ul_interference, cell: A00004-1, day: 1, at: "08:00", minutes: 100, severity: 0.9}
  - {class: ul_interference, cell: A00007-1, day: 1, at: "19:00", minutes: 70, severity: 0.3}
  - {class: pa_degradation, cell: A00000-1, day: 1, at: "20:00", minutes: 70, severity: 0.3}
  - {class: mass_event, cell: A00001-1, day: 1, at: "18:00", minutes: 70, severity: 0.8}
  - {class: mass_event, cell: A00005-1, day: 2, at: "06:00", minutes: 70, severity: 0.8}
"""
CLASSES = ["cell_outage", "dns_failure", "mass_event", "ul_interference"]


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A day and a half of the town; pa_degradation befalls it once, and cannot be asked about."""
    folder = tmp_path_factory.mktemp("evaluated")
    (folder / "some.yaml").write_text(SCENARIO)
    assert main(["simulate", str(folder / "some.yaml"), "--out", str(folder / "town"), "--workers", "1"]) == 0
    return folder / "town"


@pytest.fixture(scope="module")
def evaluated(history: Path, bundle_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same network twice, under two names."""
    out = tmp_path_factory.mktemp("page")
    cases = [f"{name}:{history}:{bundle_path}" for name in ("home", "<away>")]
    assert main(["evaluate", "--case", cases[0], "--case", cases[1], "--out", str(out)]) == 0
    return out


def read(out: Path) -> tuple[ElementTree.Element, dict]:
    page = (out / "evaluate.html").read_text()
    return ElementTree.fromstring(page.removeprefix("<!DOCTYPE html>\n")), json.loads(
        (out / "evaluate.json").read_text()
    )


def cells(page: ElementTree.Element) -> dict[str, list[list[str]]]:
    """What stands in all rows of a name, over all tables."""
    found: dict[str, list[list[str]]] = {}
    for row in page.iter("tr"):
        heading, *values = [cell.text or "" for cell in row]
        found.setdefault(heading, []).append(values)
    return found


def written(figure: list[float], digits: int = 2) -> str:
    return "{0:.{3}f} ({1:.{3}f}–{2:.{3}f})".format(*figure, digits)


def test_the_page_stands_alone(evaluated: Path) -> None:
    page, _ = read(evaluated)

    assert not [node.tag for node in page.iter() if node.tag in ("script", "link", "iframe", "object")]
    assert all(link.attrib["href"].startswith("#part-") for link in page.iter("a"))
    pictures = [image.attrib["src"] for image in page.iter("img")]
    assert len(pictures) >= 7
    for source in pictures:
        assert b64decode(source.removeprefix("data:image/png;base64,")).startswith(b"\x89PNG")
    assert all(figure.findtext("figcaption") for figure in page.iter("figure"))


def test_the_page_says_what_the_file_of_figures_says(evaluated: Path) -> None:
    page, told = read(evaluated)
    rows = cells(page)

    assert told["classes"] == CLASSES
    assert [case["name"] for case in told["cases"]] == ["home", "<away>"]
    for place, case in enumerate(told["cases"]):
        encoder, replay = case["one_shot"]["encoder"], case["replay"]
        assert rows["encoder"][0][2 * place] == written(encoder["macro_f1"]["all"])
        assert rows["60 minutes"][0][place] == written(encoder["right"]["60 minutes"])
        assert rows["cell_outage"][0][place] == written(encoder["by_class"]["cell_outage"])
        assert rows["counted"][0][place] == written(replay["false_alarms"], 1)
        assert rows["all episodes"][0][place] == written(case["unknown_auroc"])
        taught = replay["all_taught"]
        assert rows["all taught"][place][0] == str(taught["events"])
        assert rows["all taught"][place][2] == written(taught["right"])


def test_the_same_case_twice_gives_the_same_figures(evaluated: Path) -> None:
    _, told = read(evaluated)

    home, away = ({**case, "name": ""} for case in told["cases"])
    assert home == away


def test_an_outage_is_named_even_by_an_untrained_encoder_and_what_was_taught_is_not_asked(evaluated: Path) -> None:
    _, told = read(evaluated)
    case = told["cases"][0]

    assert case["one_shot"]["encoder"]["by_class"]["cell_outage"][0] > 0.6
    assert case["one_shot"]["encoder"]["by_class"]["cell_outage"][0] > told["chance"]
    taught = [name for name, _, _ in case["taught"]]
    assert len(set(taught)) == len(taught)
    assert {*taught, *case["untaught"]} == {*CLASSES, "pa_degradation"}
    listed = {"cell_outage": 3, "dns_failure": 2, "ul_interference": 2, "pa_degradation": 1}
    fates = {**case["replay"]["taught"], **case["replay"]["untaught"]}
    assert {name: fate["episodes"] for name, fate in fates.items()} == {
        name: count - (name in taught) for name, count in listed.items()
    }
    assert case["replay"]["cell_days"] == pytest.approx(36, abs=0.5)


def test_a_library_that_is_missing_leaves_its_row_and_says_so(evaluated: Path) -> None:
    page, told = read(evaluated)

    for method, answers in told["cases"][0]["one_shot"].items():
        if "missing" in answers:
            assert cells(page)[method][0] == [f"{answers['missing']} is not installed"] * 4
    assert {"clipped summary, cosine", "1-NN, flat, Euclidean", "1-NN, DTW", "MiniRocket, cosine"} <= set(
        told["cases"][0]["one_shot"]
    )


def test_what_is_to_be_taught_can_be_said_and_then_a_replay_says_the_same(
    history: Path, bundle_path: Path, tmp_path: Path
) -> None:
    lines = (history / "episodes.csv").read_text().splitlines()
    outage = next(line for line in lines if ",cell_outage," in line)
    (tmp_path / "taught.csv").write_text(f"{lines[0]}\n{outage}\n")

    flags = ["--history", str(history), "--bundle", str(bundle_path), "--teach", str(tmp_path / "taught.csv")]
    assert main(["evaluate", *flags, "--out", str(tmp_path / "out")]) == 0
    assert detector(["replay", *flags, "--report", str(tmp_path / "report.json")]) == 0

    _, told = read(tmp_path / "out")
    assert [name for name, _, _ in told["cases"][0]["taught"]] == ["cell_outage"]
    mine, report = told["cases"][0]["replay"], json.loads((tmp_path / "report.json").read_text())
    assert set(mine["taught"]) == {"cell_outage"}
    assert (mine["alarms"], mine["cell_days"], mine["budget"]) == tuple(
        report[name] for name in ("alarms", "cell_days", "budget")
    )
    assert mine["false_alarms"] == report["false_alarms_per_1000_cell_days"]
    for name in ("episodes", "right", "misnamed", "unknown"):
        assert mine["taught"]["cell_outage"][name] == report["classes"]["cell_outage"][name]


def refusal(capsys: pytest.CaptureFixture[str], *flags: object) -> str:
    capsys.readouterr()
    assert main(["evaluate", *map(str, flags)]) == 2
    sentence = capsys.readouterr().err
    assert sentence.startswith("faultline-trainer: ")
    assert sentence.count("\n") == 1
    return sentence.removeprefix("faultline-trainer: ").strip()


def test_what_cannot_be_evaluated_is_said_in_one_sentence(
    history: Path, bundle_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, file, lonely = tmp_path / "out", tmp_path / "file", tmp_path / "lonely.csv"
    file.write_text("")
    lonely.write_text("\n".join((history / "episodes.csv").read_text().splitlines()[:2]) + "\n")
    usual = ("--history", history, "--bundle", bundle_path)

    assert refusal(capsys, "--out", out).startswith("no case to evaluate; give --history and --bundle, or --case")
    assert refusal(capsys, *usual, "--out", out, "--episodes", tmp_path / "no.csv") == (
        f"{tmp_path}/no.csv: does not exist; an evaluation needs named episodes. Give --episodes FILE."
    )
    assert "an evaluation needs 2, each with 2 usable episodes in different cells. Give a longer history" in refusal(
        capsys, *usual, "--out", out, "--episodes", lonely
    )
    assert "cannot be written (Not a directory); give another folder" in refusal(capsys, *usual, "--out", file)
    assert refusal(capsys, "--history", history, "--bundle", tmp_path, "--out", out).startswith(f"{tmp_path}")
    assert refusal(capsys, "--case", "a:b", "--out", out) == (
        "--case a:b: is not NAME:HISTORY:BUNDLE, as in B:history-b:bundle-b."
    )
    assert refusal(capsys, "--case", "a:b:c", *usual, "--out", out).startswith("--case cannot be combined with")
    assert refusal(capsys, "--case", "a:b:c", "--case", "a:b:c", "--out", out).startswith(
        "--case a: is given 2 times; give each case a name of its own."
    )


def test_a_history_of_other_features_is_refused(
    history: Path, bundle_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    (other / "day=1").mkdir(parents=True)
    (other / "day=1" / "any.parquet").write_bytes(next(history.glob("day=*/*.parquet")).read_bytes())
    (other / "episodes.csv").write_text((history / "episodes.csv").read_text())
    changed = re.sub(r"unit: '?%'?", "unit: percent", (history / "catalogue.yaml").read_text(), count=1)
    (other / "catalogue.yaml").write_text(changed)

    sentence = refusal(capsys, "--history", other, "--bundle", bundle_path, "--out", tmp_path / "out")

    assert sentence.startswith(f"{other}/catalogue.yaml: has other features than {bundle_path} (")
    assert sentence.endswith("Give a bundle that was made for this network.")
