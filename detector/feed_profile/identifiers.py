"""Identifiers of cells: which the baseline knows, and the change that explains those that it does not know."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator

from detector.feed_profile.profile import CellsProfile
from detector.feed_profile.reference import FeedReference

MOST_EXAMPLES = 5

EXPLAINED = 0.5
"""Share of the unknown cells that one change must explain. Others may be new."""

LEAST_CHANGED = 2
"""Cells from which a change counts: one cell may have a similar name by chance."""

SEPARATOR = re.compile(r"[=,\-_/.:|\s]")
ZEROS = re.compile(r"(?<!\d)0+(?=\d)")

Match = tuple[str, str]
"""Change, and the known name."""


def profile_cells(reference: FeedReference, names: list[str]) -> tuple[CellsProfile, dict[str, str]]:
    """Return the reported cells against those of the baseline, and the baseline's name of each changed identifier."""
    known = reference.cells
    unknown = [name for name in names if name not in known] if known else []
    change, pairs = _likely_change(unknown, known)
    profile = CellsProfile(
        reported=len(names),
        known=len(names) - len(unknown) if known else 0,
        in_baseline=len(known),
        unknown_examples=unknown[:MOST_EXAMPLES],
        change=change,
        change_examples=pairs[:MOST_EXAMPLES],
        changed=len(pairs),
    )
    return profile, dict(pairs)


def _likely_change(unknown: list[str], known: set[str]) -> tuple[str, list[tuple[str, str]]]:
    """Return the change that explains most of the unknown names, and the pairs that it explains."""
    pairs: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    find = _matcher(known)
    for name in unknown:
        for change, original in find(name):
            pairs[change].append((name, original))
    if not pairs:
        return "", []
    change, matches = max(pairs.items(), key=lambda item: len(item[1]))
    is_likely = len(matches) >= max(LEAST_CHANGED, EXPLAINED * len(unknown))
    return (change, matches) if is_likely else ("", [])


def _matcher(known: set[str]) -> Callable[[str], Iterator[Match]]:
    """Return a function that yields the changes which lead from a known name to an unknown one."""
    folded = _unambiguous((name.casefold(), name) for name in known)
    plain = _unambiguous((_plain(name), name) for name in known)
    parts = _unambiguous((part, name) for name in known for part in _parts(name))

    def find(name: str) -> Iterator[Match]:
        if name.casefold() in folded:
            yield "other capital letters", folded[name.casefold()]
        elif _plain(name) in plain:
            yield "other separators or zeros", plain[_plain(name)]
        for begin in range(1, len(name)):
            if name[begin:] in known:
                yield f"the prefix {name[:begin]!r}", name[begin:]
            if name[:begin] in known:
                yield f"the suffix {name[begin:]!r}", name[:begin]
        if name in parts:
            yield "a part left out", parts[name]

    return find


def _unambiguous(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return a dictionary without the keys of several names."""
    pairs = list(pairs)
    counts = Counter(key for key, _ in pairs)
    return {key: name for key, name in pairs if counts[key] == 1}


def _plain(name: str) -> str:
    """Return a name without separators, capitals and leading zeros."""
    return SEPARATOR.sub("", ZEROS.sub("", name.casefold()))


def _parts(name: str) -> set[str]:
    """Return the beginnings and ends of a name at its separators."""
    places = [found.span() for found in SEPARATOR.finditer(name)]
    return {name[end:] for _, end in places} | {name[:begin] for begin, _ in places}
