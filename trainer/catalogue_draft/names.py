"""Names of measurements: the kind and unit that a feature's name tells, by words, unit suffixes and names of 3GPP."""

import re
from dataclasses import dataclass
from typing import Literal

WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
"""Word of a name in any style: snake_case, CamelCase, dots."""

SEPARATOR = re.compile(r"[^A-Za-z0-9]+")

PERCENTILE = re.compile(r"(?<![A-Za-z0-9])p[0-9]{2}(?![0-9])|[0-9]{2}(th)?_?perc(entile)?", re.IGNORECASE)

MEASUREMENT = re.compile(r"[A-Z][A-Z0-9]{1,9}\.[A-Za-z][\w.\-/]*")
"""Name in the form of 3GPP TS 32.404: family of the measurement, a dot, the measurement, perhaps subcounters."""

Kind = Literal["counter", "gauge", "ratio"]


def words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


UNITS = {
    word: unit
    for unit, names in {
        "%": "pct percent percentage perc",
        "dBm": "dbm",
        "dB": "db",
        "s": "s sec secs second seconds",
        "ms": "ms msec",
        "us": "us usec",
        "ns": "ns",
        "min": "minutes",
        "Hz": "hz",
        "kHz": "khz",
        "MHz": "mhz",
        "W": "w watt watts",
        "kW": "kw",
        "Wh": "wh",
        "kWh": "kwh",
        "V": "v volt",
        "degC": "c degc celsius",
        "B": "b byte bytes octets",
        "kB": "kb kbyte kbytes",
        "MB": "mb mbyte mbytes",
        "GB": "gb gbyte gbytes",
        "bit": "bit bits",
        "kbit": "kbit kbits",
        "Mbit": "mbit mbits",
        "Gbit": "gbit gbits",
        "bps": "bps",
        "kbps": "kbps",
        "Mbps": "mbps",
        "Gbps": "gbps",
        "pkt": "pkt pkts packet packets",
        "UE": "ue ues user users sub subs subscriber subscribers",
    }.items()
    for word in names.split()
}
"""Unit by the word that names it, in lower case."""

ANYWHERE_UNITS = {word: unit for word, unit in UNITS.items() if unit in ("%", "pkt", "UE")} | {
    "prb": "PRB",
    "prbs": "PRB",
    "tb": "TB",
    "tbs": "TB",
}
"""Units whose word counts wherever it stands in a name; others are a suffix: `b` within a name is no byte."""

IMPLIED_UNITS = {
    **dict.fromkeys(("temp", "temperature", "temperatur"), "degC"),
    **dict.fromkeys(("rsrp", "rssi"), "dBm"),
    **dict.fromkeys(("rsrq", "sinr", "snr"), "dB"),
    "voltage": "V",
    "rank": "layers",
    "layers": "layers",
}
"""Units of quantities that are hardly ever given in another one."""

GAUGE_UNITS = words("dBm dB ms us ns bps kbps Mbps Gbps W kW V A degC Hz kHz MHz")
"""Units of a state or a mean, never of a sum."""

RATIO_WORDS = words(
    "ratio rate util utilisation utilization usage share availability accessibility retainability occupancy load sr"
    " bler efficiency quote auslastung humidity"
)
"""Words of a share in percent, where the values lie between 0 and 100; `rate` may as well be a bit rate."""

GAUGE_WORDS = words(
    "mean avg average max maximum min minimum peak median cur current level delay latency rtt jitter thp tput"
    " throughput thrput speed size dur duration temp temperature temperatur power pwr voltage rsrp rsrq sinr snr rssi"
    " rank offset headroom interference noise layers index mos queue age distance avail available capacity"
)
"""Words of a state, a mean or an extreme."""

COUNTER_WORDS = words(
    "att atts attempt attempts succ success successes ok fail fails failure failures drop drops dropped nbr cnt count"
    " counter num number total tot sum req reqs request requests rej reject rejects rel release releases err errs error"
    " errors sent rx tx retx retrans lost loss vol volume dist bin discard discards timeout timeouts setups reports"
    " events pkts packets bytes octets versuche"
)
"""Words of something that is counted within a period."""

DELAY_NOTE = "3GPP counts delays in ms or tenths of a ms, by version"

VOLUME_NOTE = "3GPP counts volumes in kbit or Mbit, by version"

MEASUREMENTS: tuple[tuple[str, Kind, str, str], ...] = (
    (r".*(Dist|Bin)\b.*|L1M\..*|MR\..*Bin.*|CARR\.(WBCQI|PDSCHMCS|PUSCHMCS).*", "counter", "1", ""),
    (r"RRU\.Prb(Tot|Util).*", "ratio", "%", ""),
    (r"RRU\.(Max)?Prb.*", "gauge", "PRB", ""),
    (r"DRB\.(PDCP\.)?UEUnresVol.*", "ratio", "%", ""),
    (r"DRB\..*Thp.*|DRB\..*Bitrate.*|IP\.Thp.*", "gauge", "kbps", ""),
    (r"(DRB|IP)\..*(Delay|Lat).*", "gauge", "ms", DELAY_NOTE),
    (r"GTP\..*Delay.*|GTP\..*RTT.*", "gauge", "", "3GPP counts these delays in us or ms, by version"),
    (r"DRB\..*(Loss|Drop)Rate.*", "gauge", "1e-6", "3GPP scales rates of lost packets by a million"),
    (r"DRB\..*Volume.*|QF\..*Volume.*", "counter", "Mbit", VOLUME_NOTE),
    (r"DRB\.MeanActiveUe.*|RRC\.(Inactive)?Conn(Mean|Max).*|DRB\.MaxActiveUe.*", "gauge", "UE", ""),
    (r"PEE\.(Avg|Min|Max)Power.*", "gauge", "W", ""),
    (r"PEE\.Energy.*", "counter", "kWh", ""),
    (r"PEE\..*Temperature.*", "gauge", "degC", ""),
    (r"PEE\..*Voltage.*", "gauge", "V", ""),
    (r"PEE\..*Current.*", "gauge", "A", ""),
    (r"PEE\..*Humidity.*|VR\..*Usage.*", "ratio", "%", ""),
    (r"CARR\.AverageLayers.*|CARR\.MaxLayers.*", "gauge", "layers", ""),
    (r"CARR\..*(Power|Pwr).*", "gauge", "dBm", ""),
    (r"TB\..*", "counter", "TB", ""),
    (r"[A-Z0-9]+\.(.*(Mean|Avg|Max|Min))(\W.*)?", "gauge", "", ""),
    (r"(RACH|RRC|UECNTX|NGAP|S1SIG|X2|MM|HO|PAG|RM|SM|ERAB|QF|DRB|GTP|SCTP|PDUSESSION)\..*", "counter", "1", ""),
)
"""Patterns of names of TS 28.552 and TS 32.425 with kind, unit and a note; the first that fits counts."""


@dataclass(frozen=True)
class NameReading:
    """Reading of a feature's name; empty fields are what the name does not tell."""

    kind: Kind | None = None
    unit: str = ""
    alias: str = ""
    """The name, where it has the form of a 3GPP measurement."""
    group: str = ""
    note: str = ""
    """Remark on what this name may mean, for a comment."""
    may_be_ratio: bool = False
    """Whether the name is that of a share if the values lie between 0 and 100."""
    words: frozenset[str] = frozenset()


def read_name(name: str) -> NameReading:
    """Return what a feature's name tells."""
    ordered = [word.lower() for word in WORD.findall(name)]
    used, unit = frozenset(ordered), _unit(name, ordered)
    if MEASUREMENT.fullmatch(name):
        for pattern, kind, standard_unit, note in MEASUREMENTS:
            if re.fullmatch(pattern, name):
                return NameReading(kind, standard_unit or unit, name, name.split(".")[0], note, words=used)
        return NameReading(None, unit, name, name.split(".")[0], words=used)
    may_be_ratio = bool(used & RATIO_WORDS) and unit in ("", "%")
    return NameReading(_kind(name, used, unit), unit, may_be_ratio=may_be_ratio, words=used)


def _kind(name: str, used: frozenset[str], unit: str) -> Kind | None:
    if unit == "%":
        return "ratio"
    if unit in GAUGE_UNITS or used & GAUGE_WORDS or PERCENTILE.search(name):
        return "gauge"
    if used & COUNTER_WORDS:
        return "counter"
    return None


def _unit(name: str, ordered: list[str]) -> str:
    """Return the unit that a name ends with, names anywhere, or implies; empty if there is none."""
    if "%" in name:
        return "%"
    parts = [part for part in SEPARATOR.split(name) if part]
    letters = [word for word in ordered if not word.isdigit()]
    suffixes = [parts[-1].lower()] if len(parts) > 1 else []
    suffixes += letters[-1:] if len(letters) > 1 and len(letters[-1]) > 1 else []
    units = [UNITS[suffix] for suffix in suffixes if suffix in UNITS]
    if len(letters) > 1:
        units += [ANYWHERE_UNITS[word] for word in letters if word in ANYWHERE_UNITS]
        units += ["UE"] if "conn" in letters and not set(letters) & COUNTER_WORDS else []
    units += [IMPLIED_UNITS[word] for word in letters if word in IMPLIED_UNITS]
    return units[0] if units else ""
