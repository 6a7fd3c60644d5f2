"""What differs from one network to the next: who lives there, what was built, and how well it runs.

What does *not* differ — radio, TCP, the procedures of 3GPP — is in the other modules.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Operator:
    """The world parameters of a network. Values without a source are guesses, checked only by their consequences."""

    name: str
    type_shares: tuple[float, ...] = (0.27, 0.41, 0.10, 0.19, 0.03)
    """business, residential, transport, rural, stadium"""
    carrier_shares: tuple[float, ...] = (0.12, 0.38, 0.18, 0.32)
    """LTE 10 MHz, LTE 20 MHz, NR 20 MHz FDD, NR 100 MHz TDD"""
    busy_attempts: float = 24.0
    """Median access attempts per minute in the busy hour (Zanella et al., IMC 2023: deciles 1.2 … 71)."""
    attempts_sigma: float = 1.16
    """Log-spread over cells, which gives the published Gini of about 0.53."""
    profile_exponent: float = 1.0
    profile_shift_hours: int = 0
    hold_seconds: float = 80.0
    """Of one RRC connection, inactivity timer included."""
    connection_kb: float = 1800.0
    """Downlink volume of one connection; sessions average 7.5 MB (Zanella et al.) over several connections."""
    voice_per_access: float = 0.045
    sinr_db: float = 12.5
    ul_noise_dbm: float = -115.5
    """Per PRB."""
    core_rtt_ms: float = 22.0
    dns_nx_share: float = 0.07
    pingpong_share: float = 0.035
    handover_scale: float = 1.0
    failure_scale: float = 1.0
    failure_spread: float = 1.0
    cause_mix: tuple[float, float, float, float] = (0.50, 0.24, 0.22, 0.04)
    """RRC establishment causes: mo-data, mo-signalling, mt-access, other."""


OPERATOR_A = Operator("A")

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
)
