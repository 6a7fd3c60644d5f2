"""One function makes a stranger's text harmless, and one each carries it into JSON, CSV and the name of a file."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.text import columns, csv_cell, csv_text, did_you_mean, file_name, json_text, printable, truncate
from tests.terminal.strangers import HOSTILE, is_harmless

ANY_TEXT = st.text(st.characters())


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_strangers_text_is_harmless_short_and_the_same_if_made_harmless_twice(text):
    shown = printable(text)
    assert is_harmless(shown)
    assert columns(shown) <= 200
    assert printable(shown) == shown


@given(ANY_TEXT, st.integers(1, 40))
def test_any_text_is_harmless_within_its_width(text, width):
    shown = printable(text, width)
    assert is_harmless(shown)
    assert columns(shown) <= width


@pytest.mark.parametrize(
    "name",
    ["cell-7", "Zürich_3", "São Paulo", "Đà Nẵng", "北京-12", "서울 3", "القاهرة", "ကျွန်ုပ်", "बेंगलुरु", "ไทยที่นี่", "Ωμέγα 🙂"],
)
def test_a_name_that_people_use_stays_as_it_is(name):
    assert printable(name) == name


@pytest.mark.parametrize(
    ("text", "width", "short"),
    [
        ("日本語", 6, "日本語"),
        ("日本語", 5, "日本…"),
        ("日本語", 4, "日…"),
        ("e\u0301te", 3, "e\u0301te"),
        ("ab", 1, "…"),
        ("ab", 0, ""),
    ],
)
def test_a_wide_character_takes_two_columns_and_an_accent_none(text, width, short):
    assert truncate(text, width) == short


@given(
    st.recursive(ANY_TEXT | st.integers() | st.none(), lambda part: st.lists(part) | st.dictionaries(ANY_TEXT, part))
)
def test_json_is_the_same_document_and_nothing_in_it_is_obeyed(document):
    text = json_text(document)
    assert json.loads(text) == document
    assert text.isprintable()


@given(ANY_TEXT)
def test_a_cell_of_a_spreadsheet_is_no_formula_and_is_read_back_as_it_was(text):
    cell = csv_cell(text)
    assert not cell.lstrip().startswith(("=", "+", "-", "@", "|", "%"))
    assert csv_text(cell) == text


@pytest.mark.parametrize("text", ["=1+1", "+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "'=1", "＝1", "' '=1"])
def test_a_formula_is_quoted_in_a_file_that_a_csv_reader_reads(text):
    file = io.StringIO()
    csv.writer(file).writerow([csv_cell(text), "b"])
    ((cell, _),) = csv.reader(io.StringIO(file.getvalue(), newline=""))
    assert cell == f"'{text}"
    assert csv_text(cell) == text


@pytest.mark.parametrize("text", ["cell-3", "'quoted'", "O'Brien", "", "a=b"])
def test_a_name_of_another_programs_file_stays_as_it_is(text):
    assert csv_cell(text) == csv_text(text) == text


@given(ANY_TEXT)
def test_any_text_names_a_file_in_its_folder(text):
    name = file_name(text)
    assert name
    assert "/" not in name
    assert name not in (".", "..")
    assert len(name.encode()) <= 100
    assert is_harmless(name)


@pytest.mark.parametrize(
    ("word", "known", "hint"),
    [
        ("link_dwon", ["drop_storm", "link_down"], " Did you mean 'link_down'?"),
        ("Cell-7", ["cell-7", "other"], " Did you mean 'cell-7'?"),
        ("zzz", ["link_down"], ""),
        ("x", [], ""),
        ("cell\x1b[31m", ["cell\x1b[32m"], r" Did you mean 'cell\x1b[32m'?"),
    ],
)
def test_a_slip_is_answered_with_the_nearest_word(word, known, hint):
    assert did_you_mean(word, known) == hint
