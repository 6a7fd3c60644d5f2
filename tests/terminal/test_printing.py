"""Lines, tables and displays: they fit the terminal, are coloured where colours are wanted, and hold nothing raw."""

import io
import os
import pty
import subprocess
import sys

import pytest

from detector.terminal import (
    Styled,
    TextTable,
    fixed_column,
    flat,
    level,
    number_column,
    print_document,
    print_line,
    print_lines,
    print_notice,
    print_table,
    progress,
    set_color,
    status,
    terminal_columns,
    text_column,
)
from detector.terminal.colours import wants_color
from detector.text import columns
from tests.terminal.strangers import HOSTILE, is_harmless

COLUMNS = (fixed_column("id"), text_column("class"), text_column("cell"), number_column("fired"), fixed_column("state"))


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    """No wish of the environment of whoever runs the tests."""
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    yield
    set_color("auto")


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_whatever_is_printed_is_one_harmless_line(capsys, text):
    print_line(text)
    print_line("a ", Styled(text, "red"), " z")
    print_lines([text, ("cell ", text)])
    print_notice(text)
    print_document({text.encode(errors="replace").decode(): text})
    print_table(COLUMNS, [(text, text, text, text, text), text])
    printed, beside = capsys.readouterr()
    assert len(printed.split("\n")) == 9
    assert all(is_harmless(line) for line in printed.split("\n") if not line.startswith("{"))
    assert all(line.isprintable() for line in printed.split("\n"))
    assert is_harmless(beside.removesuffix("\n"))


@pytest.mark.parametrize("width", [44, 60, 80, 100, 200])
def test_a_table_fits_its_width_and_cuts_no_number(width):
    rows = [("5b0c91aa", "link_down" * 5, "日本語の基地局" * 9, 1_234_567, "held:12"), ("1", "a", "b", 2, None)]
    lines = flat([TextTable(COLUMNS, rows)], width)
    assert max(map(columns, lines)) <= width
    assert "1234567" in lines[1]
    assert "5b0c91aa" in lines[1]
    assert "…" in lines[1] or width >= 200
    assert lines[2].endswith("2  -")


def test_columns_stand_below_each_other_whatever_their_characters_are():
    rows = [("1", "日本", "é", 1, "x"), ("2", "abcd", "e\u0301", 22, "y"), ("3", "🙂", "", 333, "z")]
    lines = flat([TextTable(COLUMNS, rows)], 80)
    assert len({columns(line) for line in lines[1:]}) == 1


@pytest.mark.parametrize(
    ("environment", "mode", "coloured"),
    [
        ({}, "auto", True),
        ({"NO_COLOR": "1"}, "auto", False),
        ({"NO_COLOR": ""}, "auto", True),
        ({"TERM": "dumb"}, "auto", False),
        ({"CLICOLOR": "0"}, "auto", False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, "auto", True),
        ({"CLICOLOR_FORCE": "1", "CLICOLOR": "0"}, "auto", True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, "auto", False),
        ({"NO_COLOR": "1"}, "always", True),
        ({}, "never", False),
    ],
)
def test_colours_are_as_the_person_and_the_environment_wish(monkeypatch, environment, mode, coloured):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    set_color(mode)
    assert wants_color(Terminal()) is coloured


@pytest.mark.parametrize(
    ("environment", "coloured"), [({}, False), ({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "0"}, False)]
)
def test_a_pipe_has_no_colours_unless_they_are_forced(monkeypatch, environment, coloured):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert wants_color(io.StringIO()) is coloured


def test_a_severity_has_its_colour_and_keeps_its_column(capsys):
    set_color("always")
    print_table([fixed_column("level"), text_column("text")], [(level("error"), "a"), (level("other"), "b")])
    assert capsys.readouterr().out.split("\n")[1:3] == ["\x1b[1;31merror\x1b[0m  a", "other  b"]


@pytest.mark.parametrize(("value", "width"), [("72", 72), ("abc", 100), ("0", 100), ("-5", 100), ("99999999", 500)])
def test_the_width_is_the_environments_or_a_hundred(monkeypatch, value, width):
    monkeypatch.setenv("COLUMNS", value)
    assert terminal_columns() == width


def test_without_a_terminal_a_display_says_nothing_and_counts_all_the_same(capsys):
    with status("working"), progress("working", 10, "steps") as advance:
        advance(3)
        advance()
    assert advance.done == 4
    assert capsys.readouterr() == ("", "")


SHOW = """
from detector.terminal import print_line, print_notice, progress, status
with status("starting \\x1b[31m[red]the encoder"):
    with progress("replaying", 100, "records") as advance:
        for _ in range(20):
            advance(5)
        print_line("a result")
        print_notice("a warning")
raise SystemExit(3)
"""


def on_a_terminal(code: str, **environment: str) -> tuple[int, str, str]:
    """Return the exit code, standard output, and what a terminal got as standard error."""
    reading, writing = pty.openpty()
    kept = {**os.environ, "TERM": "xterm-256color", **environment}
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=writing, env=kept) as process:
        os.close(writing)
        shown = b""
        while True:
            try:
                shown += (part := os.read(reading, 65536))
            except OSError:  # the last writer is gone
                break
            if not part:
                break
        printed = process.stdout.read().decode()
    os.close(reading)
    return process.returncode, printed, shown.decode()


def test_on_a_terminal_progress_has_percentage_rate_and_time_left_and_leaves_nothing_behind():
    code, printed, shown = on_a_terminal(SHOW)
    assert (code, printed) == (3, "a result\n")
    assert "100%" in shown
    assert "records/s" in shown
    assert "0:00:0" in shown
    assert r"starting \x1b[31m[red]the encoder" in shown
    assert "a warning\r\n" in shown
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")  # the cursor is back
    assert shown.endswith("\x1b[2K")  # and the line is gone


def test_a_display_is_seen_while_native_code_is_silenced():
    code = """
from detector.native_stderr import silence_native_stderr
from detector.terminal import print_line, status
with status("starting"), silence_native_stderr():
    print_line("drawn anew after this line")
"""
    plain, silenced = (on_a_terminal(text)[2] for text in (code.replace(", silence_native_stderr()", ""), code))
    assert silenced.count("starting") >= plain.count("starting") - 1 >= 2


def test_a_terminal_that_can_only_print_shows_no_display():
    assert on_a_terminal(SHOW, TERM="dumb") == (3, "a result\n", "a warning\r\n")


def test_the_terminal_costs_no_rich_until_it_is_wanted():
    code = "import sys, detector.terminal; print('rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
