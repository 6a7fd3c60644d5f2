"""Random operators: an encoder trained on many of them generalises to the next one.

The ranges contain operators A and B with a margin. Without published figures they are guesses.
"""

import numpy as np

from trainer.simulator.catalogue import catalogue
from trainer.simulator.measurement import Measurement
from trainer.simulator.network.operators import OPERATOR_A, UNITS, Operator
from trainer.simulator.randomness import HashedDraws

GAIN_SIGMA = 0.3
"""Log-spread of a feature's gain: at two spreads a factor of 1.8 in either direction."""
OFFSET_SIGMA = 6.0
"""Spread of a level's reference point, in dB or degrees: another antenna port, another bandwidth."""
SMOOTHED_SHARE, INTEGER_SHARE, ZERO_FOR_NULL_SHARE, MERGED_SHARE, CONVERTED_SHARE = 0.2, 0.4, 0.3, 0.3, 0.5
"""Shares of the eligible features or units that each treatment changes."""
LEAST_SMOOTHING = 0.2
"""Smallest weight of the newest minute in a moving mean; the largest is 1."""
LEAST_MISSING, MOST_MISSING = 22, 45
"""Missing features of 130: 15 to 35 %, even where the last parts do not fit exactly."""

LEVEL_UNITS = ("dB", "dBm", "degC")
"""Units of scales without a natural zero: they get an offset, never a gain."""
BOUNDED_UNITS = ("%", "idx", "layers")
"""Units of scales with an upper end: their gain is at most 1."""
EXACT_FEATURES = ("avail_s", "prb_avail_dl")
"""Features that every operator measures in the same way."""
INTEGER_UNITS = ("%", "dB", "dBm", "degC", "idx", "W", "B")
"""Units for which an integer is precise enough for an export."""
MEAN_UNITS = ("kbps", "ms", "s", "B")
"""Units of sums over samples divided by their number, which may be 0."""

MERGERS = (
    ("rrc_fail_noreply", "rrc_fail_other"),
    ("rel_abn_tnl", "rel_abn_core"),
    ("ho_wrong_cell", "ho_too_early"),
    ("dns_servfail", "dns_nx"),
)
"""Causes that some vendors do not separate: (feature, feature that counts it instead)."""

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
"""Features that an exporter has or lacks as a whole: a licence, a probe, a family of counters. Each group has features
outside all parts, so every operator delivers some of each group."""


def random_operator(seed: int) -> Operator:
    """Return operator number `seed`, with its own network parameters and its own measurement."""
    operator_draws = HashedDraws.of(seed, "operator world", np.zeros(1, np.int64))
    mo_data, mo_signalling, mt_access, other = _varied(operator_draws, "causes", OPERATOR_A.cause_mix, 0.25)
    return Operator(
        f"R{seed}",
        type_shares=_varied(operator_draws, "types", OPERATOR_A.type_shares, 0.4),
        carrier_shares=_varied(operator_draws, "carriers", OPERATOR_A.carrier_shares, 0.8),
        busy_attempts=_factor(operator_draws, "attempts", 12, 60),
        attempts_sigma=_factor(operator_draws, "attempts sigma", 0.9, 1.4),
        profile_exponent=_factor(operator_draws, "profile exponent", 0.7, 1.2),
        profile_shift_hours=int(np.floor(_level(operator_draws, "profile shift", -2, 4))),
        hold_seconds=_factor(operator_draws, "hold", 20, 120),
        connection_kb=_factor(operator_draws, "volume", 300, 3000),
        voice_per_access=_factor(operator_draws, "voice", 0.03, 0.12),
        sinr_db=_level(operator_draws, "sinr", 9.5, 14),
        ul_noise_dbm=_level(operator_draws, "ul noise", -117, -111),
        core_rtt_ms=_factor(operator_draws, "core rtt", 15, 60),
        dns_nx_share=_factor(operator_draws, "dns nx", 0.05, 0.18),
        pingpong_share=_factor(operator_draws, "ping-pong", 0.02, 0.10),
        handover_scale=_factor(operator_draws, "handovers", 0.6, 2),
        failure_scale=_factor(operator_draws, "failures", 0.5, 3),
        failure_spread=_factor(operator_draws, "failure spread", 0.8, 1.6),
        cause_mix=(mo_data, mo_signalling, mt_access, other),
        measurement=_random_measurement(seed),
    )


def _level(operator_draws: HashedDraws, name: str, low: float, high: float) -> float:
    return low + (high - low) * float(operator_draws.uniform(name)[0])


def _factor(operator_draws: HashedDraws, name: str, low: float, high: float) -> float:
    return float(low * (high / low) ** float(operator_draws.uniform(name)[0]))


def _varied(operator_draws: HashedDraws, name: str, shares: tuple[float, ...], sigma: float) -> tuple[float, ...]:
    varied = [
        share * np.exp(sigma * float(operator_draws.normal(f"{name} {position}")[0]))
        for position, share in enumerate(shares)
    ]
    return tuple(float(share / sum(varied)) for share in varied)


def _random_measurement(seed: int) -> Measurement:
    features, missing = catalogue().features, _random_missing(seed)
    operator_draws = HashedDraws.of(seed, "operator measurement", np.arange(len(features)))
    gain, offset = np.exp(GAIN_SIGMA * operator_draws.normal("gain")), OFFSET_SIGMA * operator_draws.normal("offset")
    newest_weight = LEAST_SMOOTHING + (1 - LEAST_SMOOTHING) * operator_draws.uniform("newest minute")
    is_smoothed, is_integer, is_zero_for_null, is_merged = (
        dict(zip(catalogue().names, operator_draws.uniform(name) < share, strict=True))
        for name, share in (
            ("smoothed", SMOOTHED_SHARE),
            ("rounded", INTEGER_SHARE),
            ("zeroed", ZERO_FOR_NULL_SHARE),
            ("moved", MERGED_SHARE),
        )
    )
    is_converted = HashedDraws.of(seed, "operator units", np.arange(len(UNITS))).uniform("converted") < CONVERTED_SHARE
    delivered = [(position, f) for position, f in enumerate(features) if f.name not in missing]
    gauges = [(position, f) for position, f in delivered if f.kind != "counter"]
    return Measurement(
        merge_targets={
            source_name: target_name
            for source_name, target_name in MERGERS
            if is_merged[source_name] and not {source_name, target_name} & missing
        },
        zero_for_null=frozenset(f.name for _, f in gauges if f.unit in MEAN_UNITS and is_zero_for_null[f.name]),
        smoothing_weights={
            f.name: float(newest_weight[position])
            for position, f in gauges
            if f.name not in EXACT_FEATURES and is_smoothed[f.name]
        },
        gains={
            f.name: float(min(gain[position], 1 / gain[position]) if f.unit in BOUNDED_UNITS else gain[position])
            for position, f in delivered
            if f.unit not in LEVEL_UNITS and f.name not in EXACT_FEATURES
        },
        offsets={f.name: float(offset[position]) for position, f in delivered if f.unit in LEVEL_UNITS},
        units={unit: UNITS[unit] for unit, converted in zip(UNITS, is_converted, strict=True) if converted},
        integer_gauges=frozenset(
            f.name for _, f in gauges if f.unit in INTEGER_UNITS and f.transform == "identity" and is_integer[f.name]
        ),
        missing_features=missing,
    )


def _random_missing(seed: int) -> frozenset[str]:
    """Return missing features: parts in random order, as long as they fit under a random limit."""
    operator_draws = HashedDraws.of(seed, "operator gaps", np.arange(len(PARTS)))
    most_features = LEAST_MISSING + (MOST_MISSING - LEAST_MISSING) * float(operator_draws.uniform("missing")[0])
    missing: list[str] = []
    for position in np.argsort(operator_draws.uniform("rank")):
        part = PARTS[position].split()
        if len(missing) + len(part) <= most_features:
            missing += part
    return frozenset(missing)
