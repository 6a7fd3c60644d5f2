"""Doors of a process: its command line and its endpoints, as targets of the fuzzing."""

import contextlib
import io
import socket
import tempfile
from functools import cache
from pathlib import Path
from typing import NamedTuple

from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from detector.__main__ import VERBS, main
from detector.command_line import command_line, subcommands
from detector.config.schema import Http
from detector.service.http_server import Endpoints, Health
from tests.fuzz.strategies import HOSTILE_NUMBERS, HOSTILE_TEXTS, mutated_bytes
from trainer.__main__ import VERBS as TRAINER_VERBS
from trainer.__main__ import main as trainer_main

CODES = {0, 2, 3}
"""Exit codes that are documented, and no signal's."""

NOWHERE = "/proc/nowhere/history"
"""Path that nobody can make."""

ENDS_EARLY = {
    "simulate": ["--scenario", NOWHERE],
    "collect": ["--config", NOWHERE],
    "catalogue": [NOWHERE],
    "look": [NOWHERE],
    "train": ["--history", NOWHERE],
    "adapt": ["--history", NOWHERE],
    "compare": ["--losses", "none"],
    "evaluate": ["--case", f"a={NOWHERE},{NOWHERE}"],
}
"""Arguments that end a verb of the trainer before hours of work, whatever else is given."""


class CommandLine(NamedTuple):
    """Arguments of one of the two programs."""

    is_trainer: bool
    words: list[str]


@cache
def _option_names(is_trainer: bool, verb: str) -> list[str]:
    package, verbs = ("trainer.commands", TRAINER_VERBS) if is_trainer else ("detector.commands", VERBS)
    (verbs_of,) = subcommands(command_line("program", package, verbs))
    return list(verbs_of.choices[verb]._option_string_actions)


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="faultline-fuzz-")  # removed with the process


@cache
def _config() -> str:
    """Return a configuration whose broker does not answer and whose bundle is missing."""
    path = Path(_folder().name) / "config.yaml"
    path.write_text(
        "bundle: /proc/nowhere/bundle\nkafka: {reach_seconds: 1, common: {bootstrap.servers: '127.0.0.1:9'}}\n"
    )
    return str(path)


def _words() -> st.SearchStrategy[str]:
    likely = ("A1", "2026-01-05 03:00", "backhaul_loss", "fault", "1", "24", "0b1f2d3c", "--json", "--dry-run", NOWHERE)
    return st.one_of(st.sampled_from(HOSTILE_TEXTS), st.sampled_from(HOSTILE_NUMBERS).map(str), st.sampled_from(likely))


@st.composite
def command_lines(draw: st.DrawFn) -> CommandLine:
    """Return a verb with options of its own, hostile values, and now and then a mistyped word."""
    is_trainer = draw(st.booleans())
    verb = draw(st.sampled_from(TRAINER_VERBS if is_trainer else [verb for verb in VERBS if verb != "run"]))
    words = [verb] if draw(st.integers(0, 19)) else [draw(_words())]
    for _ in range(draw(st.integers(0, 5))):
        words.append(draw(st.sampled_from(_option_names(is_trainer, verb))))
        words += draw(st.lists(_words(), max_size=2))
    words += ENDS_EARLY.get(verb, ["--config", _config()] if draw(st.integers(0, 9)) else [])
    return CommandLine(is_trainer, words)


def check_command_line(line: CommandLine) -> None:
    """Run a command: it ends with a documented code, and with nothing on its streams that a terminal obeys."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = (trainer_main if line.is_trainer else main)(line.words)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
    said = err.getvalue()
    assert code in CODES, (code, said)
    assert "Traceback" not in said, said
    assert all(text.isprintable() for text in said.splitlines()), said


@cache
def _endpoints() -> Endpoints:
    health = Health(stall_seconds=1e9)  # no loop is run here
    health.progress()
    return Endpoints(Http(port=0), CollectorRegistry(), health)


REQUESTS = (
    b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    b"HEAD /livez HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic YTpi\r\n\r\nGET /readyz HTTP/1.1\r\n\r\n",
    b"POST /metrics HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello",
)


def requests() -> st.SearchStrategy[bytes]:
    return mutated_bytes(st.sampled_from(REQUESTS))


def check_request(request: bytes) -> None:
    """Send bytes to the endpoints; whatever is answered, the next client is served."""
    _exchange(request)
    answer = _exchange(b"GET /livez HTTP/1.0\r\n\r\n")
    assert b" 200 " in answer.split(b"\r\n")[0], answer


def _exchange(request: bytes) -> bytes:
    host, _, port = _endpoints().address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=15) as client:
        with contextlib.suppress(OSError):  # it may have been refused while it is still being sent
            client.sendall(request)
            client.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while part := client.recv(65536):
                answer += part
        return answer
