"""Sentences of findings: lists of names, shares, and the remedy for each reason of a refusal."""

from collections.abc import Mapping, Sequence

from detector.feed_profile.time_forms import ISO, SECONDS

MOST_NAMES = 5
"""Names in a sentence. Tables and JSON have all of them."""

REMEDIES = {
    "tombstone": "they have no value; send one.",
    "empty": "their values have no bytes; send JSON.",
    "too_large": "they are longer than limits.record_bytes; send fewer features, or raise it.",
    "not_utf8": "they are not UTF-8; encode them as UTF-8.",
    "malformed": "they are not JSON; send one JSON object per record.",
    "wrong_shape": "they are no object of cell, time and features; send these members.",
    "wrong_type": "a member has another type; cell is a text, features an object of numbers.",
    "cell_name": "the cell's name is empty or longer than 128 characters; send its identifier.",
    "key_mismatch": "the key is not the cell's name; key each record by its cell.",
    "missing_feature": "features of the catalogue are absent; send null for those that were not reported.",
    "unknown_feature": "they have features that the catalogue lacks; leave these out, or train with them.",
    "out_of_range": "a value lies outside its range; mend the unit, or widen the range in the catalogue.",
    "all_null": "no feature was reported; send nothing for a cell that has nothing to report.",
}


def refusal_remedy(reason: str, time_examples: Mapping[str, str]) -> str:
    """Return the cause and remedy of a refusal."""
    if reason != "time":
        return REMEDIES.get(reason, "see the list of reasons in the record's documentation.")
    others = [f"{form}, such as {example}" for form, example in time_examples.items() if form not in (ISO, SECONDS)]
    return f"their times cannot be used ({'; '.join(others) or 'absent'}); send ISO 8601 with a zone, or epoch seconds."


def listed(names: Sequence[str], count: int = 0, most: int = MOST_NAMES) -> str:
    """Return the first names, and the number of the others of `count`."""
    others = max(count, len(names)) - min(len(names), most)
    return ", ".join(names[:most]) + (f" and {others} more" if others else "")


def percent(share: float) -> str:
    """Return a share as a person writes it. What is neither nothing nor all is shown as neither."""
    if 0 < share < 0.01:
        return "below 1 %"
    return f"{share if share >= 1 else min(share, 0.99):.0%}".replace("%", " %")


def factor_text(factor: float) -> str:
    """Return a factor: `1,000 times`, `1/8 of`."""
    return f"{factor:,.6g} times" if factor >= 1 else f"1/{1 / factor:,.6g} of"


def period_text(minutes: float) -> str:
    """Return a period: `15 minutes`, `minute`, `10 seconds`."""
    if minutes < 1:
        return f"{60 * minutes:.0f} seconds"
    return "minute" if minutes == 1 else f"{minutes:g} minutes"
