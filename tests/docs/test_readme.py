"""The README: short, with a picture, and with output that the demo really printed."""

import re

from tests.docs.pages import DOCS, README, ROOT, links

DEMO = (DOCS / "demo-output.txt").read_text()


def test_it_is_short():
    assert len(README.read_text().splitlines()) <= 150


def test_it_has_a_picture_that_is_small_enough_to_load_at_once():
    pictures = [link for link in links(README) if link.endswith(".svg")]

    assert len(pictures) == 1
    assert 10_000 < (ROOT / pictures[0]).stat().st_size < 200_000
    assert (ROOT / pictures[0]).read_text().rstrip().endswith("</svg>")


def test_the_demos_lines_are_lines_of_a_recorded_run():
    lines = [line.strip() for line in README.read_text().splitlines()]
    shown = [line for line in lines if re.match(r"\d\d:\d\d  |yes  ", line)]

    assert len(shown) == 8
    assert set(shown) <= {line.strip() for line in DEMO.splitlines()}


def test_the_recorded_run_came_true():
    assert "The story came true" in DEMO
    assert "NO " not in DEMO


def test_every_guarantee_names_the_test_that_holds_it():
    text = README.read_text().partition("## What it guarantees")[2].partition("\n## ")[0]

    for bullet in text.split("\n- ")[1:]:
        assert re.search(r"\]\(tests/", bullet), bullet


def test_the_alarm_shows_fields_of_a_recorded_alarm():
    recorded = (DOCS / "reference" / "example-alarm.json").read_text()
    block = README.read_text().partition('    {"notificationType"')[2].partition("\n\n")[0]

    fields = re.findall(r'"\w+": (?:"[^"…]*"|[\d.]+)', block)

    assert len(fields) > 8
    assert [field for field in fields if field not in recorded] == []
