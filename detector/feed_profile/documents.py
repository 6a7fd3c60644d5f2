"""JSON document of a feed's profile."""

import msgspec

from detector.feed_profile.profile import (
    CellsProfile,
    DelayProfile,
    FeatureProfile,
    KeysProfile,
    NewFeature,
    PeriodProfile,
)
from detector.finding import Finding
from detector.json_document import Time


class FeedRecordsDocument(msgspec.Struct, kw_only=True):
    """Records of the sample. `first`, `last`: earliest and latest minute, without the outermost hundredth."""

    source: str
    count: int
    readable: int
    first: int | None
    first_time: Time | None
    last: int | None
    last_time: Time | None
    median_bytes: int
    largest_bytes: int
    copied_timestamps: bool
    refused: dict[str, int]
    time_forms: dict[str, int]
    time_examples: dict[str, str]
    duplicates: int
    restated: int


class FeedDocument(msgspec.Struct, kw_only=True):
    """Profile of a feed. `ok`: nothing must be mended. Shares are of the readable records, from 0 to 1."""

    ok: bool
    findings: list[Finding]
    records: FeedRecordsDocument
    period: PeriodProfile
    delay: DelayProfile
    cells: CellsProfile
    features: list[FeatureProfile]
    new_features: list[NewFeature]
    keys: KeysProfile
