"""Plain values: what two YAML readers would read differently is refused, and everything else is what it looks like."""

from datetime import date

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from detector.strict_yaml.scalars import ScalarError, is_text, plain_value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[(text, None) for text in ("", "~", "null", "Null", "NULL")],
        *[(text, text.lower() == "true") for text in ("true", "True", "TRUE", "false", "False", "FALSE")],
        ("0", 0),
        ("-17", -17),
        ("+4", 4),
        ("1.5", 1.5),
        (".5", 0.5),
        ("3.", 3.0),
        ("1.0e+3", 1000.0),
        ("2026-01-05", date(2026, 1, 5)),
        *[(text, text) for text in ("faultline", "127.0.0.1:9092", "::1", "10 minutes", "1,000", "a_b", "1.2.3")],
        *[(text, text) for text in ("nullable", "yesterday", "none", "NaN", "inf", "0x", "_1", "e3", "-", "2026-1-5")],
    ],
)
def test_a_value_that_all_readers_agree_on_is_read(text, value):
    read = plain_value(text)
    assert (type(read), read) == (type(value), value)


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        ("yes no on off y n Yes NO On oFF Y N", "is true or false to one YAML reader and text to another"),
        ("0100000 00 007 -017 +010 08 09 0_7", "is octal to one YAML reader and decimal to another"),
        ("0o17 -0o7 0o_1", "is octal to one YAML reader and text to another"),
        ("0b1010 -0b1", "is binary"),
        ("0x1F 0xdead -0x1 0x_1", "is a hexadecimal number"),
        ("20:30 1:59 190:20:30 -1:30 20:30.15", "is a number of base 60"),
        ("1_000 1_ 1_000.5 1.000_1 1_0e3 .5_0", "write it without the _"),
        ("1e3 1E3 1e+3 1e-3 1.5e3 .5E5 -2e1", "write it without an exponent"),
        ("2026-01-05T10:00:00Z 2026-1-5T1:00:00 2026-01-05t10:00:00.5", "is a time to one YAML reader"),
        ("= <<", "has a meaning of its own in YAML 1.1"),
        (".inf -.inf +.Inf .nan .NaN 1.0e+999", "is no finite number"),
        ("2026-02-30 2026-13-01 0000-01-01", "is no day of the calendar"),
        ("9" * 31, "has more than 30 digits"),
    ],
)
def test_a_value_that_two_readers_read_differently_is_refused(texts, reason):
    for text in texts.split():
        with pytest.raises(ScalarError, match=reason):
            plain_value(text)
        assert not is_text(text)


@given(st.from_regex(r"[-+]?[0-9a-fxob_:.eEyn~=<-]{1,8}", fullmatch=True))
def test_what_is_read_is_what_pyyaml_reads(text):
    """PyYAML reads YAML 1.1: a value that differs there from ours must have been refused here."""
    try:
        ours = plain_value(text)
    except ScalarError:
        return
    (token,) = [event for event in yaml.parse(f"- {text}") if isinstance(event, yaml.ScalarEvent)] or [None]
    if token is not None and token.value == text:
        (theirs,) = yaml.safe_load(f"- {text}")
        assert ours == theirs or (isinstance(theirs, str) and isinstance(ours, float))
