"""A broker with a listener for each way in: TLS with a password (SCRAM), with a token (OAuth), with a certificate."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka.admin import AdminClient, ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion

from tests.kafka.broker import Broker
from tests.kafka.certificates import Authority
from tests.kafka.identity import AUDIENCE, IdentityProvider
from tests.kafka.topics import QUIET

USER = "faultline"
PASSWORD, SECRET, PASSPHRASE = "pass-Zq8x-word", "client-Kw3v-secret", "phrase-Jt7m-key"

PACKAGE = "org.apache.kafka.common.security"

SCRAM = {
    "sasl.enabled.mechanisms": "SCRAM-SHA-512",
    "scram-sha-512.sasl.jaas.config": f"{PACKAGE}.scram.ScramLoginModule required;",
}
OAUTH = {
    "sasl.enabled.mechanisms": "OAUTHBEARER",
    "oauthbearer.sasl.jaas.config": f"{PACKAGE}.oauthbearer.OAuthBearerLoginModule required;",
    "oauthbearer.sasl.server.callback.handler.class": f"{PACKAGE}.oauthbearer.OAuthBearerValidatorCallbackHandler",
    "connections.max.reauth.ms": "60000",  # a connection lives no longer than its token
}

LISTENERS = {"SCRAM": "SASL_SSL", "LATE": "SASL_SSL", "OAUTH": "SASL_SSL", "MUTUAL": "SSL"}


@dataclass(frozen=True)
class Secured:
    broker: Broker
    authority: Authority
    stranger: Authority
    """Another, which signed nothing here."""
    provider: IdentityProvider
    ways: Mapping[str, dict[str, str]]
    """What a client is told to come in by each listener, its secrets as ${NAME}."""

    def let_in(self, user: str, password: str) -> None:
        """Gives a user a password on the listener SCRAM."""
        admin = AdminClient({"bootstrap.servers": self.broker.bootstrap, **QUIET})
        salted = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        told = UserScramCredentialUpsertion(user, salted, password.encode())
        for done in admin.alter_user_scram_credentials([told]).values():
            done.result()


ENVIRONMENT = {"KAFKA_PASSWORD": PASSWORD, "OAUTH_SECRET": SECRET, "KEY_PASSPHRASE": PASSPHRASE}


@contextmanager
def secured(folder: Path, properties: Mapping[str, str] | None = None) -> Iterator[Secured]:
    """Runs one, its certificates in `folder`. On the plain listener everybody may do everything."""
    authority, stranger = Authority(folder), Authority(folder / "stranger", "stranger")
    good, late = authority.keystore("broker"), authority.keystore("late", days=-1)
    trusting = {
        "ssl.client.auth": "required",
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(authority.certificate),
    }
    with IdentityProvider(folder, USER, SECRET) as provider:
        keys = f"{provider.url}/keys"
        wanted = {
            **_listener("scram", good, SCRAM),
            **_listener("late", late, SCRAM),
            **_listener("oauth", good, OAUTH),
            **_listener("mutual", good, trusting),
            "sasl.oauthbearer.jwks.endpoint.url": keys,
            "sasl.oauthbearer.expected.audience": AUDIENCE,
            "log.retention.ms": "-1",  # the network's minutes are long past
            **(properties or {}),
        }
        with Broker(wanted, LISTENERS, {"org.apache.kafka.sasl.oauthbearer.allowed.urls": keys}) as broker:
            made = Secured(broker, authority, stranger, provider, ways(broker, authority, provider))
            made.let_in(USER, PASSWORD)
            yield made


def _listener(name: str, keystore: Path, more: Mapping[str, str]) -> dict[str, str]:
    told = {"ssl.keystore.type": "PEM", "ssl.keystore.location": str(keystore), **more}
    return {f"listener.name.{name}.{key}": value for key, value in told.items()}


def ways(broker: Broker, authority: Authority, provider: IdentityProvider) -> dict[str, dict[str, str]]:
    certificate, key = authority.issue("client", encrypted_with=PASSPHRASE)
    trusting = {"ssl.ca.location": str(authority.certificate)}
    password = {
        **trusting,
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": USER,
        "sasl.password": "${KAFKA_PASSWORD}",
    }
    token = {
        **trusting,
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "OAUTHBEARER",
        "sasl.oauthbearer.method": "oidc",
        "sasl.oauthbearer.token.endpoint.url": f"{provider.url}/token",
        "sasl.oauthbearer.client.id": USER,
        "sasl.oauthbearer.client.secret": "${OAUTH_SECRET}",
    }
    shown = {
        **trusting,
        "security.protocol": "SSL",
        "ssl.certificate.location": str(certificate),
        "ssl.key.location": str(key),
        "ssl.key.password": "${KEY_PASSPHRASE}",
    }
    told = {"SCRAM": password, "LATE": password, "OAUTH": token, "MUTUAL": shown}
    return {name: {"bootstrap.servers": broker.address(name), **way} for name, way in told.items()}
