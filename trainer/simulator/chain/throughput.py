"""User experience: delays along the path, round-trip times, and throughput per user."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit as sigmoid

from trainer.simulator.chain.demand import Block, Demand
from trainer.simulator.chain.mobility import Mobility
from trainer.simulator.chain.quality import Quality
from trainer.simulator.chain.radio import Radio
from trainer.simulator.chain.traffic import Flows, Packets
from trainer.simulator.chain.transport import Transport
from trainer.simulator.chain.uplink import Uplink
from trainer.simulator.randomness import Column

SEGMENT_BITS = 1400 * 8
PARALLEL_FLOWS = 5
"""TCP flows that a page or a stream keeps open at the same time."""


@dataclass(frozen=True)
class Delays:
    """Delays and round-trip times of n rows, in ms. # [n] each"""

    delay_air_dl_ms: Column
    delay_rlc_dl_ms: Column
    delay_ul_ms: Column
    rtt_access_ms: Column
    rtt_access_p95_ms: Column
    rtt_core_ms: Column


@dataclass(frozen=True)
class Throughput:
    """Throughput per user of n rows, in kbps. # [n] each"""

    ue_thp_dl_kbps: Column
    ue_thp_ul_kbps: Column


def compute_delays(
    block: Block,
    *,
    radio: Radio,
    uplink: Uplink,
    mobility: Mobility,
    quality: Quality,
    transport: Transport,
    flows: Flows,
    overload: Column,
) -> Delays:
    """Return radio delays with HARQ retransmissions, queueing delays that grow as ρ²/(1 − ρ), and round-trip times."""
    cells, knobs, draws, noise = block.cells, block.knobs, block.draws, block.noise
    load = np.clip(radio.load, 0, 0.985)
    air_ms = (4 - 1.8 * cells.nr) * (1 + 3 * np.clip(quality.initial_bler, 0, 1)) + 0.15 * draws.normal("air delay")
    rlc_ms = air_ms + 3.3 * load**2 / (1 - load) + 14 * overload + knobs["queue_ms"]
    rlc_ms = rlc_ms + 0.6 * np.abs(draws.normal("rlc delay"))
    grant_delay = (11 - 5 * cells.nr) * (1 + 2 * (0.1 + 0.4 * sigmoid((4 - uplink.sinr_db) / 2)))
    ul_queue = 4 * uplink.load**2 / (1 - np.minimum(uplink.load, 0.97))
    ul_ms = grant_delay + ul_queue + 0.4 * knobs["queue_ms"] + 0.6 * draws.normal("ul delay")
    sample = np.exp(0.25 / np.sqrt(1 + flows.flows_new / 10) * draws.normal("access rtt"))
    access = (rlc_ms + ul_ms + 2 * transport.gtp_delay_ms + 3) * sample
    interruptions = mobility.ho_exec_fail + mobility.rel_abn_radio
    p95_factor = 1.9 + 0.5 * radio.edge_share + 0.9 * interruptions / (interruptions + 8)
    core_drift = 0.06 * noise.fluctuation("core rtt", 60, "region") + 0.05 * noise.fluctuation("core rtt 10 min", 10)
    core_drift = core_drift + 0.18 / np.sqrt(1 + flows.flows_new / 20) * draws.normal("core rtt")
    return Delays(
        delay_air_dl_ms=air_ms,
        delay_rlc_dl_ms=rlc_ms,
        delay_ul_ms=ul_ms,
        rtt_access_ms=access,
        rtt_access_p95_ms=access * p95_factor * np.exp(0.15 * draws.normal("slow rtt")) + 6 * transport.gtp_jitter_ms,
        rtt_core_ms=cells.core_rtt_ms * np.exp(core_drift) * knobs["core_rtt_x"],
    )


def compute_throughput(
    block: Block,
    *,
    demand: Demand,
    radio: Radio,
    uplink: Uplink,
    transport: Transport,
    packets: Packets,
    delays: Delays,
) -> Throughput:
    """Return the user's radio throughput in series with the throughput that TCP and the backhaul allow.

    Loss or delay therefore lower throughput with good radio, congestion with high PRB utilisation, and interference
    with low CQI.
    """
    cells, draws = block.cells, block.draws
    # An eighth of the retransmissions halve a congestion window.
    loss_p = np.clip(0.12 * packets.tcp_retx_share + transport.loss_p, 1e-6, 0.5)
    round_trip = delays.rtt_access_ms + delays.rtt_core_ms
    tcp_kbps = PARALLEL_FLOWS * 1.22 * SEGMENT_BITS / (round_trip * np.sqrt(loss_p))  # kbps (Mathis et al., CCR 1997)
    backhaul_free_kbps = radio.backhaul_kb * (8 / 60) * np.clip(1.02 - radio.backhaul_use, 0.04, 1)
    wired_kbps = np.maximum(np.minimum(tcp_kbps, np.maximum(backhaul_free_kbps, 300)), 1)
    sample_size_factor = np.sqrt(1 + demand.expected_flows / 15)
    air_kbps = radio.prbs * cells.prb_khz * cells.dl_share * radio.bits_per_hz * 0.75
    dl_kbps = 0.45 / (1 / np.maximum(air_kbps * np.clip(1 - radio.carried_share, 0.02, 1), 1) + 1 / wired_kbps)
    ul_air_kbps = radio.prbs * cells.prb_khz * cells.ul_share * uplink.bits_per_hz * 0.8
    ul_kbps = 0.3 * ul_air_kbps * np.clip(1 - uplink.load, 0.03, 1) / (1 + 0.25 * ul_air_kbps / wired_kbps)
    return Throughput(
        ue_thp_dl_kbps=dl_kbps
        * np.exp(0.28 / sample_size_factor * draws.normal("throughput dl"))
        * block.knobs["throughput_x"],
        ue_thp_ul_kbps=ul_kbps * np.exp(0.3 / sample_size_factor * draws.normal("throughput ul")),
    )
