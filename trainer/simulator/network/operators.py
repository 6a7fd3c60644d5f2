"""Operators: the parameters that differ between networks, in users, equipment, base failure rates and measurement.

Common properties of all networks (radio, TCP, 3GPP procedures) are in the modules of `chain`.
"""

from dataclasses import dataclass

from trainer.simulator.measurement import NEUTRAL, Measurement, Unit


@dataclass(frozen=True)
class Operator:
    """Parameters of a network and the measurement of its exporters.

    Values without a source are guesses, checked only by their consequences.
    """

    name: str
    type_shares: tuple[float, ...] = (0.27, 0.41, 0.10, 0.19, 0.03)
    """Shares of cell types: business, residential, transport, rural, stadium."""
    carrier_shares: tuple[float, ...] = (0.12, 0.38, 0.18, 0.32)
    """Shares of carriers: LTE 10 MHz, LTE 20 MHz, NR 20 MHz FDD, NR 100 MHz TDD."""
    busy_attempts: float = 24.0
    """Median access attempts per minute in the busy hour (Zanella et al., IMC 2023: deciles 1.2 … 71)."""
    attempts_sigma: float = 1.16
    """Log-spread of attempts over cells; it gives the published Gini coefficient of about 0.53."""
    profile_exponent: float = 1.0
    profile_shift_hours: int = 0
    hold_seconds: float = 80.0
    """Duration of one RRC connection, inactivity timer included."""
    connection_kb: float = 1800.0
    """Downlink volume of one connection; sessions average 7.5 MB (Zanella et al.) over several connections."""
    voice_per_access: float = 0.045
    sinr_db: float = 12.5
    ul_noise_dbm: float = -115.5
    """Noise and interference at the antenna, per PRB."""
    core_rtt_ms: float = 22.0
    dns_nx_share: float = 0.07
    pingpong_share: float = 0.035
    handover_scale: float = 1.0
    failure_scale: float = 1.0
    failure_spread: float = 1.0
    cause_mix: tuple[float, float, float, float] = (0.50, 0.24, 0.22, 0.04)
    """Shares of RRC establishment causes: mo-data, mo-signalling, mt-access, other."""
    measurement: Measurement = NEUTRAL


OPERATOR_A = Operator("A")

UNITS = {"kbps": Unit("Mbps", 0.001), "kB": Unit("MB", 0.001), "ms": Unit("0.1 ms", 10)}
"""Other units by the catalogue's unit. TS 28.552 has tenths of a millisecond for several delays."""

OPERATOR_B = Operator(
    "B",
    type_shares=(0.18, 0.47, 0.07, 0.26, 0.02),
    carrier_shares=(0.35, 0.50, 0.10, 0.05),
    busy_attempts=40.0,
    attempts_sigma=1.3,
    profile_exponent=0.8,
    profile_shift_hours=1,
    hold_seconds=35.0,  # an aggressive inactivity timer
    connection_kb=900.0,
    voice_per_access=0.09,
    sinr_db=10.5,
    ul_noise_dbm=-112.5,
    core_rtt_ms=48.0,
    dns_nx_share=0.14,
    pingpong_share=0.08,
    handover_scale=1.7,
    failure_scale=2.2,
    failure_spread=1.5,
    cause_mix=(0.40, 0.33, 0.19, 0.08),
    measurement=Measurement(
        merge_targets={"rrc_fail_noreply": "rrc_fail_other"},
        zero_for_null=frozenset(
            ("ue_thp_dl_kbps", "ue_thp_ul_kbps", "delay_rlc_dl_ms", "pkt_size_dl_b", "dns_rt_ms", "voice_loss_pct")
        ),
        smoothing_weights=dict.fromkeys(
            ("cpu_load_pct", "gtp_delay_ms", "gtp_jitter_ms", "rtt_core_ms", "rtt_access_ms", "power_w"), 0.35
        ),
        gains={
            "cqi_mean": 0.85,  # the CQI table for 256-QAM
            "tcp_retx_dl": 1.6,  # includes spurious retransmissions
            "dns_timeout": 1 / 3,  # counts a failure after three attempts
            "active_ue_dl_mean": 0.2,  # counts users scheduled in a TTI, not users with waiting data
            "active_ue_ul_mean": 0.2,
        },
        floored_counters=frozenset(["dns_timeout"]),
        offsets={"cqi_mean": -0.3, "ul_ni_dbm": 17},  # dBm over the whole band: 50 PRBs are 17 dB
        units=UNITS,
        integer_gauges=frozenset(
            (
                *("prb_util_dl_pct", "prb_util_ul_pct", "cpu_load_pct", "mcs_mean_dl", "mcs_mean_ul"),
                *("rsrp_mean_dbm", "sinr_mean_db", "ul_ni_dbm", "rssi_br0_dbm", "ul_sinr_db"),
            )
        ),
        missing_features=frozenset(
            (
                *("rrc_inactive_mean", "prb_util_dl_peak_pct", "pdcch_block_cnt", "rank_mean_dl"),
                *("sched_ue_tti_dl", "tb_resid_err_dl", "ul_ni_max_dbm", "rssi_br1_dbm", "tb_resid_err_ul"),
                *("phr_neg_pct", "ra_rar_sent", "drb_fail_radio", "cp_setup_ms", "rel_abn_ho"),
                *("ho_wrong_cell", "ho_pingpong", "sctp_retx", "sync_offset_ns", "tcp_retx_ul"),
                *("rtt_access_p95_ms", "vol_msg_kb", "vol_rtc_kb", "vol_other_kb", "flow_dur_s", "temp_c"),
            )
        ),
    ),
)
"""Second operator: older carriers, more users, other exporters.

The six gauges that it exports as 0 in place of null are means over samples: an exporter that divides by
max(samples, 1) gives 0. Levels in dBm or °C are not among them, since there a zero is a value and not a gap.
"""
