"""The operator's knobs: `config.yaml`, checked whole before anything is opened.

What was learned lies in the bundle, what is operated lies here. Every knob's unit, range, default and reason stand in
the `config.yaml` at the root of the repository, which is what an operator edits; a test holds the two together.
"""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import yaml
from msgspec import Meta

from detector.core.features import Catalogue, Feature
from detector.core.lifecycle import SILENT
from detector.core.settings import Settings
from detector.errors import ConfigError
from detector.filling import Filling

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


TRANSACTION_MS = 30_000
"""Unless the operator says otherwise; it bounds how long readers wait after a crash."""

WAITING_SECONDS = 4.0
"""From one look at a transaction's call to the next: two seconds for the call, two to ask whether the brokers answer.

While they do, a transaction that comes to nothing is given up when its time is over at the latest, and another producer
takes over: a watchdog that is quicker would end the process instead.
"""


MOST_BYTES = 1_000_000
"""Of a YAML file: people write 10 kB, and a catalogue of 1,000 features has 200."""


class Topics(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    minutes: str = "cells.minutes"
    alarms: str = "cells.alarms"
    active: str = "cells.alarms.active"
    labels: str = "cells.labels"
    deadletters: str = "cells.deadletters"


class Kafka(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    group: Annotated[str, Meta(min_length=1)] = "faultline"
    instance: Annotated[str, Meta(min_length=1)] = "faultline-0"
    start: str = "earliest"
    batch_records: Annotated[int, Meta(ge=1, le=100_000)] = 4000
    batch_seconds: Annotated[float, Meta(ge=0.01, le=10)] = 0.25
    reach_seconds: Annotated[float, Meta(ge=1, le=600)] = 30
    topics: Topics = msgspec.field(default_factory=Topics)
    common: dict[str, Any] = {}
    consumer: dict[str, Any] = {}
    producer: dict[str, Any] = {}


class Minutes(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    late_minutes: Annotated[int, Meta(ge=0, le=59)] = 15
    behind_minutes: Annotated[int, Meta(ge=1, le=1440)] = 60
    ahead_minutes: Annotated[int, Meta(ge=1, le=60)] = 5
    silent_minutes: Annotated[int, Meta(ge=2, le=1440)] = 10
    quorum_cells: Annotated[int, Meta(ge=1, le=50)] = 20
    min_coverage: Annotated[float, Meta(gt=0, le=1)] = 0.75


ClassName = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]*$", max_length=128)]


class AlarmKnobs(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    false_alarms_per_1000_cells_per_day: Annotated[float, Meta(gt=0, le=1000)] = 5
    budgets: dict[ClassName, Annotated[float, Meta(gt=0, le=1000)]] = {}
    score_minutes: Annotated[int, Meta(ge=1, le=60)] = 10
    half_life_minutes: Annotated[float, Meta(ge=0.5, le=60)] = 3
    clear_margin: Annotated[float, Meta(ge=0, le=10)] = 1.5
    hold_minutes: Annotated[int, Meta(ge=1, le=240)] = 15
    unknown_minutes: Annotated[int, Meta(ge=1, le=240)] = 15
    system_dn: Annotated[str, Meta(min_length=1)] = "ManagementSystem=faultline"


class Limits(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    cells: Annotated[int, Meta(ge=1, le=10_000_000)] = 100_000
    record_bytes: Annotated[int, Meta(ge=100, le=10_000_000)] = 65_536
    poison_share: Annotated[float, Meta(gt=0, le=1)] = 0.5
    poison_batches: Annotated[int, Meta(ge=1, le=10_000)] = 10


class Http(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535)] = 9108
    certificate: str = ""
    key: str = ""
    user: str = ""
    password: str = ""


class Runtime(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    threads: Annotated[int, Meta(ge=0, le=1024)] = 0
    reload_seconds: Annotated[float, Meta(ge=0.1, le=3600)] = 10
    stall_seconds: Annotated[float, Meta(ge=5, le=3600)] = 120
    canary_minutes: Annotated[float, Meta(ge=0, le=1440)] = 60


class Log(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    level: str = "info"
    format: str = "text"


class Config(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    bundle: Annotated[str, Meta(min_length=1)]
    kafka: Kafka = msgspec.field(default_factory=Kafka)
    minutes: Minutes = msgspec.field(default_factory=Minutes)
    alarms: AlarmKnobs = msgspec.field(default_factory=AlarmKnobs)
    limits: Limits = msgspec.field(default_factory=Limits)
    http: Http = msgspec.field(default_factory=Http)
    runtime: Runtime = msgspec.field(default_factory=Runtime)
    log: Log = msgspec.field(default_factory=Log)

    @property
    def settings(self) -> Settings:
        minutes, alarms = self.minutes, self.alarms
        return Settings(
            max_cells=self.limits.cells,
            max_record_bytes=self.limits.record_bytes,
            late_minutes=minutes.late_minutes,
            behind_minutes=minutes.behind_minutes,
            ahead_minutes=minutes.ahead_minutes,
            silent_minutes=minutes.silent_minutes,
            quorum_cells=minutes.quorum_cells,
            min_coverage=minutes.min_coverage,
            score_minutes=alarms.score_minutes,
            half_life_minutes=alarms.half_life_minutes,
            hold_minutes=alarms.hold_minutes,
            unknown_minutes=alarms.unknown_minutes,
            clear_margin=alarms.clear_margin,
            budget=alarms.false_alarms_per_1000_cells_per_day,
            budgets=alarms.budgets,
        )


CHOICES = {
    "kafka.start": ("earliest", "latest"),
    "log.level": ("debug", "info", "warning", "error"),
    "log.format": ("text", "json"),
}


def read_config(path: Path) -> Config:
    """The configuration at `path`. Raises ConfigError, in one sentence that names the key."""
    raw = read_knobs(path)
    try:
        config = msgspec.convert(Filling(path).filled(raw, "$"), Config)
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


def transaction_seconds(kafka: Kafka) -> float:
    """What the broker grants a transaction."""
    told = kafka.producer.get("transaction.timeout.ms", TRANSACTION_MS)
    try:
        return float(told) / 1000
    except (TypeError, ValueError):
        return 0.0  # librdkafka will refuse it, by its name


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
