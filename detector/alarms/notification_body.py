"""Body of a notification that was read back from `cells.alarms`, as far as it is used.

Anybody who may write to the topic may have written it: every field has its type, and a record of another form is no
notification.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from detector.json_document import Time

Embedding = Annotated[bytes, Meta(max_length=65_536)]
"""Direction of a window: little-endian f16[D], base64 in JSON."""


class FeatureEvidence(msgspec.Struct, frozen=True):
    """Feature that carried the alarm, in its own unit; None = not reported."""

    feature: str
    unit: str
    observed: float | None
    usual: float | None
    spreads: float | None
    carried: float


class MinutesEvidence(msgspec.Struct, frozen=True):
    """Minutes that carried the alarm; `end` is exclusive."""

    begin: Time
    end: Time
    carried: float


class NearestClass(msgspec.Struct, frozen=True):
    """Class with a high score, and its nearest exemplar."""

    name: str
    kind: str
    exemplar: str
    cell: str
    score: float
    cosine: float
    pull: float
    by: str = ""


class AdditionalInformation(msgspec.Struct, frozen=True):
    """Evidence of a notification. A silence, a shortened notification and a clearance have less of it."""

    onset: Time
    bundle: str
    supersededBy: str = ""
    labels: str = ""
    score: float | None = None
    threshold: float | None = None
    direction: float | None = None
    distance: float | None = None
    margin: float | None = None
    coverage: float | None = None
    size: float | None = None
    nearest: list[NearestClass] = []
    features: list[FeatureEvidence] | None = None
    minutes: list[MinutesEvidence] = []
    embedding: Embedding | None = None
    fingerprint: str = ""


class NotificationBody(msgspec.Struct, frozen=True):
    """JSON body of a notification that was read back, as far as it is used."""

    alarmId: str
    notificationType: str
    eventTime: Time
    objectInstance: str
    specificProblem: str
    perceivedSeverity: str
    additionalText: str
    additionalInformation: AdditionalInformation
