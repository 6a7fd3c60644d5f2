"""Rules of a catalogue that its types cannot express: closed lists, ranges, and names that collide.

The rules take a catalogue as builtins and skip values of another type, which are reported where they are read. A file
obeys all rules. A bundle obeys those under which its records could not be read: a bundle of an earlier version was
written without rules, and goes on serving.
"""

import struct
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from detector.core.vocabulary import PERIODS, STAMPS
from detector.strict_yaml.conversion import nearest
from detector.strict_yaml.document import SHOWN_WIDTH, Keys
from detector.text import is_harmless, printable

KINDS = ("counter", "gauge", "ratio")

TRANSFORMS = ("identity", "log1p")

LONGEST_NAME = 200
"""Most characters of a feature's name; the longest measurement with its subcounters has some 120 in the field."""

RESERVED = {
    **dict.fromkeys(("cell", "minute", "received", "day"), "a column of a history"),
    **dict.fromkeys(("time", "features"), "a member of a record"),
    **dict.fromkeys(("class", "kind", "begin", "end"), "a column of episodes.csv"),
}
"""Names that no feature may have, in any case of their letters: DuckDB, Hive and Spark ignore the case of columns."""

TEXT_KEYS = ("unit", "alias", "group")

CatalogueMistakes = Iterator[tuple[Keys, str]]
"""Keys and sentence of each mistake; the first key of a feature's mistake is its index."""

Row = Mapping[str, Any]


def header_mistakes(header: Row) -> CatalogueMistakes:
    """Yield the mistakes of `period_minutes` and `stamp`."""
    period, stamp = header.get("period_minutes", 1), header.get("stamp", "begin")
    if type(period) is int and period not in PERIODS:
        allowed = ", ".join(map(str, PERIODS[:-1]))
        yield (
            ("period_minutes",),
            f"`period_minutes` is {period:,}; allowed is {allowed} or {PERIODS[-1]}{_nearest_period(period)}.",
        )
    if isinstance(stamp, str) and stamp not in STAMPS:
        yield ("stamp",), f"`stamp` is {_shown(stamp)}; allowed is {_listed(STAMPS)}{_hint(stamp, STAMPS)}."


def feature_mistakes(rows: Sequence[Row]) -> CatalogueMistakes:
    """Yield every mistake of a catalogue's features."""
    yield from _repeated_names(rows)
    yield from _name_mistakes(rows)
    for index, row in enumerate(rows):
        yield from _range_mistakes(index, row)
        yield from _word_mistakes(index, row)
        yield from _text_mistakes(index, row)


def reading_mistakes(rows: Sequence[Row]) -> CatalogueMistakes:
    """Yield the mistakes under which records cannot be read: no feature, a name twice, a range that holds no value."""
    yield from _repeated_names(rows)
    for index, row in enumerate(rows):
        low, high = _number(row.get("low")), _number(row.get("high"))
        if low is not None and high is not None and _single(low) > _single(high):
            yield from _range_mistakes(index, row)


def _repeated_names(rows: Sequence[Row]) -> CatalogueMistakes:
    if not rows:
        yield (), "lists no feature; list one at least, or draft them with `faultline-trainer catalogue`."
    first: dict[str, int] = {}
    for index, row in enumerate(rows):
        name = row.get("name")
        if isinstance(name, str) and first.setdefault(name, index) != index:
            text = f"the name {_quoted(name)} stands twice, first as feature {first[name] + 1}; keep one of the two."
            yield (index, "name"), text


def _range_mistakes(index: int, row: Row) -> CatalogueMistakes:
    low, high = (_number(row.get(key)) for key in ("low", "high"))
    for key, value in (("low", low), ("high", high)):
        if value is not None and not _is_finite(value):
            text = f"`{key}` of {_name(row)} is {value:g}; allowed is a finite number of single precision, to 3.4e38."
            yield (index, key), text
    if low is None or high is None or not (_is_finite(low) and _is_finite(high)):
        return
    if _single(low) >= _single(high):
        text = f"`low` of {_name(row)} is {low:.9g}, and `high` is {high:.9g}; `low` must be below `high`"
        yield (index, "low"), f"{text}, also in single precision."
    elif low < 0 and row.get("transform") == "log1p":
        text = f"`low` of {_name(row)} is {low:g}, and its transform is `log1p`, which takes values from 0 on"
        yield (index, "low"), f"{text}; set `low` to 0 or more, or the transform to `identity`."


def _word_mistakes(index: int, row: Row) -> CatalogueMistakes:
    for key, words in (("kind", KINDS), ("transform", TRANSFORMS)):
        word = row.get(key)
        if isinstance(word, str) and word not in words:
            text = f"`{key}` of {_name(row)} is {_shown(word)}; allowed is {_listed(words)}{_hint(word, words)}."
            yield (index, key), text


def _name_mistakes(rows: Sequence[Row]) -> CatalogueMistakes:
    first: dict[str, tuple[int, str]] = {}
    for index, row in enumerate(rows):
        name = row.get("name")
        if not isinstance(name, str):
            continue
        reason = _unfit_name(name)
        if reason:
            yield (index, "name"), f"the name {_shown(name)} of feature {index + 1} {reason}."
            continue
        before, other = first.setdefault(_folded(name), (index, name))
        if other != name:
            text = f"the names {_quoted(name)} and {_quoted(other)}, of feature {before + 1}, differ only in case or"
            yield (index, "name"), f"{text} spaces, which many readers of Parquet and CSV ignore; rename one of them."


def _unfit_name(name: str) -> str:
    """Return why a name cannot be a feature's; empty if it can."""
    if not name.strip():
        return "is empty; give it the name that records carry"
    if len(name) > LONGEST_NAME:
        return f"has {len(name):,} characters; allowed are {LONGEST_NAME}"
    if not all(is_harmless(character) for character in name):
        return "has a character that cannot be printed; remove it"
    if name != name.strip():
        return "has a space at an end; remove it"
    owner = RESERVED.get(_folded(name))
    return f"is reserved: `{_folded(name)}` is {owner}; rename the feature" if owner else ""


def _text_mistakes(index: int, row: Row) -> CatalogueMistakes:
    for key in TEXT_KEYS:
        text = row.get(key)
        if isinstance(text, str) and not all(is_harmless(character) for character in text):
            sentence = f"`{key}` of {_name(row)} is {_shown(text)}, which has a character that cannot be printed"
            yield (index, key), f"{sentence}; remove it."


def _nearest_period(value: int) -> str:
    """Return a question after the period that was meant: 900 s are 15 minutes."""
    if value % 60 == 0 and value // 60 in PERIODS:
        return f" (did you mean {value // 60}? The key is in minutes)"
    near = min(PERIODS, key=lambda period: abs(period - value))
    return f" (the nearest is {near})" if value > 0 else ""


def _hint(word: str, words: Sequence[str]) -> str:
    """Return a question after the nearest word; a word that begins one of them is near, such as `log`."""
    folded = word.strip().lower()
    begun = [known for known in words if folded and (known.startswith(folded) or folded.startswith(known))]
    return f" (did you mean `{begun[0]}`?)" if begun else _unlisted(nearest(folded, words))


def _unlisted(question: str) -> str:
    return question if "did you mean" in question else ""  # the list stands in the sentence already


def _listed(words: Sequence[str]) -> str:
    return f"{', '.join(f'`{word}`' for word in words[:-1])} or `{words[-1]}`"


def _name(row: Row) -> str:
    name = row.get("name")
    return _quoted(name) if isinstance(name, str) and name.strip() else "a feature without a name"


def _quoted(text: str) -> str:
    return f"`{printable(text, SHOWN_WIDTH)}`"


def _shown(text: str) -> str:
    return f"'{printable(text, SHOWN_WIDTH)}'"


def _folded(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def _number(value: Any) -> float | None:
    """Return a number; None for anything else. A whole number beyond any float is infinite."""
    if type(value) not in (int, float):
        return None
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _is_finite(value: float) -> bool:
    """Return whether a number is finite in single precision, in which values are compared with it."""
    single = _single(value)
    return single - single == 0


def _single(value: float) -> float:
    try:
        return float(struct.unpack("f", struct.pack("f", value))[0])
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
