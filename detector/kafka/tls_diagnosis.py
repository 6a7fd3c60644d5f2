"""Why a broker lets nobody in: what its client heard beside a silence, and what a handshake of our own would say.

librdkafka retries for as long as it is given, tells of each attempt, and says of a certificate that it does not believe
no more than that; OpenSSL knows whether it is over, a stranger's, or another host's.
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

LOST = {KafkaError._TRANSPORT, KafkaError._TIMED_OUT, KafkaError._ALL_BROKERS_DOWN}

SPOKEN = re.compile(r"\b(SSL|TLS|security\.protocol|listener)\b")
"""In a broken connection's text, where it broke over how to speak."""

SECONDS = 5.0
"""For a handshake of our own, which takes milliseconds."""

OURS = re.compile(r"alert (bad certificate|certificate|handshake failure|unknown ca|unsupported certificate)")
"""The broker's word on a client's certificate, or on the want of one."""

REMEDIES = {
    9: "it is not valid yet: compare the clocks here and there",
    10: "renew the broker's certificate",
    18: "put that certificate, or its authority's, into ssl.ca.location",
    19: "put its authority's certificate into ssl.ca.location",
    20: "put its authority's certificate into ssl.ca.location",
    21: "put its authority's certificate into ssl.ca.location",
    62: "reach it by a name that its certificate has, or have it made for this one",
    64: "reach it by a name that its certificate has, or have it made for this address",
}
"""By X509_V_ERR_…"""


def most_telling_error(heard: Sequence[KafkaError]) -> KafkaError | None:
    """Of all that was heard, what says most about the silence."""
    for error in heard:
        if error.code() in TELLING:
            return error
    return next((error for error in heard if SPOKEN.search(error.str())), None)


def diagnose_tls(error: KafkaError, kafka: Kafka) -> tuple[str, str] | None:
    """What is wrong and what to do, for a connection that ended over TLS; None where it did not."""
    said = error.str()
    if "certificate verify failed" in said:
        return _server_certificate_rejected(kafka)
    if OURS.search(said):
        end = kafka_ends(kafka).get("kafka_client")
        if end is not None and end < datetime.now(UTC).timestamp():
            day = datetime.fromtimestamp(end, UTC).date()
            return f"it refuses this client's certificate, which ended on {day}", "renew it and start again"
        return (
            f"it refuses this client's certificate ({OURS.search(said)[0]})",  # type: ignore[index]  # just found
            "check ssl.certificate.location and ssl.key.location in kafka.common, and that the brokers' truststore has"
            " its authority",
        )
    if "ssl.key" in said:
        return said.rstrip("."), "check that file, and ssl.key.password, in kafka.common"
    if error.code() in LOST and SPOKEN.search(said):
        return said.rstrip("."), "check security.protocol in kafka.common, and the port"
    if error.code() in LOST and "SSL" not in str(kafka.common.get("security.protocol", "")).upper():
        return _plaintext_against_tls(kafka)
    return None


def _plaintext_against_tls(kafka: Kafka) -> tuple[str, str] | None:
    """Of one who hangs up on a client that does not speak TLS: whether it would be heard if it did."""
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
    """Of the broker's certificate. Without a word of our own, if ours succeeds: another of the cluster was meant."""
    for server in _servers(kafka):
        try:
            _shake_hands(server, kafka)
        except ssl.SSLCertVerificationError as error:
            remedy = REMEDIES.get(error.verify_code, "check it with `openssl s_client`, and ssl.ca.location")
            return f"the certificate of {server} is not believed ({error.verify_message.rstrip('.')})", remedy
        except (OSError, ValueError):
            continue
    return "a broker's certificate is not believed", "check it, and ssl.ca.location in kafka.common"


def _shake_hands(server: str, kafka: Kafka) -> None:
    """Raises what came of it; a certificate of ours is not shown, for theirs comes first."""
    host, _, port = server.split("://")[-1].rpartition(":")
    host = host.strip("[]")
    pem, place = kafka.common.get("ssl.ca.pem"), kafka.common.get("ssl.ca.location")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if pem:
        context.load_verify_locations(cadata=str(pem))
    elif place and Path(str(place)).is_dir():
        context.load_verify_locations(capath=str(place))
    elif place:
        context.load_verify_locations(cafile=str(place))
    else:
        context.load_default_certs()
    if kafka.common.get("ssl.endpoint.identification.algorithm") == "none":
        context.check_hostname = False
    with socket.create_connection((host, int(port)), SECONDS) as plain:
        context.wrap_socket(plain, server_hostname=host).close()
