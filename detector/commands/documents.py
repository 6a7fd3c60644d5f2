"""JSON documents of the verbs: what `--json` prints, and what docs/generate.py publishes as JSON Schema.

A verb prints one document. The verbs of LISTS print one for each thing they list, a document a line.
"""

from typing import Any

import msgspec

from detector.feed_profile.documents import FeedDocument
from detector.finding import Finding
from detector.json_document import Time
from detector.teaching.documents import PackForecastDocument, TaughtDocument


class CheckDocument(msgspec.Struct, kw_only=True):
    """Everything that the check looked at. `ok`: no finding is an error."""

    ok: bool
    findings: list[Finding]


class TopicDocument(msgspec.Struct, kw_only=True):
    """One topic. `partitions`, `replicas`: null where it is missing; a setting is null where it cannot be read."""

    role: str
    topic: str
    exists: bool
    created: bool
    partitions: int | None
    replicas: int | None
    settings: dict[str, str | None]


class FixDocument(msgspec.Struct, kw_only=True):
    """One deviation of a topic. `outcome`: `possible`, `altered`, or the reason why it is neither."""

    topic: str
    name: str
    old: str
    new: str
    command: str
    outcome: str


class TopicsDocument(msgspec.Struct, kw_only=True):
    """Topics of the configuration. `fixes`: null unless `--fix` is given."""

    topics: list[TopicDocument]
    fixes: list[FixDocument] | None


class ReplayFiguresDocument(msgspec.Struct, kw_only=True):
    """Figures of one class. A share is the value and its 95 % interval; null: no episode. Minutes: median, 90 %."""

    episodes: int
    right: list[float | None]
    misnamed: list[float | None]
    unknown: list[float | None]
    visible: int
    visible_right: list[float | None]
    minutes: list[float]


class ReplayDocument(msgspec.Struct, kw_only=True):
    """Report of a replay: alarms compared with known episodes."""

    cell_days: float
    alarms: int
    budget: float
    false_alarms_per_1000_cell_days: list[float | None]
    of_these_named: list[float | None]
    all: ReplayFiguresDocument
    classes: dict[str, ReplayFiguresDocument]


class LabelDocument(msgspec.Struct, kw_only=True):
    """One label. `refused`: why no detector can use it; `radius`: null unless `--radius` is given and it is a fault."""

    id: str
    name: str
    kind: str
    cell: str
    begin: int
    begin_time: Time | None
    end: int
    end_time: Time | None
    by: str
    taught: int
    taught_time: Time | None
    expires: int | None
    expires_time: Time | None
    severity: str
    cause: str
    note: str
    forecast: float | None
    quarantined: bool
    forced: bool
    refused: str
    fired: int
    radius: float | None


class WithheldDocument(msgspec.Struct, kw_only=True):
    """One alarm that a label withholds."""

    cell: str
    name: str
    reason: str
    minute: int
    minute_time: Time


class ForgottenDocument(msgspec.Struct, kw_only=True):
    """Label that was retired. `retired`: false where no label has the id."""

    id: str
    retired: bool
    name: str = msgspec.field(name="class")
    cell: str


class SightingDocument(msgspec.Struct, kw_only=True):
    """One unknown alarm. `until`: null while it is open; `named`: the class that superseded it."""

    alarm: str
    cell: str
    onset: int
    onset_time: Time
    until: int | None
    until_time: Time | None
    named: str


class UnknownsDocument(msgspec.Struct, kw_only=True):
    """One group of unknown alarms that look alike. `medoid`: the most typical of them."""

    number: int
    cells: int
    alike: float
    medoid: SightingDocument
    sightings: list[SightingDocument]


class PackExportDocument(msgspec.Struct, kw_only=True):
    """Pack that was written. `left_out`: labels of other features, or that cannot be read."""

    file: str
    labels: int
    left_out: int
    sha256: str
    classes: dict[str, int]


class PackImportDocument(msgspec.Struct, kw_only=True):
    """Pack that was previewed, and published with `--accept`. `why`: the reasons of the refusals."""

    sha256: str
    published: bool
    to_take: int
    quarantined: int
    forced: int
    refused: int
    forecast: PackForecastDocument | None
    why: list[str]


class NotificationDocument(msgspec.Struct, kw_only=True):
    """One notification as it was published, with all its fields."""

    alarmId: str
    notificationType: str
    eventTime: Time
    objectInstance: str
    specificProblem: str
    perceivedSeverity: str
    additionalText: str
    additionalInformation: dict[str, Any]


class ReproductionDocument(msgspec.Struct, kw_only=True):
    """One notification, judged again. `differences`: empty where it comes out the same."""

    time: Time
    change: str
    differences: list[str]


class SearchDocument(msgspec.Struct, kw_only=True):
    """One similar episode. `minute`: the last minute of its window; `called`: the names of its alarms at the time."""

    cell: str
    minute: int
    minute_time: Time
    distance: float
    size: float
    called: list[str]


class ShadowEpisodeDocument(msgspec.Struct, kw_only=True):
    """Alarm of one of the two daemons. `over`: null while it is open."""

    cell: str
    name: str
    onset: int
    onset_time: Time
    raised: int
    raised_time: Time
    over: int | None
    over_time: Time | None


class ShadowClassDocument(msgspec.Struct, kw_only=True):
    """Episodes of one class. `earlier`: median of the minutes by which the shadow raised it earlier."""

    both: int
    serving_renamed: int
    shadow_renamed: int
    serving_only: int
    shadow_only: int
    earlier: float | None


class ShadowReportDocument(msgspec.Struct, kw_only=True):
    """Comparison of two daemons' alarms. `renamed`: pairs of the serving daemon's and the shadow's."""

    first: int
    first_time: Time | None
    last: int
    last_time: Time | None
    classes: dict[str, ShadowClassDocument]
    renamed: list[tuple[ShadowEpisodeDocument, ShadowEpisodeDocument]]
    serving: list[ShadowEpisodeDocument]
    shadow: list[ShadowEpisodeDocument]


class ShadowConfigurationDocument(msgspec.Struct, kw_only=True):
    """Configuration of a shadow. JSON is YAML, so `faultline run --config` takes it."""

    bundle: str
    kafka: dict[str, Any]
    http: dict[str, Any]


class PromotionDocument(msgspec.Struct, kw_only=True):
    """Bundle that serves from now on. `bundle`: its digest; `previous`: folder of the one before."""

    link: str
    bundle: str
    previous: str
    reload_seconds: float


DOCUMENTS: dict[str, type[msgspec.Struct]] = {
    "check": CheckDocument,
    "feed": FeedDocument,
    "topics": TopicsDocument,
    "replay": ReplayDocument,
    "teach": TaughtDocument,
    "labels": LabelDocument,
    "labels --withheld": WithheldDocument,
    "forget": ForgottenDocument,
    "unknowns": UnknownsDocument,
    "unknowns --teach": TaughtDocument,
    "confirm": TaughtDocument,
    "reject": TaughtDocument,
    "pack export": PackExportDocument,
    "pack import": PackImportDocument,
    "explain": NotificationDocument,
    "reproduce": ReproductionDocument,
    "search": SearchDocument,
    "shadow configure": ShadowConfigurationDocument,
    "shadow report": ShadowReportDocument,
    "promote": PromotionDocument,
    "rollback": PromotionDocument,
}
"""Document of each verb; `run` has none: it is a daemon, and `log.format: json` makes its log lines JSON."""

LISTS = ("labels", "labels --withheld", "unknowns", "explain", "reproduce", "search")
"""Verbs that print a document a line, and nothing where there is nothing to list: scripts of 0.1 read them so."""
