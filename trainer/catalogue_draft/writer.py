"""Writer of a draft: YAML that `read_catalogue` reads, with a comment wherever the draft is unsure.

The first line bears a digest of the rest. Only a draft that nobody has edited since is replaced by another one.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from detector.output.files import whole_file
from detector.output.kinds import OutputKind, file_kind
from detector.strict_yaml.writer import write_flow
from detector.text import printable
from trainer.catalogue_draft.draft import CatalogueDraft
from trainer.catalogue_draft.feature_draft import RATIO_HIGH, FeatureDraft
from trainer.catalogue_draft.table import DraftError

HEADER = "# Draft of a catalogue, by `faultline-trainer catalogue`, "

LONGEST_DRAFT = 4 * 2**20
"""Longest file that is looked at for an earlier draft; a catalogue that can be read has at most 1 MB."""

COMMENT_WIDTH = 300


def is_unedited(path: Path) -> bool:
    """Tell whether a file is a draft that nobody has edited."""
    if path.stat().st_size > LONGEST_DRAFT:
        return False
    first, _, rest = path.read_bytes().partition(b"\n")
    return first.decode(errors="replace") == HEADER + _digest(rest)


DRAFT: OutputKind = file_kind("a draft of a catalogue that nobody has edited", is_unedited)


def draft_yaml(draft: CatalogueDraft) -> str:
    """Return the draft as YAML with comments."""
    body = "\n".join(_lines(draft)) + "\n"
    return f"{HEADER}{_digest(body.encode())}\n{body}"


def write_draft(draft: CatalogueDraft, path: Path) -> None:
    """Write the draft to a file. Raises DraftError."""
    try:
        with whole_file(path) as file:
            file.write(draft_yaml(draft).encode())
    except OSError as error:
        raise DraftError(f"{path}: cannot be written ({error.strerror or error}); give another path.") from None


def _lines(draft: CatalogueDraft) -> Iterator[str]:
    yield f"# Of {draft.records:,} records of {draft.cells:,} cells. Look over every line that says `unsure`."
    yield f"# Column of the cells: {_plain(draft.cell)}. Column of the times: {_plain(draft.time)}."
    yield "# Values outside [low, high] are nonsense and are not used. So ranges are wide: 10 times what was seen."
    yield f"# Shares may reach {RATIO_HIGH:g} %: the two counts of a rate end at different moments, and 101 % is seen."
    for remark in draft.unsure:
        yield f"# unsure: {_plain(remark)}"
    yield f"period_minutes: {draft.period_minutes}"
    yield "stamp: begin  # `end` if a time is the end of its period"
    yield "features:"
    for feature in draft.features:
        yield from _feature_lines(feature)
    if draft.left_out:
        yield "# Left out:"
        yield from (f"# - {_plain(name)}: {_plain(reason)}" for name, reason in draft.left_out)


def _feature_lines(draft: FeatureDraft) -> Iterator[str]:
    for remark in draft.unsure:
        yield f"# unsure: {_plain(remark)}"
    content: dict[str, Any] = msgspec.to_builtins(draft.feature)
    yield f"- {write_flow({key: value for key, value in content.items() if value != ''})}"


def _plain(text: str) -> str:
    """Return a text for a comment: on one line, and without what a terminal would obey."""
    return printable(text, COMMENT_WIDTH)


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:16]
