"""A fault pack: labels in one file, for another network of the same features.

A zip of two members, a manifest and one label a line, as they lie on the topic. It is read as what a stranger sent:
exactly these members, none longer than it may be, and the lines by the digest that the manifest gives. The digest of
the manifest itself is told by whoever sent the pack, by another way.
"""

import hashlib
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from detector.core.features import Catalogue
from detector.errors import LabelError, OperatorError, OutputError
from detector.labels.label import LONGEST_BYTES, Label, label_windows, read_label

MANIFEST, LABELS = "manifest.json", "labels.jsonl"

FORMAT = 1

MOST_LABELS = 20_000
"""What a library may hold and still be matched in a tenth of a batch's time."""

MOST_BYTES = 2_000_000_000
"""Of all labels, unpacked: 20,000 of two hours and 130 features in base64 are 1.7 GB."""

HARMLESS_BYTES, MOST_GROWTH = 200_000_000, 100
"""Beyond the first, what unpacks to so many times its length is a bomb. Labels of noise grow by 1.4, those of a day on
which nothing was reported but zeros by 900."""

BROKEN = (
    *(zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError),
    *(msgspec.MsgspecError, ValueError, MemoryError, OverflowError),
)
"""What zipfile and msgspec raise for what is none."""

MANIFEST_BYTES = 100_000

EPOCH = (1980, 1, 1, 0, 0, 0)
"""When members were written, says the archive: the same labels make the same pack."""


class PackError(OperatorError):
    """A file that is no pack, or not the one that was meant."""


class PackManifest(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What is in a pack."""

    format: int
    catalogue: str
    """Digest of the features that all its labels were taught on."""
    labels: int
    sha256: str
    """Of the labels' member."""


@dataclass(frozen=True)
class Pack:
    labels: Sequence[bytes]
    """As they lie on the topic."""
    catalogue: str
    digest: str
    """SHA-256 of the manifest, and so of everything."""


@dataclass(frozen=True)
class Arrival:
    """One label of a pack, before it is accepted."""

    number: int
    """Its line, from 1 on."""
    label: Label | None
    state: str
    """`new`, `known` (the very same is there), `replaces` (another of its id is) or `refused`."""
    why: str = ""


def write_pack(path: Path, labels: Iterable[bytes], catalogue: str) -> Pack:
    """Raises OutputError."""
    lines = sorted(labels)
    body = b"".join(line + b"\n" for line in lines)
    manifest = PackManifest(FORMAT, catalogue, len(lines), hashlib.sha256(body).hexdigest())
    told = msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"
    try:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in ((MANIFEST, told), (LABELS, body)):
                archive.writestr(zipfile.ZipInfo(name, EPOCH), content, zipfile.ZIP_DEFLATED)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}); give a file in a folder of yours.") from None
    return Pack(lines, catalogue, hashlib.sha256(told).hexdigest())


def read_pack(path: Path) -> Pack:
    """Raises PackError; what is in its labels is nobody's word yet."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = sorted(member.filename for member in archive.infolist()[:10])
            if names != sorted((MANIFEST, LABELS)):
                told_of = ", ".join(ascii(name)[1:-1] for name in names)[:200]  # a name may hold what a terminal obeys
                raise PackError(f"{path}: is no pack: it holds {told_of or 'nothing'}.")
            told = _member(archive, MANIFEST, MANIFEST_BYTES, path)
            manifest = msgspec.json.decode(told, type=PackManifest)
            lines, digest = _lines(archive, path)
    except OSError as error:
        raise PackError(f"{path}: cannot be read ({error.strerror or error}).") from None
    except BROKEN as error:
        raise PackError(f"{path}: is no pack ({' '.join(str(error).split())[:200]}); have it sent again.") from None
    if manifest.format != FORMAT:
        raise PackError(f"{path}: has format {manifest.format}, and this version reads {FORMAT}; export it anew.")
    if digest != manifest.sha256:
        raise PackError(f"{path}: its labels are not those its manifest was made for; have it sent again.")
    if len(lines) != manifest.labels:
        told_of = f"{len(lines):,} labels, its manifest says {manifest.labels:,}"
        raise PackError(f"{path}: holds {told_of}; have it sent again.")
    return Pack(lines, manifest.catalogue, hashlib.sha256(told).hexdigest())


def _member(archive: zipfile.ZipFile, name: str, most: int, path: Path) -> bytes:
    """Read up to its limit, whatever its header claims."""
    with archive.open(name) as member:
        content = member.read(most + 1)
    if len(content) > most:
        raise PackError(f"{path}: its {name} is longer than {most:,} bytes; it is no pack.")
    return content


def _lines(archive: zipfile.ZipFile, path: Path) -> tuple[list[bytes], str]:
    """The labels, and the digest of all of them. Ends at the first thing that is beyond measure, whatever the archive's
    own header claims, before it is held in memory.
    """
    lines: list[bytes] = []
    digest, length = hashlib.sha256(), 0
    most = min(MOST_BYTES, max(HARMLESS_BYTES, MOST_GROWTH * path.stat().st_size))
    with archive.open(LABELS) as member:
        while line := member.readline(LONGEST_BYTES + 2):
            length += len(line)
            if len(line) > LONGEST_BYTES + 1:
                raise PackError(f"{path}: a label of it is longer than {LONGEST_BYTES:,} bytes; it is no pack.")
            if len(lines) == MOST_LABELS:
                raise PackError(f"{path}: holds more than {MOST_LABELS:,} labels, which are the most; take some out.")
            if length > most:
                raise PackError(f"{path}: unpacks to more than {most:,} bytes; it is no pack.")
            digest.update(line)
            lines.append(line.rstrip(b"\n"))
    return lines, digest.hexdigest()


def arrivals(pack: Pack, catalogue: Catalogue, known: Mapping[bytes, bytes]) -> list[Arrival]:
    """What would become of each label among those known, by their keys."""
    arrived: list[Arrival] = []
    ids: set[str] = set()
    for number, line in enumerate(pack.labels, 1):
        try:
            label = _received(_checked(line, catalogue))
        except LabelError as error:
            arrived.append(Arrival(number, None, "refused", str(error)))
            continue
        if label.id in ids:
            arrived.append(Arrival(number, label, "refused", f"label {label.id}: stands in the pack twice."))
            continue
        ids.add(label.id)
        there = known.get(label.id.encode())
        state = "new" if there is None else "known" if _is_same(label, there) else "replaces"
        arrived.append(Arrival(number, label, state))
    return arrived


def _received(label: Label) -> Label:
    """Without what was so where it comes from: what it cost there, which alarm of theirs somebody judged with it."""
    return msgspec.structs.replace(label, forecast=None, quarantined=False, forced=False, alarm="", rejects="")


def _is_same(label: Label, there: bytes) -> bool:
    try:
        return label == _received(read_label(there))
    except LabelError:
        return False


def _checked(line: bytes, catalogue: Catalogue) -> Label:
    """Raises LabelError for what the detectors would refuse."""
    if len(line) > LONGEST_BYTES:
        raise LabelError(f"a label of {len(line):,} bytes is none (at most {LONGEST_BYTES:,}).")
    label = read_label(line)
    label_windows(label, catalogue)
    return label
