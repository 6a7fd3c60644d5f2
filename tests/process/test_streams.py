"""Standard streams: every pipe, disk, terminal and locale ends in silence or a sentence, with a documented code."""

import re

import pytest

from tests.process.programs import Ended, ended, kill, shell, start

SENTENCE = re.compile(r"faultline(-trainer)?: [^\n]*\.\n")

SILENT = re.compile(r"")

FULL = re.compile(r"faultline: standard output cannot be written \(No space left on device\); [^\n]*\.\n")


def check(told: Ended, code: int, err: re.Pattern[str]) -> None:
    assert "Traceback" not in told.err
    assert err.fullmatch(told.err), told.err
    assert told.code == code


@pytest.mark.parametrize(
    ("script", "code", "err"),
    [
        ("$FAULTLINE --help | true; exit ${PIPESTATUS[0]}", 141, SILENT),
        ("$FAULTLINE run --help | head -1; exit ${PIPESTATUS[0]}", 0, SILENT),  # one page fits into the pipe
        ("$TRAINER --version | true; exit ${PIPESTATUS[0]}", 141, SILENT),
        ("$FAULTLINE --print-completion bash | true; exit ${PIPESTATUS[0]}", 141, SILENT),
        ("$FAULTLINE --help > /dev/full", 2, FULL),
        ("$FAULTLINE --print-completion zsh > /dev/full", 2, FULL),
        ("$FAULTLINE --help >&-", 0, SILENT),
        ("$FAULTLINE --help <&- >&- 2>&-", 0, SILENT),
        ("$FAULTLINE --help <&-", 0, SILENT),
        ("$FAULTLINE labels --config none.yaml 2>&-", 2, SILENT),
        ("$FAULTLINE labels --config none.yaml 2> /dev/full", 2, SILENT),
        ("$FAULTLINE labels --config none.yaml 2> >(true)", 2, SILENT),
        ("$FAULTLINE labels --config none.yaml > /dev/full", 2, SENTENCE),
        ("$FAULTLINE nonsense 2> /dev/full", 2, SILENT),
        ("$FAULTLINE labels --config $'\\xff\\xfe.yaml'", 2, SENTENCE),
        ("umask 0777; $FAULTLINE labels --config none.yaml", 2, SENTENCE),
    ],
)
def test_a_stream_that_cannot_be_used_ends_in_silence_or_a_sentence(script, code, err):
    check(shell(script), code, err)


@pytest.mark.parametrize(
    "variables",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1:strict"},
        {"PYTHONIOENCODING": "utf-8:nonsense"},
        {"PYTHONIOENCODING": "cp037"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "nowhere", "LANG": None},
        {"TERM": "nonsense", "COLUMNS": "0", "LINES": "many"},
        {"COLUMNS": "99999999999999999999"},
        {"TERM": None, "HOME": None, "USER": None, "LOGNAME": None, "PATH": None},
        {"TMPDIR": "/proc/nowhere", "HOME": "/proc/nowhere"},
        {"PYTHONWARNINGS": "error", "PYTHONOPTIMIZE": "2", "PYTHONDONTWRITEBYTECODE": "1"},
    ],
    ids=str,
)
def test_an_environment_of_any_kind_changes_no_code_and_leaves_no_stack(variables):
    told = shell("$FAULTLINE labels --config …/ä.yaml", **variables)

    assert told.code == 2
    assert "Traceback" not in told.err
    assert len([line for line in told.err.splitlines() if not line.startswith("bash: warning: setlocale")]) == 1


@pytest.mark.parametrize(
    ("encoding", "printed"),
    [
        ("ascii", "h\\u00e4\\u2026\\udcff\\ud83d\\ude00\n"),
        ("latin-1", "h\u00e4\\u2026\\udcff\\ud83d\\ude00\n"),
        ("utf-8", "h\u00e4…\\udcff😀\n"),
    ],
)
def test_a_letter_that_the_terminal_lacks_is_its_escape_in_json(encoding, printed):
    process = start("say('h\\u00e4\\u2026\\udcff\\U0001f600')", PYTHONIOENCODING=encoding)

    assert ended(process).out == printed


def test_a_reader_that_goes_in_the_middle_ends_the_command_in_silence():
    process = start("for number in range(100_000): print(number)")
    process.stdout.close()

    assert process.wait(60) == 141
    assert process.stderr.read() == ""
    kill(process)


def test_a_closed_stream_is_no_place_for_a_file_that_is_opened_later():
    process = start("os.close(os.open('config.yaml', os.O_RDONLY))\nsay(os.open('config.yaml', os.O_RDONLY) > 2)")
    assert ended(process).out == "True\n"

    told = shell("exec 3>&1 <&- >&- 2>&-; $FAULTLINE labels --config none.yaml; echo $? >&3")
    assert told == Ended(0, "2\n", "")
