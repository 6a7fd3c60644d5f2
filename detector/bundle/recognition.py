"""Recognition of a bundle where a new one is to be written: by its manifest, its checksums, and nothing else in it."""

import hashlib
from pathlib import Path

from detector.bundle.checksums import FILES, MAX_SUMS_BYTES, SUMS
from detector.output.kinds import OutputKind

FOLDER_BYTES, STRETCH_BYTES = 1_700_000, 6_600
"""Room for a bundle without its baselines, and for each stretch of its normal profile. Measured on a `tree` encoder: 64
stretches and no cells have 2.1 MB, 1,200 stretches and six cells 9.6 MB."""


def foreign_content(path: Path) -> str:
    """Return why a folder is not exactly a bundle as a trainer wrote it; empty if it is."""
    entries = {entry.name: entry for entry in path.iterdir()}
    foreign = sorted(name for name in entries if name not in FILES and not name.startswith(SUMS))
    if foreign:
        more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
        return f"holds {foreign[0]}{more}, which no bundle has"
    missing = [name for name in (SUMS, *FILES) if name not in entries]
    if missing:
        return f"is not empty and holds no whole bundle: {missing[0]} is missing"
    if any(entry.is_symlink() or not entry.is_file() for entry in entries.values()):
        return "holds a link or a folder, which no bundle has"
    return _altered_file(path)


def _altered_file(path: Path) -> str:
    """Return which file its checksums do not describe; empty for none."""
    with (path / SUMS).open("rb") as file:
        lines = file.read(MAX_SUMS_BYTES).decode(errors="replace").splitlines()
    sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    for name in FILES:
        with (path / name).open("rb") as file:
            if sums.get(name) != hashlib.file_digest(file, "sha256").hexdigest():
                return f"holds a {name} that its {SUMS} does not describe, so it was altered after its training"
    return ""


def expected_bytes(stretches: int) -> int:
    """Return the room that a bundle with so many stretches of normal life takes, its baselines not counted."""
    return FOLDER_BYTES + stretches * STRETCH_BYTES


BUNDLE = OutputKind(noun="a bundle", form="replaced folder", foreign_content=foreign_content)
