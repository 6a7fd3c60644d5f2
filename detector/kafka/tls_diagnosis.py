"""TLS diagnosis: the reason why a broker refuses connections, from the client's errors and a handshake of our own.

librdkafka retries for as long as it is allowed, and reports each attempt. Of a certificate that it does not trust it
reports no more than that. OpenSSL knows whether it has expired, comes from an unknown authority, or names another host.
"""

import re
import socket
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from confluent_kafka import KafkaError

from detector.certificates import kafka_ends
from detector.config.schema import Kafka

TELLING = {KafkaError._AUTHENTICATION, KafkaError._SSL, KafkaError._RESOLVE}
"""Errors that name the cause of a connection failure."""

LOST = {KafkaError._TRANSPORT, KafkaError._TIMED_OUT, KafkaError._ALL_BROKERS_DOWN}
"""Errors that only report a lost connection."""

PROTOCOL_WORDS = re.compile(r"\b(SSL|TLS|security\.protocol|listener)\b")
"""Words in the text of a lost connection that broke over the protocol."""

HANDSHAKE_SECONDS = 5.0
"""Timeout of a handshake of our own, which takes milliseconds."""

CLIENT_CERTIFICATE_ALERT = re.compile(
    r"alert (bad certificate|certificate|handshake failure|unknown ca|unsupported certificate)"
)
"""The broker's TLS alert about a client's certificate, or about a missing one."""

REMEDIES = {
    9: "it is not valid yet: compare the clocks here and there",
    10: "renew the broker's certificate",
    18: "put that certificate, or its authority's, into ssl.ca.location",
    19: "put its authority's certificate into ssl.ca.location",
    20: "put its authority's certificate into ssl.ca.location",
    21: "put its authority's certificate into ssl.ca.location",
    62: "connect to it by a name that its certificate has, or have it issued for this name",
    64: "connect to it by a name that its certificate has, or have it issued for this address",
}
"""Remedies by OpenSSL's X509_V_ERR code."""


def most_telling_error(errors: Sequence[KafkaError]) -> KafkaError | None:
    """Return the error that says most about a connection failure; None if none does."""
    for error in errors:
        if error.code() in TELLING:
            return error
    return next((error for error in errors if PROTOCOL_WORDS.search(error.str())), None)


def diagnose_tls(error: KafkaError, kafka: Kafka) -> tuple[str, str] | None:
    """Return the problem and the remedy for a connection that ended over TLS; None for any other."""
    text = error.str()
    if "certificate verify failed" in text:
        return _server_certificate_rejected(kafka)
    alert = CLIENT_CERTIFICATE_ALERT.search(text)
    if alert:
        return _client_certificate_rejected(alert[0], kafka)
    if "ssl.key" in text:
        return text.rstrip("."), "check that file, and ssl.key.password, in kafka.common"
    if error.code() in LOST and PROTOCOL_WORDS.search(text):
        return text.rstrip("."), "check security.protocol in kafka.common, and the port"
    if error.code() in LOST and "SSL" not in str(kafka.common.get("security.protocol", "")).upper():
        return _plaintext_against_tls(kafka)
    return None


def _client_certificate_rejected(alert: str, kafka: Kafka) -> tuple[str, str]:
    end = kafka_ends(kafka).get("kafka_client")
    if end is not None and end < datetime.now(UTC).timestamp():
        day = datetime.fromtimestamp(end, UTC).date()
        return f"the broker refuses this client's certificate, which expired on {day}", "renew it and start again"
    return (
        f"the broker refuses this client's certificate ({alert})",
        "check ssl.certificate.location and ssl.key.location in kafka.common, and that the brokers' truststore has its"
        " authority",
    )


def _plaintext_against_tls(kafka: Kafka) -> tuple[str, str] | None:
    """Return the problem if a broker that closed a plaintext connection speaks TLS; None if none does."""
    for server in _servers(kafka):
        try:
            _shake_hands(server, kafka)
        except ssl.SSLCertVerificationError:
            pass
        except (OSError, ValueError):
            continue
        return f"{server} speaks TLS", "set security.protocol to ssl or sasl_ssl in kafka.common"
    return None


def _servers(kafka: Kafka) -> list[str]:
    return [server.strip() for server in str(kafka.common["bootstrap.servers"]).split(",")]


def _server_certificate_rejected(kafka: Kafka) -> tuple[str, str]:
    """Return the problem with a broker's certificate.

    It has no details if our own handshakes succeed, because then another broker of the cluster was meant.
    """
    for server in _servers(kafka):
        try:
            _shake_hands(server, kafka)
        except ssl.SSLCertVerificationError as error:
            remedy = REMEDIES.get(error.verify_code, "check it with `openssl s_client`, and ssl.ca.location")
            return f"the certificate of {server} is not trusted ({error.verify_message.rstrip('.')})", remedy
        except (OSError, ValueError):
            continue
    return "a broker's certificate is not trusted", "check it, and ssl.ca.location in kafka.common"


def _shake_hands(server: str, kafka: Kafka) -> None:
    """Make a TLS handshake. Raises its error.

    No client certificate is presented, because the broker's certificate is verified first.
    """
    host, _, port = server.split("://")[-1].rpartition(":")
    host = host.strip("[]")
    context = _tls_context(kafka)
    with socket.create_connection((host, int(port)), HANDSHAKE_SECONDS) as connection:
        context.wrap_socket(connection, server_hostname=host).close()


def _tls_context(kafka: Kafka) -> ssl.SSLContext:
    pem, location = kafka.common.get("ssl.ca.pem"), kafka.common.get("ssl.ca.location")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if pem:
        context.load_verify_locations(cadata=str(pem))
    elif location and Path(str(location)).is_dir():
        context.load_verify_locations(capath=str(location))
    elif location:
        context.load_verify_locations(cafile=str(location))
    else:
        context.load_default_certs()
    if kafka.common.get("ssl.endpoint.identification.algorithm") == "none":
        context.check_hostname = False
    return context
