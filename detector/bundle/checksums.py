"""A bundle's files: each is read once, and held against its checksum as it is read.

So what is parsed is what was checked, whoever writes to the directory meanwhile; and what is large is mapped from a
copy of our own, without a name, so that a bundle copied over the one that serves changes nothing and breaks nothing.
"""

import hashlib
import io
import os
import shutil
import tempfile
import tokenize
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.errors import BundleError

FILES = ("manifest.json", "weights.npz", "cells.npy", "baseline.npy", "normal.npz", "golden.npz")
SUMS = "SHA256SUMS"

MOST_SUMS_BYTES = 10_000
"""Six lines have 500."""

MAPPED = ("cells.npy", "baseline.npy")
"""They grow with the network, and an instance pays for the cells it owns."""

UNREADABLE = (
    *(ValueError, OSError, EOFError, zipfile.BadZipFile, tokenize.TokenError, SyntaxError),
    *(MemoryError, OverflowError, TypeError, KeyError, NotImplementedError, RuntimeError),
)
"""What numpy and zipfile raise for a file that is not, or not wholly, an array: also for a header that claims more than
there is memory, or that is no header."""

MOST_BYTES = 500_000_000
"""Of a file that is read into memory: the largest of the shipped bundle has 1 MB."""


def stat_signature(path: Path) -> tuple[object, ...]:
    """What lies there, as far as can be told without reading it: different for different bundles, and cheap."""
    home = os.path.realpath(path)
    told: list[object] = [home]
    for name in (SUMS, *FILES):
        try:
            stat = os.stat(os.path.join(home, name))
            told.append((stat.st_ino, stat.st_size, stat.st_mtime_ns))
        except OSError as error:
            told.append(error.errno)
    return tuple(told)


def sums_of(path: Path) -> str:
    """The text of the checksums of the files that lie at `path`."""
    digests = []
    for name in FILES:
        with (path / name).open("rb") as file:
            digests.append(hashlib.file_digest(file, "sha256").hexdigest())
    return "".join(f"{digest}  {name}\n" for digest, name in zip(digests, FILES, strict=True))


class VerifiedFiles:
    """The files of the bundle at `path`, all checked. Raises BundleError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._home = Path(os.path.realpath(path))  # `current` may come to point elsewhere while we read
        text = self._text()
        lines = [line.split("  ", 1) for line in text.splitlines() if "  " in line]
        sums = {name: digest for digest, name in lines}
        if set(sums) != set(FILES):
            raise BundleError(
                f"{path}/{SUMS}: lists {', '.join(sorted(sums))[:200]!r}, and a bundle has {', '.join(FILES)}.",
                "checksum",
            )
        self.digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        self._contents = {name: self._read(name, sums[name]) for name in FILES if name not in MAPPED}
        self._arrays = {name: self._map(name, sums[name]) for name in MAPPED}

    def content(self, name: str) -> bytes:
        return self._contents[name]

    def archive(self, name: str, types: dict[str, np.dtype[Any]]) -> dict[str, NDArray[Any]]:
        """The arrays of one archive, which must have these names and types."""
        try:
            self._check_members(name, sorted(types))
            with np.load(io.BytesIO(self._contents[name]), allow_pickle=False) as archive:
                arrays = {key: archive[key] for key in archive.files}
        except UNREADABLE as error:
            raise BundleError(f"{self._path}/{name}: cannot be read ({_told(error)}).") from None
        found = {key: array.dtype for key, array in arrays.items()}
        if found != types:
            told, needed = (
                ", ".join(sorted({str(one) for one in kinds})) for kinds in (found.values(), types.values())
            )
            raise BundleError(f"{self._path}/{name}: its arrays are {told}, and a bundle needs {needed}; train again.")
        return arrays

    def _check_members(self, name: str, wanted: list[str]) -> None:
        """Before one is read: these names and no others, each once, and none that grows as it is read."""
        with zipfile.ZipFile(io.BytesIO(self._contents[name])) as archive:
            members = archive.infolist()
        found = sorted(member.filename.removesuffix(".npy") for member in members)
        if found != wanted:
            told = [str(one)[:40] for one in found[:20]]
            raise BundleError(f"{self._path}/{name}: holds {told}, and a bundle needs {wanted} in their types.")
        if any(member.compress_type != zipfile.ZIP_STORED for member in members):
            raise BundleError(f"{self._path}/{name}: is compressed, and the trainer never does that; train again.")
        if sum(member.file_size for member in members) > len(self._contents[name]):
            raise BundleError(f"{self._path}/{name}: its members claim more than there is; train again.")

    def array(self, name: str) -> NDArray[Any]:
        """One of the mapped files."""
        found = self._arrays[name]
        if isinstance(found, str):
            raise BundleError(f"{self._path}/{name}: cannot be read ({found}).")
        return found

    def _text(self) -> str:
        try:
            with (self._home / SUMS).open("rb") as file:
                return file.read(MOST_SUMS_BYTES).decode(errors="replace")
        except OSError as error:
            raise BundleError(
                f"{self._path}: has no {SUMS} ({error.strerror}); point `bundle` at a bundle's directory.", "files"
            ) from None

    def _read(self, name: str, digest: str) -> bytes:
        try:
            with self._file(name).open("rb") as file:
                content = file.read(MOST_BYTES + 1)
        except OSError as error:
            raise BundleError(f"{self._path}: {name} cannot be read ({error.strerror}).", "files") from None
        if len(content) > MOST_BYTES:
            raise BundleError(
                f"{self._path}: {name} has over {MOST_BYTES:,} bytes; no trainer writes so much.", "files"
            )
        self._hold(name, hashlib.sha256(content).hexdigest(), digest)
        return content

    def _map(self, name: str, digest: str) -> NDArray[Any] | str:
        """The file's array, out of our own copy; or why it is none."""
        source = self._file(name)
        try:
            with source.open("rb") as file, tempfile.NamedTemporaryFile(prefix="faultline-") as copy:
                shutil.copyfileobj(file, copy)
                copy.seek(0)
                self._hold(name, hashlib.file_digest(copy, "sha256").hexdigest(), digest)
                return _mapped(Path(copy.name))
        except OSError as error:
            raise BundleError(
                f"{self._path}: {name} cannot be copied to {tempfile.gettempdir()} ({error.strerror}); make room there,"
                " or set TMPDIR.",
                "files",
            ) from None

    def _file(self, name: str) -> Path:
        real = Path(os.path.realpath(self._home / name))
        if not real.is_relative_to(self._home):
            raise BundleError(f"{self._path}: {name} is a link out of the bundle; copy the bundle whole.", "files")
        if not real.is_file():
            raise BundleError(f"{self._path}: {name} is missing; copy the bundle again.", "files")
        return real

    def _hold(self, name: str, found: str, told: str) -> None:
        if found != told:
            raise BundleError(
                f"{self._path}: {name} is not what the trainer wrote (checksum); copy the bundle again.", "checksum"
            )


def _mapped(path: Path) -> NDArray[Any] | str:
    try:
        mapped: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except UNREADABLE as error:
        return _told(error)
    return mapped


def _told(error: BaseException) -> str:
    """In a few words, on one line: a header says what somebody wrote into it."""
    return " ".join(str(error).split())[:200] or type(error).__name__
