"""A page is one file that a browser, an XML parser and a person without JavaScript can read."""

from base64 import b64decode
from pathlib import Path
from xml.etree import ElementTree

import pytest

from trainer.html_page import Figure, Heading, PageError, PageTable, Paragraph, render, write

PNG = b"\x89PNG\r\n\x1a\n and so on"
NASTY = '<script>alert("&")</script>'


def parsed(text: str) -> ElementTree.Element:
    """As XML, which forgives nothing."""
    return ElementTree.fromstring(text.removeprefix("<!DOCTYPE html>\n"))


def test_what_is_told_stands_on_the_page_as_text_whatever_it_contains() -> None:
    blocks = [
        Heading(NASTY),
        Paragraph(NASTY),
        PageTable(NASTY, [NASTY, "b"], [[NASTY, NASTY]]),
        Figure(PNG, NASTY),
    ]

    page = parsed(render(NASTY, blocks))

    assert not list(page.iter("script"))
    for place in ("head/title", "body/h1", "body/h2", "body/p", "body/nav/ol/li/a", "body/figure/figcaption"):
        assert page.findtext(place) == NASTY, place
    assert [cell.text for cell in page.iter("td")] == [NASTY]
    assert {cell.text for cell in page.iter("th")} == {NASTY, "b"}


def test_pictures_are_inside_and_nothing_is_outside() -> None:
    page = parsed(render("page", [Heading("one"), Heading("two", 3), Figure(PNG, "what to see")]))

    (image,) = page.iter("img")
    assert b64decode(image.attrib["src"].removeprefix("data:image/png;base64,")) == PNG
    assert image.attrib["alt"] == "what to see"
    targets = [link.attrib["href"] for link in page.iter("a")]
    assert targets == ["#part-0"]
    assert page.find(".//*[@id='part-0']") is not None
    assert not [node.tag for node in page.iter() if node.tag in ("link", "script", "iframe")]


def test_a_picture_that_moves_says_so_and_may_have_other_words_in_its_place() -> None:
    page = parsed(render("page", [Figure(b"GIF89a and so on", "", "what it shows")]))

    (image,) = page.iter("img")
    assert image.attrib["src"].startswith("data:image/gif;base64,")
    assert image.attrib["alt"] == "what it shows"
    assert page.find(".//figcaption") is None


def test_the_last_cell_of_a_short_row_is_a_remark_that_reaches_to_the_end() -> None:
    page = parsed(
        render("page", [PageTable("t", ["a", "b", "c", "d"], [["x", "1", "2", "3"], ["y", "nothing came of it"]])])
    )

    full, short = (list(row.iter("td")) for row in page.findall(".//tbody/tr"))
    assert [cell.attrib for cell in full] == [{}, {}, {}]
    assert [(cell.text, cell.attrib) for cell in short] == [("nothing came of it", {"colspan": "3"})]


def test_a_page_that_cannot_be_written_says_so_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(PageError, match=r"page\.html: cannot be written \(.+\); give another --out\.$"):
        write(tmp_path / "file" / "page.html", "text")
    with pytest.raises(PageError, match=r": cannot be written \(Is a directory\)"):
        write(tmp_path, "text")
