"""`faultline-trainer compare`, end to end, on a network of a few cells: the HTML page and its figures."""

import base64
import io
import json
from collections.abc import Iterator
from contextlib import redirect_stdout
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from trainer.__main__ import main
from trainer.loss_comparison.report.page import format_proportion
from trainer.metrics.embedding import Proportion

COLLAPSES = "contrastive:margin=0.00001"
REFUSED = "lossless_triplet:beta=3"
TAUGHT = "supervised_contrastive"
OPTIONS = ("--steps", "30", "--classes", "40", "--cells", "24")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
# The module's one comparison takes 72 s of a core; at a load of twelve on two cores, more than 600 s.

VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """Parser of the page: its links, pictures and tables, and the elements that stay open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.pictures: list[dict[str, str | None]] = []
        self.tables: list[list[list[str]]] = []
        self.tags: set[str] = set()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data", "action")]
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag == "img":
            self.pictures.append(attributes)
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag in VOID or self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "td" in self.open or "th" in self.open:
            self.tables[-1][-1][-1] += data


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Folder of a comparison of three losses, and its printed lines."""
    folder, lines = tmp_path_factory.mktemp("compare") / "out", io.StringIO()
    with redirect_stdout(lines):
        assert main(["compare", "--out", str(folder), "--losses", f"{TAUGHT},{COLLAPSES},{REFUSED}", *OPTIONS]) == 0
    return folder, lines.getvalue()


@pytest.fixture(scope="module")
def text(compared: tuple[Path, str]) -> str:
    return (compared[0] / "compare.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


@pytest.fixture(scope="module")
def figures(compared: tuple[Path, str]) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((compared[0] / "compare.json").read_text())
    return content


def of(figures: dict[str, Any], key: str) -> dict[str, Any]:
    return next(row for row in figures["rows"] if row["key"] == key)


def test_every_element_of_the_page_ends_where_it_should(page: Page) -> None:
    assert not page.open


def test_the_page_needs_no_other_file_no_network_and_no_script(page: Page, text: str) -> None:
    assert all(address.startswith(("data:image/", "#")) for address in page.addresses)
    assert not page.tags & {"script", "link", "iframe", "object", "video"}
    assert "http" not in text
    assert "url(" not in text
    assert "@import" not in text


def test_its_table_of_contents_leads_to_every_section(page: Page) -> None:
    links = [address.removeprefix("#") for address in page.addresses if address.startswith("#")]

    assert links == page.ids
    assert len(links) == 7


def images(page: Page) -> Iterator[tuple[str, bytes]]:
    for picture in page.pictures:
        kind, data = (picture["src"] or "").removeprefix("data:image/").split(";base64,")
        yield kind, base64.b64decode(data)


def test_every_picture_opens_and_says_what_it_is(page: Page) -> None:
    for kind, data in images(page):
        assert Image.open(io.BytesIO(data)).format == kind.upper()
    assert all(picture["alt"] for picture in page.pictures)


def test_the_animation_moves_and_is_small(page: Page) -> None:
    moving = [data for kind, data in images(page) if kind == "gif"]

    assert len(moving) == 1
    assert Image.open(io.BytesIO(moving[0])).n_frames > 10  # type: ignore[attr-defined]
    assert len(moving[0]) < 2_000_000


def test_a_loss_that_collapses_and_one_that_is_refused_are_rows_with_their_reasons(
    page: Page, figures: dict[str, Any]
) -> None:
    collapsed, refused = of(figures, "contrastive:margin=1e-05"), of(figures, "lossless_triplet:beta=3.0")

    assert (collapsed["state"], refused["state"]) == ("collapsed", "refused")
    assert collapsed["reason"].startswith("the encoder collapsed at step 30: its spread per dimension is ")
    assert refused["reason"].startswith("the lossless triplet loss has beta 3, below the embedding's 64 dimensions")
    for row in (collapsed, refused):
        assert row["unseen"] is None
        assert [row["name"], f"{row['state']}: {row['reason']}"] in page.tables[0]


def test_the_page_and_the_json_agree(page: Page, text: str, figures: dict[str, Any]) -> None:
    taught = of(figures, TAUGHT)
    line = next(cells for cells in page.tables[0] if cells[0] == taught["name"])

    assert taught["state"] == "trained"
    assert line[1:3] == [format_proportion(Proportion(**taught["unseen"])), f"{taught['unseen']['half_classes']:.3f}"]
    assert f"Before its first step the network names {figures['untrained']['share']:.3f} ± " in text
    assert line[3] == f"{taught['seeds'][0]['unseen']:.3f}"
    assert line[4] == format_proportion(Proportion(**taught["base"]))
    assert line[6] == f"{taught['pairs']:.3f} ± {taught['pairs_half']:.3f}"
    for count, cells in zip(figures["crowd"]["counts"], page.tables[1][1:], strict=True):
        nearest = count["methods"][0]
        assert cells[:2] == [str(count["examples"]), f"{nearest['share']:.3f} ± {nearest['half']:.3f}"]


def test_the_gap_says_what_was_not_trained(text: str, figures: dict[str, Any]) -> None:
    assert figures["gaps"] == []
    assert figures["gap"].startswith("Not trained in this run, and so not compared: the head over a concatenation, ")
    assert figures["gap"].replace("'", "&#x27;") in text


def test_what_was_done_is_printed(compared: tuple[Path, str], figures: dict[str, Any]) -> None:
    folder, lines = compared

    assert f"{folder / 'compare.html'}: 3 rows; " in lines
    content = f"{of(figures, TAUGHT)['unseen']['share']:.3f} ±"
    assert any(
        line.split()[:5] == [*["supervised", "contrastive", "tree"], *content.split()] for line in lines.splitlines()
    )
    assert "learned: 57 fault classes, 4 windows each" in lines


def test_the_examples_are_simulated_once_and_those_of_other_amounts_are_refused(
    compared: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = compared[0]
    before = (folder / "examples" / "learned" / "windows.npy").stat().st_mtime_ns

    assert main(["compare", "--out", str(folder), "--losses", TAUGHT, *OPTIONS[:-1], "25"]) == 2
    assert "cells 24 (here 25)" in capsys.readouterr().err
    assert main(["compare", "--out", str(folder), "--losses", TAUGHT, *OPTIONS, "--budget-minutes", "0"]) == 2
    assert capsys.readouterr().err.startswith(
        "faultline-trainer: --budget-minutes 0 allows 0 steps for each of 1 trainings; fewer than 30 are not enough;"
    )
    assert (folder / "examples" / "learned" / "windows.npy").stat().st_mtime_ns == before


def test_what_cannot_be_trained_is_refused_before_anything_is_simulated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", "--out", str(tmp_path), "--losses", "triplets", *OPTIONS]) == 2
    assert capsys.readouterr().err.startswith("faultline-trainer: there is no loss 'triplets'. Choose one of ")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("seeds", ["", "0,0", "-1", "a"])
def test_seeds_are_different_whole_numbers(seeds: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["compare", "--out", str(tmp_path), f"--seeds={seeds}"])
    assert "is not a list of different whole numbers from 0 on, as in 0,1,2" in capsys.readouterr().err
