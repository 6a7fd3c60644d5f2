"""What is measured of a sample; each function gives values under the names of their bands."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import skew, spearmanr

from tests.simulator.acceptance.sample import DAYS, Sample
from tests.simulator.builders import POSITION, spread
from trainer.simulator.chain.demand import BACKGROUND, MONDAY
from trainer.simulator.network.profiles import CELL_TYPES, WEEK_MINUTES

Values = dict[str, float]
Series = NDArray[np.floating]

EVERY = 3
"""Rank correlations look at every third minute."""

PAIRS = {
    "volume and PRB use": ("pdcp_vol_dl_kb", "prb_util_dl_pct"),
    "attempts and flows": ("rrc_succ", "flows_new"),
    "PRB use and throughput": ("prb_util_dl_pct", "ue_thp_dl_kbps"),
    "PRB use and RLC delay": ("prb_util_dl_pct", "delay_rlc_dl_ms"),
    "PRB use and CPU": ("prb_util_dl_pct", "cpu_load_pct"),
    "CQI and MCS": ("cqi_mean", "mcs_mean_dl"),
    "SINR and throughput": ("sinr_mean_db", "ue_thp_dl_kbps"),
    "RSRP and SINR": ("rsrp_mean_dbm", "sinr_mean_db"),
    "uplink noise and uplink SINR": ("ul_ni_dbm", "ul_sinr_db"),
    "power headroom and RSRP": ("phr_neg_pct", "rsrp_mean_dbm"),
    "core and access round trip": ("rtt_core_ms", "rtt_access_ms"),
}

RELEASES = ("rel_normal", "rel_inactivity")
ABNORMAL = ("rel_abn_radio", "rel_abn_tnl", "rel_abn_ho", "rel_abn_core")

SUCCESSES = {  # what came of it, what it came of
    "RRC set-up success, %": (("rrc_succ",), ("rrc_att_mo_data", "rrc_att_mo_sig", "rrc_att_mt", "rrc_att_other")),
    "NG context success, %": (("ng_ctx_succ",), ("ng_ctx_att",)),
    "hand-over preparation success, %": (("ho_exec_succ", "ho_exec_fail"), ("ho_prep_att",)),
    "hand-over execution success, %": (("ho_exec_succ",), ("ho_exec_succ", "ho_exec_fail")),
    "abnormal releases, %": (ABNORMAL, ABNORMAL + RELEASES),
    "initial block errors, downlink, %": (("tb_init_err_dl",), ("tb_init_dl",)),
    "initial block errors, uplink, %": (("tb_init_err_ul",), ("tb_init_ul",)),
    "DNS names that do not exist, %": (("dns_nx",), ("dns_q",)),
}

ASKED = tuple(
    dict.fromkeys(
        [name for pair in PAIRS.values() for name in pair]
        + [name for both in SUCCESSES.values() for names in both for name in names]
        + ["tcp_retx_dl", "pkts_dl", "pdcp_vol_ul_kb"]
    )
)
"""The features that anything here looks at minute by minute."""


def measure(sample: Sample) -> Values:
    """Every statistic that has a band."""
    parts = (spatial, daily, correlated, bursty, zeros, loads, performance, physics, dimensions)
    return {name: value for part in parts for name, value in part(sample).items()}


def spatial(sample: Sample) -> Values:
    """How unequal the cells of a network are."""
    attempts, volume = (np.sort(sample.weekday[name]) for name in ("attempts", "volume"))
    tenth = len(attempts) // 10
    return {
        "Gini of cells' attempts over a working day": _gini(attempts),
        "Gini of cells' volume over a working day": _gini(volume),
        "attempts carried by the busiest 10 % of cells": attempts[-tenth:].sum() / attempts.sum(),
        "attempts carried by the busiest 20 % of cells": attempts[-2 * tenth :].sum() / attempts.sum(),
        "skewness of log attempts over cells": float(skew(np.log1p(attempts))),
    }


def _gini(ascending: Series) -> float:
    n = len(ascending)
    return float((2 * np.arange(1, n + 1) - n - 1) @ ascending / (n * ascending.sum()))


def daily(sample: Sample) -> Values:
    """When people are there."""
    attempts = sample.attempts.reshape(len(sample.cell), len(DAYS), 1440)
    working = DAYS % 7 < 5
    hourly = attempts[:, working].mean(axis=1).reshape(len(sample.cell), 24, 60).mean(axis=2)
    busiest = np.sort(hourly, axis=1)[:, -12:].mean(axis=1)
    values = {
        "attempts 02-05 h / busy hour, median cell": _median(hourly[:, 2:5].mean(axis=1) / hourly.max(axis=1)),
        "attempts 00-07 h / 12 busiest hours, median cell": _median(hourly[:, :7].mean(axis=1) / busiest),
    }
    weekend = attempts[:, ~working].mean(axis=(1, 2)) / attempts[:, working].mean(axis=(1, 2))
    for kind, name in enumerate(CELL_TYPES):
        of_type = sample.network.statics.type[sample.cell] == kind
        values[f"busy hour, {name}"] = float(np.bincount(hourly[of_type].argmax(axis=1), minlength=24).argmax())
        values[f"weekend / working day, {name}"] = _median(weekend[of_type])
    return values


def _median(values: Series) -> float:
    return float(np.median(values)) if len(values) else np.nan


def correlated(sample: Sample) -> Values:
    """How a cell remembers, and how cells resemble each other."""
    attempts, rest = sample.attempts.astype(np.float64), _without_season(sample)
    low, mid, high = _thirds(sample)

    def memory(series: Series, cells: NDArray[np.intp], minutes: int) -> float:
        return _median(np.array([_autocorrelation(series[cell], minutes) for cell in cells]))

    values = {}
    for name, minutes in (("1 min", 1), ("60 min", 60), ("12 h", 720), ("1 day", 1440)):
        values[f"autocorrelation of attempts, high load, {name}"] = memory(attempts, high, minutes)
    for name, minutes in (("1 min", 1), ("1 day", 1440)):
        values[f"autocorrelation of attempts, low load, {name}"] = memory(attempts, low, minutes)
    for name, cells in (("mid", mid), ("high", high)):
        weekly = memory(attempts, cells, 10_080) - memory(attempts, cells, 1440)
        values[f"autocorrelation at 1 week less at 1 day, {name} load"] = weekly
    for name, minutes in (("1 min", 1), ("15 min", 15), ("60 min", 60), ("4 h", 240)):
        values[f"same, de-seasonalised, high load, {name}"] = memory(rest, high, minutes)
    values["Hurst exponent, de-seasonalised, high load"] = _median(np.array([_hurst(rest[cell]) for cell in high]))

    hourly = np.corrcoef(rest.reshape(len(rest), -1, 60).mean(axis=2))
    site = sample.cell // 3
    same = (site[:, None] == site) & ~np.eye(len(site), dtype=bool)
    values["hourly correlation, de-seasonalised, same site"] = _median(hourly[same])
    values["hourly correlation, de-seasonalised, other sites"] = _median(hourly[site[:, None] != site])
    return values


def _without_season(sample: Sample) -> Series:
    """Log of the attempts over what the time of the week lets expect. # -> [cells, minutes]"""
    network = sample.network
    cells = network.statics.at(sample.cell)
    position = (sample.minute + MONDAY + cells.shift_minutes[:, None]) % WEEK_MINUTES
    own, mixed = network.week[cells.type[:, None], position], network.mixed_week[position]
    share = cells.profile_mixture[:, None]
    profile = BACKGROUND + (1 - BACKGROUND) * ((1 - share) * own + share * mixed) ** cells.profile_exponent[:, None]
    return np.log((sample.attempts + 1) / (cells.busy_attempts[:, None] * profile + 1))


def _thirds(sample: Sample) -> list[NDArray[np.intp]]:
    """The cells in thirds of their load: low, mid, high."""
    return np.array_split(np.argsort(sample.attempts.mean(axis=1)), 3)


def _autocorrelation(series: Series, minutes: int) -> float:
    centred = series - series.mean()
    return float((centred[:-minutes] * centred[minutes:]).mean() / centred.var())


def _hurst(series: Series) -> float:
    """From how slowly the variance of block means falls with the blocks' length (Taqqu et al., Fractals 1995)."""
    lengths = 2 ** np.arange(2, 9)
    variances = [series[: len(series) // n * n].reshape(-1, n).mean(axis=1).var() for n in lengths]
    return float(1 + np.polyfit(np.log(lengths), np.log(variances), 1)[0] / 2)


def bursty(sample: Sample) -> Values:
    """How minutes differ within an hour."""
    hour = (sample.minute % 1440 // 60 == 17) & (np.repeat(DAYS, 1440) % 7 < 5)
    attempts = sample.attempts[:, hour].reshape(len(sample.cell), -1, 60)
    fano = (attempts.var(axis=2) / np.maximum(attempts.mean(axis=2), 0.1)).mean(axis=1)
    volume = sample["pdcp_vol_dl_kb"][:, hour].reshape(len(sample.cell), -1, 60)
    variation = (volume.std(axis=2) / np.maximum(volume.mean(axis=2), 1)).mean(axis=1)
    values = _percentiles("Fano factor of attempts in a busy hour, ", fano, {"p10": 10, "median": 50, "p90": 90})
    for name, cells in zip(("low", "mid", "high"), _thirds(sample), strict=True):
        values[f"variation of a minute's volume in an hour, {name} load"] = _median(variation[cells])
    return values


def _percentiles(name: str, values: Series, wanted: dict[str, int]) -> Values:
    return {name + suffix: float(np.percentile(values, share)) for suffix, share in wanted.items()}


def zeros(sample: Sample) -> Values:
    hour = sample.minute % 1440 // 60
    values = {}
    for name, within in (("02-05 h", (hour >= 2) & (hour < 5)), ("17-20 h", (hour >= 17) & (hour < 20))):
        for feature in ("rrc_att_mo_data", "ho_prep_att", "rel_abn_radio"):
            values[f"zeros {name}, {feature}"] = float((sample[feature][:, within] == 0).mean())
        values[f"minutes without any attempt, {name}"] = float((sample.attempts[:, within] == 0).mean())
    return values


def loads(sample: Sample) -> Values:
    hourly = sample["prb_util_dl_pct"].reshape(len(sample.cell), len(DAYS), 24, 60).mean(axis=3)
    gigabytes = sample["pdcp_vol_dl_kb"].sum(axis=1, dtype=np.float64) / len(DAYS) / 1e6
    shares = {"p10 of cells": 10, "median cell": 50, "p90 of cells": 90}
    return {
        **_percentiles(
            "PRB use in the busy hour, %, ", hourly.max(axis=2).mean(axis=1), {**shares, "p97 of cells": 97}
        ),
        **_percentiles("GB a day, ", gigabytes, shares),
    }


def performance(sample: Sample) -> Values:
    """The base rates of a network in order."""
    values = {name: 100 * sample.total(*part) / sample.total(*whole) for name, (part, whole) in SUCCESSES.items()}
    tcp_packets = 0.52 * sample.total("pkts_dl")
    values["TCP retransmissions, %"] = 100 * sample.total("tcp_retx_dl") / tcp_packets
    values["uplink / downlink volume"] = sample.total("pdcp_vol_ul_kb") / sample.total("pdcp_vol_dl_kb")
    return values


def physics(sample: Sample) -> Values:
    """What must go together within a cell, over the cells of high load."""
    high = _thirds(sample)[2]
    values = {}
    for name, (one, other) in PAIRS.items():
        each = [_rank_correlation(sample[one][cell, ::EVERY], sample[other][cell, ::EVERY]) for cell in high]
        values[f"rank correlation, {name}"] = float(np.median(each))
    return values


def _rank_correlation(one: Series, other: Series) -> float:
    reported = ~np.isnan(one) & ~np.isnan(other)
    return float(spearmanr(one[reported], other[reported]).statistic)


def dimensions(sample: Sample) -> Values:
    """How many things really vary, and how much is not reported."""
    rows = spread(sample.thinned).reshape(-1, sample.thinned.shape[2])
    scaled = np.nan_to_num((rows - np.nanmean(rows, axis=0)) / (np.nanstd(rows, axis=0) + 1e-6))
    share = np.linalg.eigvalsh(np.cov(scaled.T))[::-1]
    share = np.maximum(share / share.sum(), 1e-12)
    return {
        "variance in the first principal component": float(share[0]),
        "effective rank of the 130 features": float(np.exp(-(share * np.log(share)).sum())),
        "nulls, % of all values": 100 * float(sample.nulls.mean()),
        "nulls, voice_loss_pct": float(sample.nulls[POSITION["voice_loss_pct"]]),
        "nulls, cp_setup_ms": float(sample.nulls[POSITION["cp_setup_ms"]]),
    }
