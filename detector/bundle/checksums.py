"""Checksums of a bundle's files: each file is read once and verified as it is read.

What is parsed is therefore what was verified, even while another process writes to the directory. Large files are
mapped from a private copy without a name, so that a bundle copied over the serving bundle changes nothing and breaks
nothing.
"""

import hashlib
import io
import os
import shutil
import tempfile
import tokenize
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray

from detector.errors import BundleError
from detector.signatures import MAX_SIGNATURES_BYTES, PublicKey, signature_problem

FILES = ("manifest.json", "weights.npz", "cells.npy", "baseline.npy", "normal.npz", "golden.npz")
SUMS = "SHA256SUMS"

SIGNATURES = "SHA256SUMS.sig"
"""File with the signatures of SHA256SUMS. It is not listed there, so a bundle can be signed after it was written."""

MAX_SUMS_BYTES = 10_000
"""Most bytes that are read of SHA256SUMS; its six lines have 500."""

MAPPED = ("cells.npy", "baseline.npy")
"""Files that are memory-mapped: they grow with the network, and an instance pays for the cells it owns."""

UNREADABLE = (
    *(ValueError, OSError, EOFError, zipfile.BadZipFile, tokenize.TokenError, SyntaxError),
    *(MemoryError, OverflowError, TypeError, KeyError, NotImplementedError, RuntimeError),
)
"""Errors that numpy and zipfile raise for a file that is not, or not wholly, an array; also for a header that is
invalid or claims more than the memory of the machine."""

HEADER_VERSION = (1, 0)
"""Version of the header that numpy writes where it has less than 64 kB and no name in it."""

MAX_FILE_BYTES = 500_000_000
"""Most bytes of a file that is read into memory; the largest of the shipped bundle has 1 MB."""


def stat_fingerprint(path: Path) -> tuple[object, ...]:
    """Return inode, length and time of every file at `path`: cheap, and different for different bundles."""
    home = os.path.realpath(path)
    fingerprint: list[object] = [home]
    for name in (SUMS, SIGNATURES, *FILES):
        try:
            stat = os.stat(os.path.join(home, name))
            fingerprint.append((stat.st_ino, stat.st_size, stat.st_mtime_ns))
        except OSError as error:
            fingerprint.append(error.errno)
    return tuple(fingerprint)


def sums_of(path: Path) -> str:
    """Return the text of SHA256SUMS for the files at `path`."""
    digests = []
    for name in FILES:
        with (path / name).open("rb") as file:
            digests.append(hashlib.file_digest(file, "sha256").hexdigest())
    return "".join(f"{digest}  {name}\n" for digest, name in zip(digests, FILES, strict=True))


class VerifiedFiles:
    """Files of the bundle at `path`, read and verified on construction. Raises BundleError.

    With trusted keys, the checksums that were read must be signed by one of them.
    """

    def __init__(self, path: Path, trusted: Sequence[PublicKey] = ()) -> None:
        self._path = path
        self._home = Path(os.path.realpath(path))  # the link at `path` may change during the reading
        content = self._read_sums()
        if trusted:
            self._check_signature(content, trusted)
        text = content.decode(errors="replace")
        lines = [line.split("  ", 1) for line in text.splitlines() if "  " in line]
        sums = {name: digest for digest, name in lines}
        if set(sums) != set(FILES):
            raise BundleError(
                f"{path}/{SUMS}: lists {', '.join(sorted(sums))[:200]!r}, and a bundle has {', '.join(FILES)};"
                " copy the bundle again.",
                "checksum",
            )
        self.digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        self._contents = {name: self._read(name, sums[name]) for name in FILES if name not in MAPPED}
        self._arrays = {name: self._map(name, sums[name]) for name in MAPPED}

    def content(self, name: str) -> bytes:
        """Return the bytes of one file that is not mapped."""
        return self._contents[name]

    def archive(self, name: str, types: dict[str, np.dtype[Any]]) -> dict[str, NDArray[Any]]:
        """Return the arrays of one archive, which must have exactly these names and types. Raises BundleError."""
        try:
            self._check_members(name, sorted(types))
            with np.load(io.BytesIO(self._contents[name]), allow_pickle=False) as archive:
                arrays = {key: archive[key] for key in archive.files}
        except UNREADABLE as error:
            raise BundleError(f"{self._path}/{name}: cannot be read ({_short_reason(error)}); train again.") from None
        actual = {key: array.dtype for key, array in arrays.items()}
        if actual != types:
            raise BundleError(
                f"{self._path}/{name}: its arrays are {_distinct(actual)}, and a bundle needs {_distinct(types)};"
                " train again."
            )
        return arrays

    def array(self, name: str) -> NDArray[Any]:
        """Return the array of one mapped file. Raises BundleError where the file holds no array."""
        array = self._arrays[name]
        if isinstance(array, str):
            raise BundleError(f"{self._path}/{name}: cannot be read ({array}); train again.")
        return array

    def _check_members(self, name: str, expected: list[str]) -> None:
        """Check the directory of an archive before any member is read.

        Its names must be the expected ones, each once. No member may be longer unpacked than it is stored.
        """
        with zipfile.ZipFile(io.BytesIO(self._contents[name])) as archive:
            members = archive.infolist()
        names = sorted(member.filename.removesuffix(".npy") for member in members)
        if names != expected:
            shown = [name[:40] for name in names[:20]]
            raise BundleError(f"{self._path}/{name}: holds {shown}, and a bundle needs {expected}; train again.")
        if any(member.compress_type != zipfile.ZIP_STORED for member in members):
            raise BundleError(f"{self._path}/{name}: is compressed, and the trainer never compresses; train again.")
        if sum(member.file_size for member in members) > len(self._contents[name]):
            raise BundleError(f"{self._path}/{name}: its members claim more bytes than the file has; train again.")

    def _check_signature(self, content: bytes, trusted: Sequence[PublicKey]) -> None:
        signatures = b""
        if (self._home / SIGNATURES).is_file():
            signatures = self._read_small(SIGNATURES, MAX_SIGNATURES_BYTES)
        problem = signature_problem(content, signatures, trusted)
        if problem:
            raise BundleError(f"{self._path}: {problem}; take a bundle from whom you trust.", "signature")

    def _read_small(self, name: str, limit: int) -> bytes:
        try:
            with self._file(name).open("rb") as file:
                return file.read(limit)
        except OSError as error:
            raise BundleError(
                f"{self._path}: {name} cannot be read ({error.strerror}); let this user read it.", "files"
            ) from None

    def _read_sums(self) -> bytes:
        try:
            with (self._home / SUMS).open("rb") as file:
                return file.read(MAX_SUMS_BYTES)
        except OSError as error:
            raise BundleError(
                f"{self._path}: has no {SUMS} ({error.strerror}); point `bundle` at a bundle's directory.", "files"
            ) from None

    def _read(self, name: str, expected_digest: str) -> bytes:
        try:
            with self._file(name).open("rb") as file:
                content = file.read(MAX_FILE_BYTES + 1)
        except OSError as error:
            raise BundleError(
                f"{self._path}: {name} cannot be read ({error.strerror}); let this user read it.", "files"
            ) from None
        if len(content) > MAX_FILE_BYTES:
            raise BundleError(
                f"{self._path}: {name} has more than {MAX_FILE_BYTES:,} bytes, and no trainer writes so much; copy the"
                " bundle again.",
                "files",
            )
        self._check_digest(name, hashlib.sha256(content).hexdigest(), expected_digest)
        return content

    def _map(self, name: str, expected_digest: str) -> NDArray[Any] | str:
        """Return the file's array, mapped from a private copy, or the reason why the file holds none."""
        source = self._file(name)
        try:
            with source.open("rb") as file, tempfile.TemporaryFile() as copy:
                shutil.copyfileobj(file, copy)
                copy.seek(0)
                self._check_digest(name, hashlib.file_digest(copy, "sha256").hexdigest(), expected_digest)
                return _load_mapped(copy)
        except OSError as error:
            raise BundleError(
                f"{self._path}: {name} cannot be copied to {_temporary_folder()} ({error.strerror}); make room there,"
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

    def _check_digest(self, name: str, digest: str, expected_digest: str) -> None:
        if digest != expected_digest:
            raise BundleError(
                f"{self._path}: {name} is not what the trainer wrote (checksum); copy the bundle again.", "checksum"
            )


def _distinct(types: dict[str, np.dtype[Any]]) -> str:
    return ", ".join(sorted({str(kind) for kind in types.values()}))


def _temporary_folder() -> str:
    try:
        return tempfile.gettempdir()
    except OSError:  # no folder of its list can be written
        return "a temporary folder"


def _load_mapped(file: IO[bytes]) -> NDArray[Any] | str:
    """Return the array of a file, mapped by its descriptor: the file has no name, so that nothing is ever left of it.

    numpy maps files by name only, and this reads the header as numpy does.
    """
    file.seek(0)
    try:
        if np.lib.format.read_magic(file) != HEADER_VERSION:
            return "its header is of another version than the trainer writes"
        shape, is_fortran, kind = np.lib.format.read_array_header_1_0(file)
        if kind.hasobject:
            return "object arrays cannot be loaded"
        order: Literal["F", "C"] = "F" if is_fortran else "C"
        array: NDArray[Any] = np.memmap(file, kind, "r", offset=file.tell(), shape=shape, order=order)
    except UNREADABLE as error:
        return _short_reason(error)
    return array


def _short_reason(error: BaseException) -> str:
    """Return the error's text on one line of at most 200 characters: a file's header may put any text into it."""
    return " ".join(str(error).split())[:200] or type(error).__name__
