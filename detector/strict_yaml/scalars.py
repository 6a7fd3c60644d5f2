"""Plain values of YAML: numbers, dates and text, and the values that YAML's versions read differently."""

import math
import re
from datetime import date

NULLS = frozenset(("", "~", "null", "Null", "NULL"))

BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}

WORDS = frozenset(("yes", "no", "on", "off", "y", "n"))
"""Words that YAML 1.1 calls true or false and YAML 1.2 text, in any case of their letters."""

MOST_DIGITS = 30
"""Most digits of a whole number; Python refuses to read 4,301, and no key takes more than eight."""

INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")

FLOAT = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+][0-9]+)?")

DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

QUOTE = "put text in quotes"

AMBIGUOUS = (
    (r"[-+]?0[0-9_]+", f"is octal to one YAML reader and decimal to another; write it without the 0, or {QUOTE}"),
    (r"[-+]?0o[0-7_]+", f"is octal to one YAML reader and text to another; write a decimal number, or {QUOTE}"),
    (r"[-+]?0b[01_]+", f"is binary to one YAML reader and text to another; write a decimal number, or {QUOTE}"),
    (r"[-+]?0x[0-9a-fA-F_]+", f"is a hexadecimal number; write a decimal number, or {QUOTE}"),
    (
        r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?",
        f"is a number of base 60 to one YAML reader and text to another; write a decimal number, or {QUOTE}",
    ),
    (
        r"[-+]?(?:[0-9]+_[0-9_]*(?:\.[0-9_]*)?|[0-9][0-9_]*\.[0-9]*_[0-9_]*|\.[0-9]+_[0-9_]*)(?:[eE][-+]?[0-9]+)?",
        f"is a number to one YAML reader and text to another; write it without the _, or {QUOTE}",
    ),
    (
        r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)[eE][-+]?[0-9]+",
        f"is a number to one YAML reader and text to another; write it without an exponent, or {QUOTE}",
    ),
    (
        r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}.*",
        "is a time to one YAML reader and text to another; put it in quotes",
    ),
    (r"=|<<", "has a meaning of its own in YAML 1.1; put it in quotes"),
    (r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", f"is no finite number; write a finite one, or {QUOTE}"),
)
"""Plain values that are refused, each with the reason and the remedy."""

REFUSED = tuple((re.compile(pattern), reason) for pattern, reason in AMBIGUOUS)

Scalar = None | bool | int | float | date | str


class ScalarError(ValueError):
    """Plain value that is refused; the text is the reason and the remedy."""


def plain_value(text: str) -> Scalar:
    """Return the value of a scalar without quotes. Raises ScalarError."""
    if text in NULLS:
        return None
    if text in BOOLEANS:
        return BOOLEANS[text]
    if text.lower() in WORDS:
        raise ScalarError(
            "is true or false to one YAML reader and text to another; write true or false, or put it in quotes"
        )
    if INTEGER.fullmatch(text):
        return _integer(text)
    if FLOAT.fullmatch(text):
        return _float(text)
    if DATE.fullmatch(text):
        return _date(text)
    for pattern, reason in REFUSED:
        if pattern.fullmatch(text):
            raise ScalarError(reason)
    return text


def is_text(text: str) -> bool:
    """Return whether a text without quotes is read as this text."""
    try:
        return isinstance(plain_value(text), str)
    except ScalarError:
        return False


def _integer(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise ScalarError(f"has more than {MOST_DIGITS} digits; write a smaller number, or {QUOTE}")
    return int(text)


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ScalarError(f"is no finite number; write a finite one, or {QUOTE}")
    return number


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ScalarError(f"is no day of the calendar; write an existing one, or {QUOTE}") from None
