"""Author of a label, where none is given: whoever runs the command, with or without a name."""

import os
import pwd
import socket

import pytest

from detector.teaching.session import author

NAMES = ("LOGNAME", "USER", "LNAME", "USERNAME")


def nobody(_: int) -> None:
    raise KeyError("getpwuid(): uid not found")


def test_a_user_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)

    assert author() == f"{os.getuid()}@{socket.gethostname()}"


@pytest.mark.parametrize(("name", "user"), [("ada", "ada"), ("ad\udcff", "ad?"), ("ä b", "ä b")])
def test_a_name_of_any_bytes_is_text(name: str, user: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", name)

    assert author() == f"{user}@{socket.gethostname()}"
