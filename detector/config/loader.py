"""Configuration loader: `config.yaml` becomes a `Config`, or one sentence that says what is wrong."""

from pathlib import Path
from typing import Any

import msgspec
import yaml

from detector.config.interpolation import Interpolator
from detector.config.schema import Config, transaction_seconds
from detector.core.features import Catalogue, Feature
from detector.core.lifecycle import SILENT
from detector.errors import ConfigError

GUARDED = {
    "enable.auto.commit": "offsets are committed with the alarms, in one transaction",
    "enable.auto.offset.store": "offsets are committed with the alarms, in one transaction",
    "isolation.level": "only committed records may be read",
    "transactional.id": "it is made of kafka.group and kafka.instance",
    "group.id": "set kafka.group",
    "group.instance.id": "set kafka.instance",
    "auto.offset.reset": "set kafka.start",
    "enable.idempotence": "exactly once needs it",
    "acks": "exactly once needs all of them",
    "enable.partition.eof": "the daemon counts on its own setting",
    "partition.assignment.strategy": "partitions move one by one, with their memory",
}
"""librdkafka properties that would break a guarantee, and why. Everything else passes through unchecked."""

WAITING_SECONDS = 4.0
"""From one look at a transaction's call to the next: two seconds for the call, two to ask whether the brokers answer.

While they do, a transaction that comes to nothing is given up when its time is over at the latest, and another producer
takes over: a watchdog that is quicker would end the process instead.
"""


MOST_BYTES = 1_000_000
"""Of a YAML file: people write 10 kB, and a catalogue of 1,000 features has 200."""


CHOICES = {
    "kafka.start": ("earliest", "latest"),
    "log.level": ("debug", "info", "warning", "error"),
    "log.format": ("text", "json"),
}


def read_config(path: Path) -> Config:
    """The configuration at `path`. Raises ConfigError, in one sentence that names the key."""
    raw = read_knobs(path)
    try:
        config = msgspec.convert(Interpolator(path).filled(raw, "$"), Config)
    except RecursionError:
        raise ConfigError(f"{path}: an anchor of it contains itself; write it out.") from None
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {error}; config.yaml of the distribution lists every key.") from None
    _check(config, path)
    return config


def read_knobs(path: Path) -> Any:
    """The same as it is written, nothing checked and nothing filled in. Raises ConfigError."""
    try:
        return _parsed(path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); give the file with --config.") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: is not YAML ({' '.join(str(error).split())}).") from None


def write_knobs(knobs: dict[str, Any]) -> str:
    """The form `read_knobs` reads."""
    return yaml.safe_dump(knobs, sort_keys=False)


def _parsed(path: Path) -> Any:
    """What a YAML file says, without a tag that makes objects. ValueError where it is longer than people write."""
    with path.open("rb") as file:
        text = file.read(MOST_BYTES + 1)
    if len(text) > MOST_BYTES:
        raise ValueError(f"longer than {MOST_BYTES:,} bytes")
    return yaml.safe_load(text.decode())


def _check(config: Config, path: Path) -> None:
    for key, allowed in CHOICES.items():
        section, name = key.split(".")
        value = getattr(getattr(config, section), name)
        if value not in allowed:
            raise ConfigError(f"{path}: {value!r} at `$.{key}` is not one of {', '.join(allowed)}.")
    for section in ("common", "consumer", "producer"):
        for name in getattr(config.kafka, section):
            if name in GUARDED:
                raise ConfigError(f"{path}: `$.kafka.{section}.{name}` must not be set: {GUARDED[name]}.")
    own, whole = sum(config.alarms.budgets.values()), config.alarms.false_alarms_per_1000_cells_per_day
    if own >= whole:
        raise ConfigError(
            f"{path}: the budgets at `$.alarms.budgets` add up to {own:g}, and of {whole:g}, the budget of all classes,"
            " something must be left to the others; lower them, or raise false_alarms_per_1000_cells_per_day."
        )
    if SILENT in config.alarms.budgets:
        raise ConfigError(f"{path}: `$.alarms.budgets.{SILENT}` sets nothing: a silence is counted, and has no score.")
    silent, memory = config.minutes.silent_minutes, config.settings.tolerance.memory_minutes
    if silent >= memory:
        raise ConfigError(
            f"{path}: {silent} at `$.minutes.silent_minutes` is not below {memory}, the minutes that are remembered; "
            "lower it, or raise behind_minutes."
        )
    transaction = transaction_seconds(config.kafka)
    least = transaction + WAITING_SECONDS
    if config.runtime.stall_seconds < least:
        raise ConfigError(
            f"{path}: {config.runtime.stall_seconds:g} at `$.runtime.stall_seconds` is below {least:g}, and a"
            f" transaction that comes to nothing is given up after {transaction:g} s, which ends no process; raise it,"
            " or lower transaction.timeout.ms in kafka.producer."
        )
    http = config.http
    if bool(http.user) != bool(http.password):
        raise ConfigError(f"{path}: `$.http` has one of user and password; give both, or neither.")
    if ":" in http.user:
        raise ConfigError(f"{path}: `$.http.user` has a colon, which ends a name; give another.")
    if http.key and not http.certificate:
        raise ConfigError(f"{path}: `$.http.key` is of no certificate; set http.certificate, too.")
    if "bootstrap.servers" not in config.kafka.common:
        raise ConfigError(f"{path}: `$.kafka.common` lacks bootstrap.servers; give it host:port of a broker.")


def read_catalogue(path: Path) -> Catalogue:
    """The features a YAML file lists, in its order. Raises ConfigError."""
    try:
        features = msgspec.convert(_parsed(path), list[Feature])
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); a catalogue belongs there.") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: is no catalogue of features ({' '.join(str(error).split())}).") from None
    return Catalogue(tuple(features))


def write_catalogue(catalogue: Catalogue, path: Path) -> None:
    """The form `read_catalogue` reads."""
    path.write_text(yaml.safe_dump(msgspec.to_builtins(list(catalogue.features)), sort_keys=False))
