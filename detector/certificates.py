"""Certificates: the ends of validity of those that the configuration names, read from their PEM files.

Python's ssl tells the end of a certificate shown in a handshake, not of one in a file: `cryptography` reads it there.
A PKCS#12 store and a folder of authorities are not read.
"""

import ssl
from pathlib import Path
from typing import Any

from detector.config.schema import Kafka

USES = ("kafka_client", "kafka_ca", "http")

BEGIN, END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"

MAX_BYTES = 10_000_000
"""Most that is read of a file. A system's authorities, some 150 of them, have 220 kB."""


def kafka_ends(kafka: Kafka) -> dict[str, int]:
    """Return the ends, in seconds since 1970, of the client's certificate and of the authorities' certificates.

    A use without a certificate is left out. A chain ends with the first of its certificates. Of the authorities the
    last end counts: while they change, the old one and the new one stand in the file together.
    """
    ends_by_use = {}
    for use, name, choose in (("kafka_client", "certificate", min), ("kafka_ca", "ca", max)):
        sections = (kafka.common, kafka.consumer, kafka.producer)
        certificate_ends = [end for properties in sections for end in _property_ends(properties, name)]
        if certificate_ends:
            ends_by_use[use] = choose(certificate_ends)
    return ends_by_use


def _property_ends(properties: dict[str, Any], name: str) -> list[int]:
    """Return the ends of the certificates that librdkafka's properties of this name hold or point to."""
    pem, path = properties.get(f"ssl.{name}.pem"), properties.get(f"ssl.{name}.location")
    if pem:
        return ends(str(pem))
    return ends_of_file(Path(str(path))) if path else []


def ends_of_file(path: Path) -> list[int]:
    """Return the `ends` of a file; none for an unreadable file, which its user reports with a better sentence."""
    try:
        with path.open("rb") as file:
            return ends(file.read(MAX_BYTES).decode("ascii", errors="replace"))
    except OSError:
        return []


def ends(pem: str) -> list[int]:
    """Return the end of each certificate, in their order, in seconds since 1970; a broken certificate is left out."""
    from cryptography import x509  # only a connection by TLS needs it

    seconds = []
    for part in pem.split(BEGIN)[1:]:
        try:  # one by one: a broken certificate among a system's authorities must not hide the others
            der = ssl.PEM_cert_to_DER_cert(f"{BEGIN}{part.split(END)[0]}{END}")
            seconds.append(int(x509.load_der_x509_certificate(der).not_valid_after_utc.timestamp()))
        except (ValueError, x509.InvalidVersion):
            continue
    return seconds
