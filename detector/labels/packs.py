"""Fault pack: labels in one file, for another network of the same features.

A pack is a zip of two members: a manifest, and the labels as on the topic, one per line. It is read as untrusted input.
It must have exactly these members, none above its limit, and the lines must match the digest in the manifest. The
sender gives the digest of the manifest itself by another channel, or signs the manifest. The comment of the zip is the
signature; versions without signatures ignore it.
"""

import hashlib
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from detector.core.features import Catalogue
from detector.errors import LabelError, OperatorError
from detector.labels.embedding import label_windows
from detector.labels.label import MAX_LABEL_BYTES, Label, read_label
from detector.output.files import whole_file
from detector.output.judgement import unwritable
from detector.output.kinds import file_kind
from detector.signatures import PublicKey, SigningKey, signature_problem
from detector.text import did_you_mean

MANIFEST, LABELS = "manifest.json", "labels.jsonl"

FORMAT = 1
"""Version of the pack's format; a pack of another version is refused."""

MAX_LABELS = 20_000
"""Most labels of a pack: so many exemplars are still matched in a tenth of a batch's time."""

MAX_BYTES = 2_000_000_000
"""Most bytes of all labels, unpacked: 20,000 of two hours and 130 features in base64 are 1.7 GB."""

HARMLESS_BYTES, MAX_GROWTH = 200_000_000, 100
"""Unpacked bytes that are always allowed, and the factor that is allowed beyond them; a larger factor is a zip bomb.
Labels of noise grow by 1.4, those of a day on which nothing but zeros was reported by 900."""

BROKEN = (
    *(zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError),
    *(msgspec.MsgspecError, ValueError, MemoryError, OverflowError),
)
"""Errors that zipfile and msgspec raise for a file that is no pack."""

MANIFEST_BYTES = 100_000

EPOCH = (1980, 1, 1, 0, 0, 0)
"""Time of every member in the archive: it is constant, so that the same labels make the same pack."""


class PackError(OperatorError):
    """Pack that cannot be read or fails its checks."""


class PackManifest(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Content of a pack's manifest."""

    format: int
    catalogue: str
    """Digest of the features that all its labels were taught on."""
    labels: int
    sha256: str
    """Digest of the member with the labels."""


@dataclass(frozen=True)
class Pack:
    """Labels of a pack, as they are on the topic."""

    labels: Sequence[bytes]
    catalogue: str
    digest: str
    """SHA-256 of the manifest, and therefore of everything."""


@dataclass(frozen=True)
class PackEntry:
    """Label of a pack, before it is accepted."""

    line: int
    """Line of the member with the labels, from 1 on."""
    label: Label | None
    state: str
    """`new`, `known` (the topic has the same label), `replaces` (the topic has another of its id) or `refused`."""
    reason: str = ""
    """Reason of the refusal; empty in the other states."""


def check_classes(wanted: Sequence[str], known: Iterable[str]) -> None:
    """Check that every wanted class has a label. Raises PackError."""
    names = sorted(set(known))
    for name in wanted:
        if name not in names:
            raise PackError(
                f"--class {name}: no label in force has this class; `faultline labels` prints the labels in force."
                f"{did_you_mean(name, names)}"
            )


def is_pack(path: Path) -> bool:
    """Return whether a file has the form of a pack; its labels are not looked at."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = {member.filename for member in archive.infolist()[:10]}
            if not {MANIFEST, LABELS} <= names:
                return False
            msgspec.json.decode(_read_member(archive, MANIFEST, MANIFEST_BYTES, path), type=PackManifest)
    except (*BROKEN, PackError):
        return False
    return True


PACK_FILE = file_kind("a pack", is_pack)


def write_pack(path: Path, labels: Iterable[bytes], catalogue: str, signer: SigningKey | None = None) -> Pack:
    """Write the labels as a pack, sorted, and signed if there is a key. Raises OutputError."""
    lines = sorted(labels)
    body = b"".join(line + b"\n" for line in lines)
    manifest = PackManifest(
        format=FORMAT, catalogue=catalogue, labels=len(lines), sha256=hashlib.sha256(body).hexdigest()
    )
    manifest_json = msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"
    try:
        with whole_file(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.comment = signer.sign(manifest_json) if signer else b""
            for name, content in ((MANIFEST, manifest_json), (LABELS, body)):
                archive.writestr(zipfile.ZipInfo(name, EPOCH), content, zipfile.ZIP_DEFLATED)
    except OSError as error:
        raise unwritable(path, PACK_FILE, error) from None
    return Pack(lines, catalogue, hashlib.sha256(manifest_json).hexdigest())


def read_pack(path: Path, trusted: Sequence[PublicKey] = ()) -> Pack:
    """Return the pack at `path`; its labels are not checked yet.

    With trusted keys, one of them must have signed its manifest. Raises PackError.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = sorted(member.filename for member in archive.infolist()[:10])
            if names != sorted((MANIFEST, LABELS)):
                shown = ", ".join(ascii(name)[1:-1] for name in names)[:200]  # a name may hold terminal control codes
                raise PackError(
                    f"{path}: is no pack: it holds {shown or 'nothing'}, and a pack holds {LABELS}, {MANIFEST};"
                    " have it sent again."
                )
            manifest_json = _read_member(archive, MANIFEST, MANIFEST_BYTES, path)
            if trusted:
                _check_signature(manifest_json, archive.comment, trusted, path)
            manifest = msgspec.json.decode(manifest_json, type=PackManifest)
            lines, digest = _read_lines(archive, path)
    except OSError as error:
        raise PackError(
            f"{path}: cannot be read ({error.strerror or error}); give a file that `faultline pack` wrote."
        ) from None
    except BROKEN as error:
        raise PackError(f"{path}: is no pack ({' '.join(str(error).split())[:200]}); have it sent again.") from None
    if manifest.format != FORMAT:
        raise PackError(
            f"{path}: has format {manifest.format}, and this version reads {FORMAT}; have it exported again."
        )
    if digest != manifest.sha256:
        raise PackError(f"{path}: its labels do not have the checksum of its manifest; have it sent again.")
    if len(lines) != manifest.labels:
        counts = f"{len(lines):,} labels, and its manifest says {manifest.labels:,}"
        raise PackError(f"{path}: holds {counts}; have it sent again.")
    return Pack(lines, manifest.catalogue, hashlib.sha256(manifest_json).hexdigest())


def _check_signature(manifest_json: bytes, signatures: bytes, trusted: Sequence[PublicKey], path: Path) -> None:
    problem = signature_problem(manifest_json, signatures, trusted)
    if problem:
        raise PackError(f"{path}: {problem}; take a pack from whom you trust.")


def _read_member(archive: zipfile.ZipFile, name: str, limit: int, path: Path) -> bytes:
    """Return a member's content; read at most `limit` bytes, whatever its header claims. Raises PackError."""
    with archive.open(name) as member:
        content = member.read(limit + 1)
    if len(content) > limit:
        raise PackError(f"{path}: its {name} is longer than {limit:,} bytes, so it is no pack; have it sent again.")
    return content


def _read_lines(archive: zipfile.ZipFile, path: Path) -> tuple[list[bytes], str]:
    """Return the labels and the digest of all of them. Raises PackError.

    The reading ends at the first excess over a limit, whatever the archive's header claims, and before the excess is
    held in memory.
    """
    lines: list[bytes] = []
    digest, length = hashlib.sha256(), 0
    limit = min(MAX_BYTES, max(HARMLESS_BYTES, MAX_GROWTH * path.stat().st_size))
    with archive.open(LABELS) as member:
        while line := member.readline(MAX_LABEL_BYTES + 2):
            length += len(line)
            if len(line) > MAX_LABEL_BYTES + 1:
                raise PackError(
                    f"{path}: one of its labels is longer than {MAX_LABEL_BYTES:,} bytes, so it is no pack; have it"
                    " sent again."
                )
            if len(lines) == MAX_LABELS:
                raise PackError(f"{path}: holds more than {MAX_LABELS:,} labels, the most of one pack; have it split.")
            if length > limit:
                raise PackError(f"{path}: unpacks to more than {limit:,} bytes, so it is no pack; have it sent again.")
            digest.update(line)
            lines.append(line.rstrip(b"\n"))
    return lines, digest.hexdigest()


def check_entries(pack: Pack, catalogue: Catalogue, taught: Mapping[bytes, bytes]) -> list[PackEntry]:
    """Return the state of each label of the pack among the taught labels, which are given by their keys."""
    entries: list[PackEntry] = []
    ids: set[str] = set()
    for line, value in enumerate(pack.labels, 1):
        try:
            label = _without_history(_read_entry(value, catalogue))
        except LabelError as error:
            entries.append(PackEntry(line, None, "refused", str(error)))
            continue
        if label.id in ids:
            reason = f"label {label.id}: the pack holds this id twice; remove one of the two."
            entries.append(PackEntry(line, label, "refused", reason))
            continue
        ids.add(label.id)
        taught_value = taught.get(label.id.encode())
        state = "new" if taught_value is None else "known" if _is_same(label, taught_value) else "replaces"
        entries.append(PackEntry(line, label, state))
    return entries


def _without_history(label: Label) -> Label:
    """Return the label without what holds only for its own network: forecast, quarantine and judged alarm."""
    return msgspec.structs.replace(label, forecast=None, quarantined=False, forced=False, alarm="", rejects="")


def _is_same(label: Label, taught_value: bytes) -> bool:
    try:
        return label == _without_history(read_label(taught_value))
    except LabelError:
        return False


def _read_entry(value: bytes, catalogue: Catalogue) -> Label:
    """Return the label of a line. Raises LabelError for a label that the detectors would refuse."""
    label = read_label(value)
    label_windows(label, catalogue)
    return label
