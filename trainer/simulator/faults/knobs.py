"""Latent knobs of the chain: the only inputs that a fault, a look-alike or a nuisance can change.

Names carry the unit: `_x` is a factor (neutral 1). All others are added (neutral 0): `_p` a probability, `_db`, `_ms`,
`_ns`, `_c` the unit, `_points` percentage points, `_logit` a shift of log-odds.
Two episodes in one cell compose: factors multiply, all others add up.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from trainer.simulator.randomness import Column

Knobs = dict[str, Column]
"""Knobs of n rows, by name. # -> [n] each"""


@dataclass(frozen=True)
class KnobBounds:
    """Range of a knob's shift at full intensity in a procedural fault class.

    The ranges are guesses of the effect of real faults: from "an expert would notice it in the busy hour" to "customers
    call".
    """

    low: float
    high: float
    log: bool = False
    sign: Literal["+", "-", "±"] = "+"


@dataclass(frozen=True)
class Knob:
    """Latent quantity of a cell-minute that a fault can change."""

    name: str
    meaning: str
    bounds: KnobBounds | None = None
    """Range for procedural classes; None: they do not use the knob."""

    @property
    def is_factor(self) -> bool:
        """True for a multiplied knob, false for an added one."""
        return self.name.endswith("_x")

    @property
    def neutral(self) -> float:
        """Value without any effect."""
        return UNLIMITED_HEADROOM if self.name == "backhaul_headroom_x" else float(self.is_factor)


UNLIMITED_HEADROOM = 1e6
"""Neutral ratio of backhaul capacity to the usual traffic of the hour: so large that the built link is the limit."""

KNOBS = (
    # users and traffic
    Knob("demand_x", "users arriving", KnobBounds(0.5, 2, log=True)),
    Knob("volume_x", "downlink volume per connection", KnobBounds(0.5, 2.5, log=True)),
    Knob("uplink_x", "uplink volume per downlink volume"),
    Knob("mobility_x", "users moving between cells", KnobBounds(0.5, 2, log=True)),
    Knob("connected_x", "users that are connected"),
    Knob("flows_x", "new IP flows", KnobBounds(0.5, 0.95)),
    Knob("signalling", "signalling-only accesses, as a multiple of all others", KnobBounds(0.3, 5, log=True)),
    Knob("video_logit", "preference for video"),
    Knob("download_logit", "preference for downloads"),
    Knob("rtc_logit", "preference for real-time communication"),
    # carrier
    Knob("availability_x", "share of the minute in service"),
    Knob("prb_x", "resource blocks in use", KnobBounds(0.4, 0.9)),
    Knob("rank_x", "spatial layers beyond the first", KnobBounds(0.1, 0.7)),
    Knob("throughput_x", "scheduler's efficiency for a user", KnobBounds(0.4, 0.9)),
    # downlink radio
    Knob("tx_power_db", "radiated power", KnobBounds(2, 9, sign="-")),
    Knob("tx_meter_db", "power seen by the cell's own meter"),
    Knob("dl_interference_db", "interference received by the users", KnobBounds(2, 8)),
    Knob("path_loss_db", "distance and obstruction of the users", KnobBounds(1.5, 6, sign="±")),
    Knob("location_db", "effect of the connected users' location"),
    Knob("far_logit", "users far out, by timing advance", KnobBounds(0.8, 2.8, sign="±")),
    Knob("near_logit", "users close by, by timing advance", KnobBounds(0.4, 1.2, sign="±")),
    # uplink radio
    Knob("ul_noise_db", "noise and interference at the antenna", KnobBounds(2, 11)),
    Knob("ul_noise_peak_db", "worst resource block above the mean", KnobBounds(2, 9)),
    Knob("branch0_db", "gain of receive branch 0", KnobBounds(3, 11, sign="±")),
    Knob("branch1_db", "gain of receive branch 1", KnobBounds(3, 11, sign="±")),
    # random access and connection set-up
    Knob("preamble_x", "preambles detected", KnobBounds(0.05, 0.9)),
    Knob("ghost_preambles", "falsely detected preambles per minute", KnobBounds(3, 30, log=True)),
    Knob("rrc_no_reply_p", "set-ups without answer", KnobBounds(0.01, 0.3, log=True)),
    Knob("rrc_congestion_p", "set-ups rejected", KnobBounds(0.02, 0.4, log=True)),
    Knob("rrc_other_p", "set-ups failing otherwise", KnobBounds(0.005, 0.2, log=True)),
    Knob("context_failure_p", "UE contexts refused by the core", KnobBounds(0.02, 0.7, log=True)),
    Knob("registration_reject_p", "registrations rejected", KnobBounds(0.05, 0.6, log=True)),
    Knob("pdu_failure_p", "PDU sessions refused", KnobBounds(0.05, 0.6, log=True)),
    Knob("setup_ms", "control-plane set-up time", KnobBounds(10, 160, log=True)),
    # connected mode and mobility
    Knob("link_failure_x", "radio link failures", KnobBounds(2, 10, log=True)),
    Knob("ho_preparation_failure_p", "hand-overs refused by the target", KnobBounds(0.03, 0.35, log=True)),
    Knob("ho_execution_failure_p", "hand-overs lost on the way", KnobBounds(0.03, 0.35, log=True)),
    Knob("ho_incoming_failure_p", "incoming hand-overs that never arrive", KnobBounds(0.05, 0.4, log=True)),
    Knob("ho_early_p", "failures that were too early", KnobBounds(0.2, 0.5)),
    Knob("ho_late_p", "link failures that were hand-overs too late", KnobBounds(0.2, 0.5)),
    Knob("ho_wrong_cell_p", "failures towards the wrong cell", KnobBounds(0.2, 0.6)),
    Knob("pingpong_x", "hand-overs straight back", KnobBounds(2, 8, log=True)),
    Knob("ho_attempts_x", "hand-overs triggered", KnobBounds(0.4, 2.2, log=True)),
    Knob("ho_incoming_x", "hand-overs from the neighbours"),
    Knob("irat_x", "users sent to another radio technology", KnobBounds(2, 6, log=True)),
    # transport
    Knob("backhaul_loss_p", "packets lost between core and cell", KnobBounds(0.0005, 0.025, log=True)),
    Knob("backhaul_delay_ms", "delay between core and cell", KnobBounds(1, 20, log=True)),
    Knob("backhaul_jitter_ms", "jitter between core and cell", KnobBounds(0.4, 4, log=True)),
    Knob("backhaul_headroom_x", "capacity over the usual traffic of the hour"),
    Knob("sctp_errors", "SCTP retransmissions per minute", KnobBounds(0.5, 5, log=True)),
    Knob("transport_release_p", "connections released by transport", KnobBounds(0.003, 0.05, log=True)),
    Knob("clock_ns", "time error against the reference", KnobBounds(150, 1800, log=True)),
    # internet and services
    Knob("syn_no_answer_p", "TCP openings without answer", KnobBounds(0.04, 0.4, log=True)),
    Knob("tcp_reset_p", "TCP openings reset", KnobBounds(0.01, 0.06, log=True)),
    Knob("core_rtt_x", "round trip from probe to server", KnobBounds(1.15, 3, log=True)),
    Knob("tcp_retx_p", "TCP segments sent again", KnobBounds(0.004, 0.04, log=True)),
    Knob("dns_timeout_p", "DNS queries without answer", KnobBounds(0.04, 0.5, log=True)),
    Knob("dns_servfail_p", "DNS queries answered SERVFAIL", KnobBounds(0.04, 0.5, log=True)),
    Knob("dns_nx_x", "DNS queries for names that do not exist"),
    Knob("dns_delay_x", "DNS response time", KnobBounds(1.3, 4, log=True)),
    Knob("voice_failure_p", "voice set-ups failing", KnobBounds(0.1, 0.9, log=True)),
    Knob("voice_drop_p", "voice calls dropped", KnobBounds(0.03, 0.3, log=True)),
    Knob("voice_loss_points", "RTP loss", KnobBounds(1, 8, log=True)),
    # baseband
    Knob("cpu_points", "baseband load", KnobBounds(10, 60, log=True)),
    Knob("temperature_c", "cabinet temperature", KnobBounds(3, 12)),
    Knob("power_x", "power drawn", KnobBounds(0.6, 1.3)),
    Knob("queue_ms", "delay inside the baseband", KnobBounds(3, 18, log=True)),
    Knob("pdcp_drop_p", "packets dropped inside the baseband", KnobBounds(0.0002, 0.003, log=True)),
)

BY_NAME = {knob.name: knob for knob in KNOBS}


def neutral_knobs(n: int) -> Knobs:
    """Return all knobs of n rows at their neutral values. # -> [n] each"""
    return {knob.name: np.full(n, knob.neutral, np.float32) for knob in KNOBS}
