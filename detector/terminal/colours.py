"""Colours of a terminal: when they are wanted, and which word has which."""

import os
from dataclasses import dataclass
from typing import Literal, TextIO

ColorMode = Literal["auto", "always", "never"]

COLOR_MODES: tuple[ColorMode, ...] = ("auto", "always", "never")

CODES = {"red": "31", "bold red": "1;31", "green": "32", "yellow": "33", "cyan": "36", "bold": "1", "dim": "2"}
"""Styles and their codes in ECMA-48. These colours are readable on a dark and on a light background."""

LEVELS = {
    "critical": "bold red",
    "major": "red",
    "minor": "yellow",
    "warning": "yellow",
    "error": "bold red",
    "refused": "red",
    "quarantined": "yellow",
    "missing": "red",
    "ok": "green",
    "cleared": "green",
}
"""Style of each word that says how serious something is: X.733's severities, and the levels of a finding."""

_mode: dict[str, ColorMode] = {"color": "auto"}
"""Mode that `--color` has set for this process."""


@dataclass(frozen=True)
class Styled:
    """Text in one of the styles of CODES, where the terminal has colours."""

    text: object
    style: str

    def __str__(self) -> str:
        return str(self.text)


def set_color(mode: ColorMode) -> None:
    """Set when this process prints colours: as the terminal and the environment say (auto), always, or never."""
    _mode["color"] = mode


def level(word: str) -> Styled | str:
    """Return a severity or a level in its colour; other words are as they are."""
    style = LEVELS.get(word.casefold())
    return Styled(word, style) if style else word


def wants_color(stream: TextIO) -> bool:
    """Tell whether text on this stream may have colours.

    https://no-color.org comes before https://force-color.org and https://bixense.com/clicolors, as in most tools.
    """
    if _mode["color"] != "auto":
        return _mode["color"] == "always"
    if os.environ.get("NO_COLOR"):
        return False
    for name in ("FORCE_COLOR", "CLICOLOR_FORCE"):
        if os.environ.get(name, "") not in ("", "0", "false"):
            return True
    if os.environ.get("TERM", "") in ("dumb", "unknown") or os.environ.get("CLICOLOR") == "0":
        return False
    return stream.isatty()


def paint(text: str, style: str, stream: TextIO) -> str:
    """Return a harmless text in a style for this stream."""
    return f"\x1b[{CODES[style]}m{text}\x1b[0m" if wants_color(stream) else text
