"""Ends of validity of the certificates that the configuration names, read from their PEM files.

Python's ssl tells the date of a certificate shown in a handshake, not of one in a file: `cryptography` reads it there.
A PKCS#12 store and a folder of authorities are not read.
"""

import ssl
from pathlib import Path
from typing import Any

from detector.config.schema import Kafka

USES = ("kafka_client", "kafka_ca", "http")

BEGIN, END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"

MOST_BYTES = 10_000_000
"""A system's authorities, some 150 of them, have 220 kB."""


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
    from cryptography import x509

    found = []
    for part in pem.split(BEGIN)[1:]:
        try:  # one after the other: a broken one of a system's authorities must not hide the rest
            der = ssl.PEM_cert_to_DER_cert(f"{BEGIN}{part.split(END)[0]}{END}")
            found.append(int(x509.load_der_x509_certificate(der).not_valid_after_utc.timestamp()))
        except (ValueError, x509.InvalidVersion):
            continue
    return found
