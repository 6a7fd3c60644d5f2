"""Operators that nobody has seen: an encoder that learned from many of them takes the next one for granted.

Ranges hold operators A and B and reach a little further; where no figures are published, they are guesses.
"""

import numpy as np

from trainer.simulator.catalogue import catalogue
from trainer.simulator.measurement import Measurement
from trainer.simulator.network.operators import OPERATOR_A, UNITS, Operator
from trainer.simulator.randomness import HashedDraws

GAIN_SIGMA = 0.3
"""Of a feature's log-normal gain: a factor of 1.8 in either direction at the most usual."""
OFFSET_SIGMA = 6.0
"""Of a level's reference point, in dB or degrees: another antenna port, another bandwidth."""
SMOOTHED, ROUNDED, ZEROED, MOVED, CONVERTED = 0.2, 0.4, 0.3, 0.3, 0.5
"""How many of the features, or units, that could be so treated are."""
LEAST_SMOOTHING = 0.2
"""The newest minute's weight in a moving mean: from here to 1."""
LEAST_MISSING, MOST_MISSING = 22, 45
"""Features of 130, so that 15 to 35 % are missing even where the last parts do not fit exactly."""

LEVELS = ("dB", "dBm", "degC")
"""Scales without a natural zero: measured with an offset, and never with a gain."""
ENDING = ("%", "idx", "layers")
"""Scales that end: another definition reports less of them, never more."""
EXACT = ("avail_s", "prb_avail_dl")
"""What everybody measures alike."""
WHOLE = ("%", "dB", "dBm", "degC", "idx", "W", "B")
"""Scales on which an integer is precise enough to be exported."""
DIVIDED = ("kbps", "ms", "s", "B")
"""Sums over samples divided by their number, which may be 0."""

MERGERS = (
    ("rrc_fail_noreply", "rrc_fail_other"),
    ("rel_abn_tnl", "rel_abn_core"),
    ("ho_wrong_cell", "ho_too_early"),
    ("dns_servfail", "dns_nx"),
)
"""Causes that some vendors do not tell apart."""

PARTS = (
    *("rrc_inactive_mean", "rrc_conn_max", "active_ue_dl_mean active_ue_ul_mean"),
    *("prb_util_dl_peak_pct", "cce_util_pct pdcch_block_cnt", "tx_power_dbm", "rank_mean_dl", "sched_ue_tti_dl"),
    *("delay_rlc_dl_ms delay_air_dl_ms delay_ul_ms", "pdcp_drop_dl_pkts uu_lost_ul_pkts"),
    *("cqi_reports cqi_lo_cnt cqi_mid_cnt cqi_hi_cnt", "tb_init_dl tb_init_err_dl tb_resid_err_dl"),
    *("rsrp_mean_dbm sinr_mean_db", "ul_ni_max_dbm", "rssi_br0_dbm rssi_br1_dbm", "ul_sinr_db mcs_mean_ul"),
    *("tb_init_ul tb_init_err_ul tb_resid_err_ul", "phr_neg_pct"),
    *("ra_preamble_ded ra_rar_sent", "ta_near_cnt ta_mid_cnt ta_far_cnt", "pag_rx"),
    *("rrc_fail_congestion rrc_fail_noreply rrc_fail_other", "rrc_reest_att rrc_reest_succ"),
    *("reg_att reg_rej", "pdu_att pdu_succ drb_fail_radio", "cp_setup_ms", "rel_abn_tnl rel_abn_ho rel_abn_core"),
    *("ho_in_att ho_in_succ", "ho_too_early ho_too_late ho_wrong_cell", "ho_pingpong", "ho_irat_att"),
    *("gtp_delay_ms gtp_jitter_ms", "sctp_retx", "sync_offset_ns"),
    *("flows_tcp flows_quic flows_udp", "pkts_dl pkts_ul pkt_size_dl_b", "tcp_syn tcp_est tcp_syn_noans tcp_rst"),
    *("tcp_retx_dl tcp_retx_ul", "rtt_core_ms rtt_access_ms rtt_access_p95_ms", "subs_active flow_dur_s"),
    *("dns_q dns_ok dns_nx dns_servfail dns_timeout dns_rt_ms", "voice_drop voice_loss_pct", "power_w temp_c"),
    "vol_video_kb vol_web_kb vol_msg_kb vol_dload_kb vol_rtc_kb vol_other_kb",
)
"""What an exporter has or lacks as one: a licence, a probe, a family of counters. Something of each group is in none
of them, so no operator is blind to a whole group."""


def random_operator(seed: int) -> Operator:
    """Operator number `seed`: a world and a way to measure it, both its own."""
    luck = HashedDraws.of(seed, "operator world", np.zeros(1, np.int64))
    data, signalling, called, other = _varied(luck, "causes", OPERATOR_A.cause_mix, 0.25)
    return Operator(
        f"R{seed}",
        type_shares=_varied(luck, "types", OPERATOR_A.type_shares, 0.4),
        carrier_shares=_varied(luck, "carriers", OPERATOR_A.carrier_shares, 0.8),
        busy_attempts=_factor(luck, "attempts", 12, 60),
        attempts_sigma=_factor(luck, "attempts sigma", 0.9, 1.4),
        profile_exponent=_factor(luck, "profile exponent", 0.7, 1.2),
        profile_shift_hours=int(np.floor(_level(luck, "profile shift", -2, 4))),
        hold_seconds=_factor(luck, "hold", 20, 120),
        connection_kb=_factor(luck, "volume", 300, 3000),
        voice_per_access=_factor(luck, "voice", 0.03, 0.12),
        sinr_db=_level(luck, "sinr", 9.5, 14),
        ul_noise_dbm=_level(luck, "ul noise", -117, -111),
        core_rtt_ms=_factor(luck, "core rtt", 15, 60),
        dns_nx_share=_factor(luck, "dns nx", 0.05, 0.18),
        pingpong_share=_factor(luck, "ping-pong", 0.02, 0.10),
        handover_scale=_factor(luck, "handovers", 0.6, 2),
        failure_scale=_factor(luck, "failures", 0.5, 3),
        failure_spread=_factor(luck, "failure spread", 0.8, 1.6),
        cause_mix=(data, signalling, called, other),
        measurement=_random_measurement(seed),
    )


def _level(luck: HashedDraws, name: str, low: float, high: float) -> float:
    return low + (high - low) * float(luck.uniform(name)[0])


def _factor(luck: HashedDraws, name: str, low: float, high: float) -> float:
    return float(low * (high / low) ** float(luck.uniform(name)[0]))


def _varied(luck: HashedDraws, name: str, shares: tuple[float, ...], sigma: float) -> tuple[float, ...]:
    varied = [share * np.exp(sigma * float(luck.normal(f"{name} {at}")[0])) for at, share in enumerate(shares)]
    return tuple(float(share / sum(varied)) for share in varied)


def _random_measurement(seed: int) -> Measurement:
    features, missing = catalogue().features, _random_missing(seed)
    luck = HashedDraws.of(seed, "operator measurement", np.arange(len(features)))
    gain, offset = np.exp(GAIN_SIGMA * luck.normal("gain")), OFFSET_SIGMA * luck.normal("offset")
    newest = LEAST_SMOOTHING + (1 - LEAST_SMOOTHING) * luck.uniform("newest minute")
    smoothed, rounded, zeroed, moved = (
        dict(zip(catalogue().names, luck.uniform(name) < share, strict=True))
        for name, share in (("smoothed", SMOOTHED), ("rounded", ROUNDED), ("zeroed", ZEROED), ("moved", MOVED))
    )
    converted = HashedDraws.of(seed, "operator units", np.arange(len(UNITS))).uniform("converted") < CONVERTED
    there = [(at, f) for at, f in enumerate(features) if f.name not in missing]
    gauges = [(at, f) for at, f in there if f.kind != "counter"]
    return Measurement(
        merge_targets={
            origin: target for origin, target in MERGERS if moved[origin] and not {origin, target} & missing
        },
        zero_for_null=frozenset(f.name for _, f in gauges if f.unit in DIVIDED and zeroed[f.name]),
        smoothing_weights={f.name: float(newest[at]) for at, f in gauges if f.name not in EXACT and smoothed[f.name]},
        gains={
            f.name: float(min(gain[at], 1 / gain[at]) if f.unit in ENDING else gain[at])
            for at, f in there
            if f.unit not in LEVELS and f.name not in EXACT
        },
        offsets={f.name: float(offset[at]) for at, f in there if f.unit in LEVELS},
        units={unit: UNITS[unit] for unit, other in zip(UNITS, converted, strict=True) if other},
        integer_gauges=frozenset(
            f.name for _, f in gauges if f.unit in WHOLE and f.transform == "identity" and rounded[f.name]
        ),
        missing_features=missing,
    )


def _random_missing(seed: int) -> frozenset[str]:
    """Part after part in random order, as far as they fit."""
    luck = HashedDraws.of(seed, "operator gaps", np.arange(len(PARTS)))
    most = LEAST_MISSING + (MOST_MISSING - LEAST_MISSING) * float(luck.uniform("missing")[0])
    missing: list[str] = []
    for position in np.argsort(luck.uniform("rank")):
        part = PARTS[position].split()
        if len(missing) + len(part) <= most:
            missing += part
    return frozenset(missing)
