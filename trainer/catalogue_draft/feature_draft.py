"""Draft of one feature: kind, transform, unit and range from its name and its values, with what is unsure about it."""

import math
from dataclasses import dataclass, field

from detector.core.features import Feature
from trainer.catalogue_draft.names import NameReading, read_name, words
from trainer.catalogue_draft.statistics import SEVERAL, ValueStatistics

HEADROOM = 10
"""Range of what was seen, times this: a busy day has twice an ordinary one, a fault some ten times."""

LEAST_COUNTER_HIGH, LEAST_GAUGE_HIGH = 100_000.0, 1_000.0
"""Least upper bounds. A counter of failures is 0 to 3 on most days and thousands in the fault that it is there for; a
value above its bound would be taken for nonsense in that very fault."""

RATIO_HIGH = 110.0
"""Upper bound of a share in percent. Numerator and denominator of a rate end at different moments, so 101 % is seen."""

BOUNDS = {
    "dBm": (-200.0, 100.0),
    "dB": (-100.0, 100.0),
    "degC": (-100.0, 200.0),
    "layers": (0.0, 16.0),
}
"""Bounds that physics gives, by unit: thermal noise of one subcarrier is -132 dBm, and no site sends 10 MW."""

WHOLE_PERCENT = 101.0
"""Largest value up to which values are a share in percent."""

COUNT_WORDS = words("cnt count counter num nbr number")
"""Words of a count, whatever else the name says: `overload_cnt` is no load."""

RARE_PERCENT = 2.0
"""Median below which a share is that of rare events, such as lost packets: its spread grows with its level."""

LOG_UNITS = frozenset(("ms", "us", "ns", "s", "bps", "kbps", "Mbps", "Gbps", "UE", "kB", "MB", "GB", "Mbit", "kbit"))
"""Units of gauges whose spread grows with the level: delays, rates, numbers of users."""

LINEAR_UNITS = frozenset(("dBm", "dB", "degC", "V", "A", "%"))

WIDE = 5.0
"""Ratio of the 99 % quantile to the median from which the spread of a gauge grows with its level."""

RUNNING_SHARE = 0.9
"""Share of the cells from which on values that never fall are a running total; one in ten may have been restarted."""

LARGEST_BOUND = 1e38
"""Largest bound. Values are held in single precision, which ends at 3.4e38."""

ROUND_STEPS = (1, 2, 5, 10)


@dataclass(frozen=True)
class FeatureDraft:
    """Feature as it goes into the draft, with remarks for whoever looks it over."""

    feature: Feature
    unsure: tuple[str, ...] = field(default=())


def draft_feature(name: str, values: ValueStatistics) -> FeatureDraft:
    """Return the draft of a feature."""
    reading = read_name(name)
    remarks: list[str] = [reading.note] if reading.note else []
    kind = _kind(reading, values, remarks)
    unit = _unit(reading, kind, values, remarks)
    transform = _transform(kind, unit, values)
    low, high = _range(kind, unit, values, remarks)
    _remark_values(values, remarks)
    feature = Feature(name, unit, kind, transform, low=low, high=high, alias=reading.alias, group=reading.group)
    return FeatureDraft(feature, tuple(remarks))


def _kind(reading: NameReading, values: ValueStatistics, remarks: list[str]) -> str:
    is_share = values.low >= 0 and values.high <= WHOLE_PERCENT
    if reading.kind == "ratio":
        if values.low < 0 or values.high > RATIO_HIGH:
            remarks.append(f"the name is that of a share, and values reach {values.high:g}")
            return "gauge"
        return "ratio"
    if reading.may_be_ratio and is_share and not reading.words & COUNT_WORDS:
        if values.is_whole and values.high <= 1:
            remarks.append("a share, or a count of 0 and 1")
        return "ratio"
    counts = values.low >= 0 and values.is_whole
    if reading.kind == "counter" and not counts:
        if values.low < 0:
            remarks.append(f"the name is that of a counter, and values go down to {values.low:g}")
            return "gauge"
        remarks.append("the name is that of a counter, and values are no whole numbers: a mean, or another unit")
    if reading.kind is not None:
        return reading.kind
    if not counts or reading.may_be_ratio:
        return "gauge"
    remarks.append("a counter by its values alone, whole numbers from 0 on")
    return "counter"


def _unit(reading: NameReading, kind: str, values: ValueStatistics, remarks: list[str]) -> str:
    if kind == "ratio" and 0 < values.high <= 1 and not values.is_whole and values.median > 0.01:
        remarks.append("a share from 0 to 1 by its values, or one in percent that stays below 1")
        return reading.unit or "1"
    if reading.unit == "dBm" and values.low >= 0 and reading.words & {"rsrp", "rssi"}:
        remarks.append("levels in dBm are negative, so this is another scale, such as the steps of a report")
        return "1"
    if reading.unit:
        return reading.unit
    if kind == "ratio":
        return "%"
    if kind == "gauge":
        remarks.append("the unit is not in the name")
    return "1"


def _transform(kind: str, unit: str, values: ValueStatistics) -> str:
    """Return `log1p` where the spread grows with the level, and no value is negative."""
    if values.low < 0 or unit in BOUNDS:
        return "identity"
    if kind == "counter":
        return "log1p"
    if kind == "ratio":
        return "log1p" if values.median < RARE_PERCENT and values.high > 1 else "identity"
    if unit in LINEAR_UNITS:
        return "identity"
    is_wide = values.quantile_99 > WIDE * max(values.median, math.ulp(0))
    return "log1p" if unit in LOG_UNITS or is_wide else "identity"


def _range(kind: str, unit: str, values: ValueStatistics, remarks: list[str]) -> tuple[float, float]:
    if unit in BOUNDS:
        low, high = BOUNDS[unit]
        if low <= values.low and values.high <= high:
            return low, high
        remarks.append(f"values from {values.low:g} to {values.high:g} are no {unit}")
    if kind == "ratio":
        is_fraction = unit != "%" and values.high <= 1
        return 0.0, RATIO_HIGH / 100 if is_fraction else RATIO_HIGH
    least = LEAST_COUNTER_HIGH if kind == "counter" else LEAST_GAUGE_HIGH
    high = max(round_up(HEADROOM * values.high), least)
    return (0.0 if values.low >= 0 else -max(round_up(-HEADROOM * values.low), least)), high


def _remark_values(values: ValueStatistics, remarks: list[str]) -> None:
    if not values.reported:
        remarks.append("not reported in the sample")
    elif values.different == 1:
        remarks.append(f"always {values.high:g} in the sample, which tells little about its range")
    elif values.is_whole and values.low >= 0 and values.rising_cells >= RUNNING_SHARE and values.different > SEVERAL:
        remarks.append("it never falls in a cell: a running total? Records carry the count of one period")


def round_up(value: float) -> float:
    """Return the next of 1, 2, 5 times a power of ten; 0 for what is not positive."""
    if value <= 0:
        return 0.0
    if value >= LARGEST_BOUND:
        return LARGEST_BOUND
    power = 10.0 ** math.floor(math.log10(value))
    step = next(step for step in ROUND_STEPS if value <= step * power * (1 + 1e-9))
    return float(step * power)
