"""Schema of `config.yaml`: the knobs of the operator, all checked before anything is opened.

Learned values are in the bundle, operated values are here. The `config.yaml` at the root of the repository gives the
unit, range, default and reason of every knob. It is the file that an operator edits; a test compares the two.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from detector.config.period_defaults import minutes_at
from detector.core.settings import Settings
from detector.signatures import PublicKey, read_public_key

TRANSACTION_MS = 30_000
"""Default of the producer's transaction.timeout.ms; it bounds how long readers wait after a crash."""

INNER, EDGE = r"[^\x00-\x1f\x7f]", r"[^\s\x00-\x1f\x7f]"

Name = Annotated[
    str,
    Meta(
        min_length=1,
        pattern=rf"\A{EDGE}({INNER}*{EDGE})?\Z",
        extra={"allowed": "a text that is not empty, without spaces around it and without controls"},
    ),
]
"""Name of a thing outside. A blank one is a mistake of a template, and no wish."""

OptionalName = Annotated[
    str,
    Meta(
        pattern=rf"\A({EDGE}({INNER}*{EDGE})?)?\Z",
        extra={"allowed": 'a text without spaces around it and without controls, or ""'},
    ),
]

HostName = Annotated[
    str,
    Meta(
        min_length=1,
        pattern=rf"\A{EDGE}({INNER}*{EDGE})?\Z",
        extra={"allowed": "an address or the name of a host, such as 127.0.0.1; 0.0.0.0 listens on every interface"},
    ),
]
"""Address to listen on. Python's sockets take an empty one for every interface, which nobody may wish by accident."""


class Topics(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Names of the Kafka topics."""

    minutes: Name = "cells.minutes"
    alarms: Name = "cells.alarms"
    active: Name = "cells.alarms.active"
    labels: Name = "cells.labels"
    deadletters: Name = "cells.deadletters"


class Kafka(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Section `kafka`: consumer group, polls, topics and librdkafka properties."""

    group: Name = "faultline"
    instance: Name = "faultline-0"
    start: Literal["earliest", "latest"] = "earliest"
    batch_records: Annotated[int, Meta(ge=1, le=100_000)] = 4000
    batch_seconds: Annotated[float, Meta(ge=0.01, le=10)] = 0.25
    reach_seconds: Annotated[float, Meta(ge=1, le=600)] = 30
    skip_foreign_records: bool = False
    topics: Topics = msgspec.field(default_factory=Topics)
    common: dict[str, Any] = {}
    consumer: dict[str, Any] = {}
    producer: dict[str, Any] = {}


class Minutes(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Section `minutes`: lateness, watermark, silence and coverage."""

    late_minutes: Annotated[int, Meta(ge=0, le=59)] | Literal["auto"] = "auto"
    behind_minutes: Annotated[int, Meta(ge=1, le=1440)] | Literal["auto"] = "auto"
    ahead_minutes: Annotated[int, Meta(ge=1, le=240)] | Literal["auto"] = "auto"
    silent_minutes: Annotated[int, Meta(ge=2, le=1440)] | Literal["auto"] = "auto"
    quorum_cells: Annotated[int, Meta(ge=1, le=50)] = 20
    min_coverage: Annotated[float, Meta(gt=0, le=1)] = 0.75


ClassName = Annotated[
    str,
    Meta(
        pattern=r"\A[a-z][a-z0-9_]*\Z",
        max_length=128,
        extra={"allowed": "a class: a small letter, then small letters, digits and _, 128 at most"},
    ),
]


class AlarmKnobs(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Section `alarms`: false-alarm budget, score average and alarm lifecycle."""

    false_alarms_per_1000_cells_per_day: Annotated[float, Meta(gt=0, le=1000)] = 5
    budgets: dict[ClassName, Annotated[float, Meta(gt=0, le=1000)]] = {}
    score_minutes: Annotated[int, Meta(ge=1, le=60)] | Literal["auto"] = "auto"
    half_life_minutes: Annotated[float, Meta(ge=0.5, le=60)] = 3
    clear_margin: Annotated[float, Meta(ge=0, le=10)] = 1.5
    hold_minutes: Annotated[int, Meta(ge=1, le=240)] | Literal["auto"] = "auto"
    unknown_minutes: Annotated[int, Meta(ge=1, le=240)] | Literal["auto"] = "auto"
    system_dn: Name = "ManagementSystem=faultline"


class Limits(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Section `limits`: bounds of memory and of refused records."""

    cells: Annotated[int, Meta(ge=1, le=10_000_000)] = 100_000
    record_bytes: Annotated[int, Meta(ge=100, le=10_000_000)] = 65_536
    refuse_values: list[Literal["missing", "unknown", "out_of_range", "numeric_text", "not_a_number"]] = []
    deaf_share: Annotated[float, Meta(gt=0, le=1)] = 0.5


class Http(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Section `http`: address, TLS and basic authentication of the endpoints."""

    host: HostName = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535)] = 9108
    certificate: OptionalName = ""
    key: OptionalName = ""
    user: OptionalName = ""
    password: str = ""


class Runtime(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Section `runtime`: threads, bundle reload, watchdog and canary."""

    threads: Annotated[int, Meta(ge=0, le=1024)] = 0
    reload_seconds: Annotated[float, Meta(ge=0.1, le=3600)] = 10
    stall_seconds: Annotated[float, Meta(ge=5, le=3600)] = 120
    canary_minutes: Annotated[float, Meta(ge=0, le=1440)] = 60


class Log(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Section `log`: level and format of the log lines."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"


class Config(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Whole configuration of the daemon."""

    bundle: Name
    kafka: Kafka = msgspec.field(default_factory=Kafka)
    minutes: Minutes = msgspec.field(default_factory=Minutes)
    alarms: AlarmKnobs = msgspec.field(default_factory=AlarmKnobs)
    limits: Limits = msgspec.field(default_factory=Limits)
    http: Http = msgspec.field(default_factory=Http)
    runtime: Runtime = msgspec.field(default_factory=Runtime)
    log: Log = msgspec.field(default_factory=Log)
    trust: list[str] = []
    """Public keys: those of the loaded configuration are base64, whatever their form in the file."""

    @property
    def trusted_keys(self) -> tuple[PublicKey, ...]:
        """Keys that bundles and packs must be signed by; none = every bundle and pack is taken."""
        return tuple(read_public_key(key, Path()) for key in self.trust)

    def settings_at(self, period_minutes: int) -> Settings:
        """Return the settings of the pipeline for a feed of this period. The pipeline knows no configuration file."""
        return Settings(
            max_cells=self.limits.cells,
            max_record_bytes=self.limits.record_bytes,
            quorum_cells=self.minutes.quorum_cells,
            min_coverage=self.minutes.min_coverage,
            half_life_minutes=self.alarms.half_life_minutes,
            clear_margin=self.alarms.clear_margin,
            budget=self.alarms.false_alarms_per_1000_cells_per_day,
            budgets=self.alarms.budgets,
            period_minutes=period_minutes,
            fatal_faults=tuple(self.limits.refuse_values),
            **minutes_at(
                period_minutes, {**msgspec.structs.asdict(self.minutes), **msgspec.structs.asdict(self.alarms)}
            ),
        )


def transactional_id(kafka: Kafka) -> str:
    """Return the transactional id of an instance: a newer producer with it fences an older one."""
    return f"{kafka.group}-{kafka.instance}"


def transaction_seconds(kafka: Kafka) -> float:
    """Return the timeout of a transaction in seconds; 0 where the producer's property is no number."""
    timeout_ms = kafka.producer.get("transaction.timeout.ms", TRANSACTION_MS)
    try:
        return float(timeout_ms) / 1000
    except (TypeError, ValueError):
        return 0.0  # librdkafka refuses the property and names it
