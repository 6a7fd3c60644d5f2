"""Reader of YAML files: a file's bytes, bounded and in UTF-8, become a document."""

import os
import stat
from pathlib import Path

from detector.strict_yaml.composer import Composer
from detector.strict_yaml.document import TOP, Mistake, YamlDocument, YamlError
from detector.strict_yaml.syntax import mark_at

MAX_YAML_BYTES = 1_000_000
"""Most bytes of a YAML file: people write 10 kB, and a catalogue of 1,000 features has 200 kB."""

ENCODINGS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"\x00": "UTF-16 or binary"}
"""First bytes of files that are not UTF-8 and are recognised by them."""


def read_document(path: Path) -> YamlDocument:
    """Return the document of a file. Raises OSError for a file that cannot be read, YamlError for one that is no YAML.

    Mistakes that do not end the reading are in the document; `YamlDocument.check` raises them.
    """
    return parse_document(_read_bytes(path), path)


def parse_document(content: bytes, path: Path) -> YamlDocument:
    """Return the document of a file's bytes. Raises YamlError."""
    return Composer(_decode(content, path), path).compose()


def _read_bytes(path: Path) -> bytes:
    """Return the content of a regular file; a pipe is refused before anything waits for it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(mode := os.fstat(descriptor).st_mode):
        os.close(descriptor)
        kind = "a folder" if stat.S_ISDIR(mode) else "a pipe or a device"
        raise YamlError(path, [Mistake(TOP, f"is {kind}; give a file.")])
    with open(descriptor, "rb") as file:
        content = file.read(MAX_YAML_BYTES + 1)
    if len(content) > MAX_YAML_BYTES:
        raise YamlError(path, [Mistake(TOP, f"is longer than {MAX_YAML_BYTES:,} bytes; give a shorter file.")])
    return content


def _decode(content: bytes, path: Path) -> str:
    encoding = ENCODINGS.get(content[:2]) or ENCODINGS.get(content[:1])
    if encoding or content[1:2] == b"\x00":
        raise YamlError(path, [Mistake(TOP, f"is not UTF-8 but {encoding or 'UTF-16'}; save it as UTF-8.")])
    try:
        return content.decode("utf-8-sig")  # a byte order mark, which editors on Windows write, is no part of the text
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode("utf-8-sig")
        text = f"the byte 0x{error.object[error.start]:02x} is not UTF-8; save the file as UTF-8."
        raise YamlError(path, [Mistake(mark_at(before, len(before)), text)]) from None
