"""Targets of a folder that is replaced: the folder itself, or a new one beside the folder that a link points at."""

import os
import re
from contextlib import suppress
from pathlib import Path

from detector.errors import OutputError

MOUNT_TABLE = Path("/proc/self/mountinfo")

NUMBERED = re.compile(r"(.+)-(\d{1,9})")
"""Name that ends in a number, such as `bundle-1`."""


def replacement_target(path: Path) -> Path:
    """Return where the new folder goes; for a link to a folder, a free name beside that folder. Raises OSError."""
    real = Path(os.path.realpath(path))
    if not path.is_symlink() or not os.path.lexists(real):
        return real
    matched = NUMBERED.fullmatch(real.name)
    stem, number = (matched[1], int(matched[2])) if matched else (real.name, 1)
    while os.path.lexists(target := real.with_name(f"{stem}-{number + 1}")):
        number += 1
    with suppress(FileNotFoundError):
        os.lstat(target)  # raises for a name that the number made too long
    return target


def refuse_special_folder(path: Path, real: Path) -> None:
    """Refuse to replace the root, the home or the current folder, or one above them. Raises OutputError."""
    protected = {"the root folder": Path("/"), "the current folder": _current_folder(), "the home folder": _home()}
    for name, folder in protected.items():
        if folder is None:
            continue
        if os.path.realpath(folder) == str(real):
            raise OutputError(f"{path}: is {name}, which is never replaced; name a folder in it.")
        if Path(os.path.realpath(folder)).is_relative_to(real):
            raise OutputError(f"{path}: holds {name}, and would be replaced whole; name a new folder in it.")


def refuse_mount_point(path: Path, real: Path) -> None:
    """Refuse to replace what another file system, or another folder, is mounted on. Raises OutputError."""
    if str(real) in _mount_points():
        raise OutputError(f"{path}: is a mount point, which cannot be replaced; mount a folder, and name a path in it.")


def _current_folder() -> Path | None:
    try:
        return Path.cwd()
    except FileNotFoundError:  # it was removed under this process
        return None


def _home() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:  # a user without a name and without HOME
        return None


def _mount_points() -> set[str]:
    """Return all mount points, those of one folder onto another, too, which `os.path.ismount` does not see."""
    try:
        lines = MOUNT_TABLE.read_bytes().splitlines()
    except OSError:
        return set()
    return {os.fsdecode(re.sub(rb"\\(\d{3})", _unescaped, line.split(b" ")[4])) for line in lines}


def _unescaped(matched: re.Match[bytes]) -> bytes:
    """Return the character that the mount table writes as three octal digits."""
    return bytes([int(matched[1], 8)])
