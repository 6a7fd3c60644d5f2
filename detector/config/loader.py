"""Configuration loader: `config.yaml` becomes a `Config`, or one sentence that says what is wrong."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import yaml

from detector.config.interpolation import Interpolator
from detector.config.schema import Config, Http, Kafka, transaction_seconds
from detector.config.topic_names import check_topic_names
from detector.core.vocabulary import SILENT
from detector.errors import ConfigError

if TYPE_CHECKING:
    from detector.core.features import Catalogue

GUARDED = {
    "enable.auto.commit": "offsets are committed with the alarms, in one transaction",
    "enable.auto.offset.store": "offsets are committed with the alarms, in one transaction",
    "isolation.level": "only committed records may be read",
    "transactional.id": "it is made of kafka.group and kafka.instance",
    "group.id": "set kafka.group",
    "group.instance.id": "set kafka.instance",
    "auto.offset.reset": "set kafka.start",
    "enable.idempotence": "exactly-once delivery needs it",
    "acks": "exactly-once delivery needs the acknowledgement of all replicas",
    "enable.partition.eof": "the daemon relies on its own setting",
    "partition.assignment.strategy": "partitions move one at a time, each with its checkpoint",
}
"""librdkafka properties that would break a guarantee, each with the reason. All others are passed through unchecked."""

TRANSACTION_POLL_SECONDS = 4.0
"""Seconds between two checks of a transaction's call: two for the call, two to ask whether the brokers answer.

While the brokers answer, a failing transaction is abandoned at the latest when its timeout is over, and a new producer
takes over. A watchdog with a shorter timeout would end the process instead.
"""


MAX_YAML_BYTES = 1_000_000
"""Most bytes of a YAML file: people write 10 kB, and a catalogue of 1,000 features has 200 kB."""


CHOICES = {
    "kafka.start": ("earliest", "latest"),
    "log.level": ("debug", "info", "warning", "error"),
    "log.format": ("text", "json"),
}
"""Allowed values of the keys that are chosen from a list."""


def read_config(path: Path) -> Config:
    """Return the configuration at `path`. Raises ConfigError with one sentence that names the key."""
    raw = read_knobs(path)
    try:
        config = msgspec.convert(Interpolator(path).interpolate(raw, "$"), Config)
    except RecursionError:
        raise ConfigError(f"{path}: an anchor contains itself; write the values out instead.") from None
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {error}; config.yaml of the distribution lists every key.") from None
    _check_choices(config, path)
    _check_properties(config.kafka, path)
    check_topic_names(config.kafka.topics, path)
    _check_budgets(config, path)
    _check_times(config, path)
    _check_http(config.http, path)
    _check_brokers(config.kafka, path)
    return config


def read_knobs(path: Path) -> Any:
    """Return the configuration as it is written, neither checked nor interpolated. Raises ConfigError."""
    try:
        return _parse_yaml(path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); give the file with --config.") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: is not YAML ({' '.join(str(error).split())}).") from None


def write_knobs(knobs: dict[str, Any]) -> str:
    """Return the knobs as YAML, in the form that `read_knobs` reads."""
    return yaml.safe_dump(knobs, sort_keys=False)


def read_catalogue(path: Path) -> "Catalogue":
    """Return the features that a YAML file lists, in its order. Raises ConfigError."""
    from detector.core.features import Catalogue, Feature  # numpy, which a configuration needs not

    try:
        features = msgspec.convert(_parse_yaml(path), list[Feature])
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read ({error.strerror}); put the catalogue of the features there."
        ) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: is no catalogue of features ({' '.join(str(error).split())}).") from None
    return Catalogue(tuple(features))


def write_catalogue(catalogue: "Catalogue", path: Path) -> None:
    """Write the catalogue as YAML, in the form that `read_catalogue` reads."""
    path.write_text(catalogue_yaml(catalogue))


def catalogue_yaml(catalogue: "Catalogue") -> str:
    """Return the catalogue as YAML, in the form that `read_catalogue` reads."""
    return yaml.safe_dump(msgspec.to_builtins(list(catalogue.features)), sort_keys=False)


def _parse_yaml(path: Path) -> Any:
    """Return the content of a YAML file, without tags that make objects. Raises ValueError beyond MAX_YAML_BYTES."""
    with path.open("rb") as file:
        text = file.read(MAX_YAML_BYTES + 1)
    if len(text) > MAX_YAML_BYTES:
        raise ValueError(f"longer than {MAX_YAML_BYTES:,} bytes")
    return yaml.safe_load(text.decode())


def _check_choices(config: Config, path: Path) -> None:
    for key, allowed in CHOICES.items():
        section, name = key.split(".")
        value = getattr(getattr(config, section), name)
        if value not in allowed:
            raise ConfigError(f"{path}: {value!r} at `$.{key}` is not one of {', '.join(allowed)}.")


def _check_properties(kafka: Kafka, path: Path) -> None:
    for section in ("common", "consumer", "producer"):
        for name in getattr(kafka, section):
            if name in GUARDED:
                raise ConfigError(f"{path}: `$.kafka.{section}.{name}` must not be set: {GUARDED[name]}.")


def _check_budgets(config: Config, path: Path) -> None:
    single, total = sum(config.alarms.budgets.values()), config.alarms.false_alarms_per_1000_cells_per_day
    if single >= total:
        raise ConfigError(
            f"{path}: the budgets at `$.alarms.budgets` add up to {single:g}, which leaves nothing of the budget of all"
            f" classes, {total:g}, to the other classes; lower them, or raise false_alarms_per_1000_cells_per_day."
        )
    if SILENT in config.alarms.budgets:
        raise ConfigError(
            f"{path}: `$.alarms.budgets.{SILENT}` has no effect: silent minutes are counted and have no score;"
            " remove it."
        )


def _check_times(config: Config, path: Path) -> None:
    silent, memory = config.minutes.silent_minutes, config.settings.tolerance.memory_minutes
    if silent >= memory:
        raise ConfigError(
            f"{path}: {silent} at `$.minutes.silent_minutes` is not below {memory}, the minutes that are replayed;"
            " lower it, or raise behind_minutes."
        )
    transaction = transaction_seconds(config.kafka)
    least = transaction + TRANSACTION_POLL_SECONDS
    if config.runtime.stall_seconds < least:
        raise ConfigError(
            f"{path}: {config.runtime.stall_seconds:g} at `$.runtime.stall_seconds` is below {least:g}: a failing"
            f" transaction is abandoned after {transaction:g} s, and that must not end the process; raise it, or lower"
            " transaction.timeout.ms in kafka.producer."
        )


def _check_http(http: Http, path: Path) -> None:
    if bool(http.user) != bool(http.password):
        raise ConfigError(f"{path}: `$.http` has only one of user and password; give both, or neither.")
    if ":" in http.user:
        raise ConfigError(
            f"{path}: `$.http.user` contains a colon, which HTTP's basic authentication does not allow; give another"
            " name."
        )
    if http.key and not http.certificate:
        raise ConfigError(f"{path}: `$.http.key` is set without a certificate; set http.certificate, too.")


def _check_brokers(kafka: Kafka, path: Path) -> None:
    if "bootstrap.servers" not in kafka.common:
        raise ConfigError(f"{path}: `$.kafka.common` lacks bootstrap.servers; give it host:port of a broker.")
