"""When the certificates end that the configuration names: the one thing about them that nobody hears of in time.

Python's ssl tells it of what was shown in a handshake, not of a file, so the date is read off the file: of a PEM's
certificates (RFC 7468), the second time in each one's validity (RFC 5280, 4.1). A PKCS#12 store and a folder of
authorities are not looked into.
"""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from detector.config.schema import Kafka

USES = ("kafka_client", "kafka_ca", "http")

BEGIN, END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"

MOST_BYTES = 10_000_000
"""A system's authorities, some 150 of them, have 220 kB."""

VERSION, UTC_TIME = 0xA0, 0x17


def kafka_ends(kafka: Kafka) -> dict[str, int]:
    """Seconds since 1970 at which the client's certificate ends, and the authorities'; a use without one is left out.

    A chain is over with the first of its certificates. Of authorities it is the last that counts: when they change,
    the old one and the new one stand in the file together.
    """
    found = {}
    for use, name, choose in (("kafka_client", "certificate", min), ("kafka_ca", "ca", max)):
        told = [end for passed in (kafka.common, kafka.consumer, kafka.producer) for end in _told(passed, name)]
        if told:
            found[use] = choose(told)
    return found


def _told(passed: dict[str, Any], name: str) -> list[int]:
    pem, place = passed.get(f"ssl.{name}.pem"), passed.get(f"ssl.{name}.location")
    return ends(str(pem)) if pem else ends_of_file(Path(str(place))) if place else []


def ends_of_file(path: Path) -> list[int]:
    """As `ends`; nothing for what cannot be read, which whoever uses it says better."""
    try:
        with path.open("rb") as file:
            return ends(file.read(MOST_BYTES).decode("ascii", errors="replace"))
    except OSError:
        return []


def ends(pem: str) -> list[int]:
    """Of each certificate, in their order, seconds since 1970; what is none is left out."""
    found = []
    for part in pem.split(BEGIN)[1:]:
        try:
            found.append(_end(ssl.PEM_cert_to_DER_cert(f"{BEGIN}{part.split(END)[0]}{END}")))
        except (ValueError, IndexError):
            continue
    return found


def _end(certificate: bytes) -> int:
    """Raises ValueError or IndexError for what is no certificate."""
    to_be_signed = _parts(_parts(certificate)[0][1])[0][1]
    fields = _parts(to_be_signed)
    validity = fields[4 if fields[0][0] == VERSION else 3][1]  # version, serial number, algorithm, issuer, validity
    kind, told = _parts(validity)[1]
    text = told.decode("ascii")
    if kind == UTC_TIME:  # two digits of the year, of 1950 to 2049
        text = ("19" if text >= "50" else "20") + text
    return int(datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp())


def _parts(der: bytes) -> list[tuple[int, bytes]]:
    """The elements of one level, as (tag, content)."""
    return list(_walk(der))


def _walk(der: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(der):
        tag, length, at = der[at], der[at + 1], at + 2
        if length >= 0x80:  # in so many bytes that follow
            size = length - 0x80
            length, at = int.from_bytes(der[at : at + size], "big"), at + size
        yield tag, der[at : at + length]
        at += length
