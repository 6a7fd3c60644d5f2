"""A stranger's text in everything that prints: every log call, every text for people, every page and every verb."""

import ast
import functools
import logging
import re
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import numpy as np
import pytest

from detector.__main__ import VERBS, main
from detector.alarms.explanation import explanation
from detector.alarms.journal import NotificationBody, NotificationRecord
from detector.backtest.alarm_intervals import AlarmInterval
from detector.backtest.matching import Episode, read_episodes
from detector.backtest.summary import summarise
from detector.backtest.summary import table as summary_table
from detector.config.schema import Config
from detector.core.features import Catalogue
from detector.core.suppression import SuppressedEpisode
from detector.errors import OperatorError
from detector.history.sampling import EpisodeSlice, HistorySample
from detector.labels.label import Label
from detector.labels.listing import LabelRow
from detector.labels.listing import table as label_table
from detector.log import log_to_terminal, start_logging, traceback_lines
from detector.service.metrics import write_shadow
from detector.service.systemd import SystemdNotifier
from detector.teaching.pack_import import ClassForecast, PackForecast
from detector.teaching.preview import Forecast, Neighbour
from detector.teaching.preview_text import conclusion, pack_lines, preview_lines, withheld_lines
from detector.terminal import Line, flat
from detector.text import columns
from tests.terminal.strangers import HOSTILE, is_harmless
from trainer.__main__ import VERBS as TRAINER_VERBS
from trainer.__main__ import main as train
from trainer.html_page import Figure, Heading, PageTable, Paragraph, render
from trainer.simulation.episodes_file import write_rows

ROOT = Path(__file__).parents[2]

WIDTH = 100

every_stranger = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)

LOG_METHODS = {"debug", "info", "warning", "error", "exception", "critical", "log"}


@functools.cache
def log_calls() -> list[tuple[str, ast.Call]]:
    """Return every call of a logger in the product, with its place."""
    calls = []
    for package in ("detector", "trainer"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                function = node.func if isinstance(node, ast.Call) else None
                if isinstance(function, ast.Attribute) and function.attr in LOG_METHODS:
                    owner = function.value
                    if isinstance(owner, ast.Name) and owner.id in ("log", "logger"):
                        calls.append((f"{path.relative_to(ROOT)}:{node.lineno}", node))
    return calls


def template(call: ast.Call) -> str:
    """Return the text of a log call, before its arguments are filled in."""
    text = call.args[call.func.attr == "log"]
    assert isinstance(text, ast.Constant), ast.unparse(call)
    return str(text.value)


@pytest.fixture
def logged(capsys):
    """Starts a form of the log, and afterwards gives the test's logger back as it was."""
    logger = logging.getLogger("faultline")
    before = logger.handlers, logger.level, logger.propagate
    yield lambda: capsys.readouterr().err
    logger.handlers, logger.level, logger.propagate = before


def test_the_text_of_every_log_line_is_a_constant_of_our_own():
    assert len(log_calls()) > 30
    assert all(template(call) for _, call in log_calls())


@every_stranger
@pytest.mark.parametrize("form", ["text", "json", "terminal"])
def test_every_log_line_is_one_harmless_line(logged, form, text):
    log_to_terminal("faultline") if form == "terminal" else start_logging("debug", form)
    for where, call in log_calls():
        conversions = re.findall(r"%[-+ 0-9.,]*([sdgfrx%])", template(call))
        arguments = [text if kind in "sr" else 7 for kind in conversions if kind != "%"]
        logging.getLogger("faultline").warning(template(call), *arguments)
        (line, rest) = logged().split("\n")
        assert rest == ""
        assert line.isprintable(), where
        assert form == "json" or (is_harmless(line) and len(line) < 10_000), where
        assert form != "json" or msgspec.json.decode(line)["level"] == "warning"
        logging.getLogger("faultline").handlers[0].filters[0]._counts.clear()


@every_stranger
def test_a_traceback_has_as_many_lines_whatever_the_exception_says(text):
    def lines(message: str) -> list[str]:
        try:
            raise ValueError(message)
        except ValueError as error:
            return list(traceback_lines(error))

    assert len(lines(text)) == len(lines("plain"))
    assert all(is_harmless(line) for line in lines(text))


def notification(text: str) -> NotificationRecord:
    time = "2026-03-01T10:00:00+00:00"
    near = {
        "name": text,
        "kind": "fault",
        "exemplar": text,
        "score": 1.0,
        "cosine": 0.5,
        "pull": 0.1,
        "cell": text,
        "by": text,
    }
    feature = {"feature": text, "unit": text, "observed": 1.0, "usual": 1.0, "spreads": 2.0, "carried": 3.0}
    evidence = {"direction": 1.0, "distance": 2.0, "coverage": 1.0, "size": 3.0, "score": 3.0, "threshold": 2.0}
    spans = [{"begin": time, "end": time, "carried": 1.0}]
    information = {"onset": time, "bundle": text, "labels": text, "supersededBy": text, "features": [feature]}
    body = {
        "alarmId": text,
        "notificationType": f"notify{text}Alarm",
        "eventTime": time,
        "objectInstance": text,
        "specificProblem": text,
        "perceivedSeverity": text,
        "additionalText": text,
        "additionalInformation": {**information, **evidence, "minutes": spans, "nearest": [near]},
    }
    return NotificationRecord(b"", msgspec.convert(body, NotificationBody))


def forecast(text: str) -> Forecast:
    interval = AlarmInterval(cell=text, name=text, onset=10, raised=11, score=3.0)
    renamed = AlarmInterval(cell=text, name=text, onset=10, raised=11, score=3.0, before=[text])
    return Forecast(
        kind="fault",
        size=3.0,
        ordinary_share=0.5,
        score=3.0,
        threshold=2.0,
        nearest=[Neighbour(name=text, kind="fault", cosine=0.95)],
        cells=3,
        first=0,
        last=1440,
        cell_days=3.0,
        named=[interval, renamed],
        silenced=[interval],
        alarms_before=1,
        alarms_after=2,
        budget=5.0,
        whose=text,
    )


def label(text: str, **fields: object) -> Label:
    arrays = {"minute": 0, "catalogue": "", "values": b"", "baseline": b""}
    return Label(**{"id": text, "name": text, "kind": "fault", "cell": text, **arrays, **fields})


def label_lines(text: str) -> list[Line]:
    row = LabelRow(id=text, name=text, kind="fault", cell=text, by=text, severity=text, cause=text, note=text)
    held = LabelRow(id=text, name=text, kind="fault", cell=text, quarantined=True, forecast=12.0)
    return list(label_table([row, held, LabelRow(id=text, refused=text)], {text: 12}, {text: 0.5}))


def preview(text: str) -> list[Line]:
    episode = EpisodeSlice(0, 60, np.zeros((60, 1), np.float32), 60)
    held = label(text, quarantined=True)
    return [
        *preview_lines(label(text), episode, forecast(text)),
        *preview_lines(label(text, kind="ignore"), episode, forecast(text)),
        *conclusion(held, forecast(text), True),
        *conclusion(label(text), forecast(text), True),
        *conclusion(held, forecast(text), False),
    ]


def pack(text: str) -> list[Line]:
    brought = [ClassForecast(name=text, labels=1, episodes=2, cells=1, fresh=1, rate=(1.0, 0.5, 2.0), breaks=True)]
    silenced = [AlarmInterval(cell=text, name=text, onset=10, raised=11, score=3.0)]
    return list(
        pack_lines(
            PackForecast(
                cells=1,
                first=0,
                last=1440,
                cell_days=1.0,
                budget=5.0,
                brought=brought,
                silenced=silenced,
                alarms_before=1,
                alarms_after=1,
            )
        )
    )


def withheld(text: str) -> list[Line]:
    alarm = SuppressedEpisode(cell=text, name=text, reason="ignored", minute=10)
    return list(withheld_lines(HistorySample(Catalogue(()), []), [alarm]))


def summary(text: str) -> list[Line]:
    episodes = [Episode(cell=text, name=text, kind="fault", begin=0, end=60)]
    return list(summary_table(summarise(episodes, episodes, [], {text}, 1.0, Config(bundle="").settings_at(1))))


TEXTS = {
    "labels": label_lines,
    "explain": lambda text: list(explanation([notification(text)])),
    "teach": preview,
    "pack": pack,
    "withheld": withheld,
    "replay": summary,
}


@every_stranger
@pytest.mark.parametrize("lines_of", TEXTS.values(), ids=TEXTS)
def test_every_text_for_people_is_harmless_and_has_as_many_lines_as_for_a_plain_name(lines_of, text):
    lines, plain = flat(lines_of(text), WIDTH), flat(lines_of("cell-7"), WIDTH)
    assert len(lines) == len(plain)
    assert all(is_harmless(line) for line in lines)


@pytest.mark.parametrize("lines_of", [label_lines, pack, withheld, summary])
def test_a_table_of_long_names_fits_a_hundred_columns(lines_of):
    tables = [line for line in lines_of("基地局" * 40 + "cell") if not isinstance(line, str)]
    assert max(columns(line) for line in flat(tables, WIDTH)) <= WIDTH


@every_stranger
def test_an_error_is_one_harmless_sentence(text):
    assert is_harmless(str(OperatorError(f"{text}: is wrong; {text}.")))


@every_stranger
def test_a_page_shows_a_strangers_text_and_is_well_formed(text):
    blocks = [Heading(text), Paragraph(text), PageTable(text, [text, "b"], [[text, text]]), Figure(b"GIF8", text)]
    page = render(text, blocks)
    tree = ElementTree.fromstring(page.removeprefix("<!DOCTYPE html>\n"))
    assert not list(tree.iter("script"))
    assert all(is_harmless(part) for words in tree.iter() for part in (words.text or "").split("\n"))


@every_stranger
def test_an_episode_of_a_strangers_cell_is_read_back_from_its_file(tmp_path, text):
    cell = text.encode(errors="replace").decode()[:1000]  # a file of UTF-8 holds no lone surrogate
    with (tmp_path / "episodes.csv").open("w", newline="", encoding="utf-8") as file:
        write_rows(file, [(cell, cell, "fault", 0, 60, "0.500", "2.00")])
    (episode,) = read_episodes(tmp_path / "episodes.csv")
    assert (episode.cell, episode.name) == (cell, cell)


@every_stranger
def test_a_metric_of_a_strangers_class_is_one_harmless_line(tmp_path, text):
    write_shadow(tmp_path / "shadow.prom", {text: {"both": 1}})
    lines = (tmp_path / "shadow.prom").read_text().split("\n")
    assert len(lines) == 4
    assert all(is_harmless(line) for line in lines)


@every_stranger
def test_a_status_for_systemd_is_one_line(tmp_path, text):
    import socket

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        SystemdNotifier({"NOTIFY_SOCKET": str(tmp_path / "notify")}).notify_status(False, text)
        assert is_harmless(listening.recv(65536).decode())


CELL = ("--cell", "{text}", "--at", "2026-03-01 10:00")
ARGUMENTS = {
    "run": (),
    "check": ("--offline",),
    "feed": ("{text}",),
    "topics": (),
    "replay": ("--history", "{text}", "--bundle", "{text}", "--labels", "{text}"),
    "teach": (*CELL, "--class", "{text}"),
    "labels": (),
    "forget": ("{text}",),
    "unknowns": (),
    "confirm": ("{text}",),
    "reject": ("{text}",),
    "pack": ("export", "{text}"),
    "explain": ("{text}",),
    "reproduce": ("{text}",),
    "search": CELL,
    "shadow": ("configure", "--bundle", "{text}"),
    "promote": ("{text}",),
    "rollback": (),
}


TRAINER_ARGUMENTS = {
    "simulate": ("{text}", "--out", "{out}"),
    "collect": ("--config", "{text}", "--out", "{out}"),
    "catalogue": ("{text}", "--out", "{out}"),
    "look": ("{text}", "--out", "{out}"),
    "train": ("--history", "{text}", "--out", "{out}"),
    "adapt": ("--bundle", "{text}", "--history", "{text}", "--out", "{out}"),
    "compare": ("--losses", "{text}", "--out", "{out}"),
    "evaluate": ("--case", "a={text},{text}", "--out", "{out}"),
}

STRANGER = "x" + "".join(
    HOSTILE[kind] for kind in ("a colour", "a second line", "delete", "right to left", "zero width")
)
"""Some of it at once, as far as it can be the argument of a process and the name of a file."""


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_refuses_a_strangers_file_in_one_harmless_sentence(capsys, tmp_path, verb):
    arguments = [part.replace("{text}", STRANGER) for part in ARGUMENTS[verb]]
    assert main([verb, *arguments, "--config", f"{tmp_path}/{STRANGER}"]) == 2
    printed, beside = capsys.readouterr()
    assert printed == ""
    assert is_harmless(beside.removesuffix("\n")), beside


@pytest.mark.parametrize("verb", TRAINER_VERBS)
def test_every_verb_of_the_trainer_refuses_a_strangers_file_in_one_harmless_sentence(capsys, tmp_path, verb):
    out = str(tmp_path / "out")
    arguments = [part.replace("{text}", STRANGER).replace("{out}", out) for part in TRAINER_ARGUMENTS[verb]]
    assert train([verb, *arguments]) == 2
    printed, beside = capsys.readouterr()
    assert is_harmless(beside.removesuffix("\n")), beside
    assert all(is_harmless(line) for line in printed.split("\n"))
