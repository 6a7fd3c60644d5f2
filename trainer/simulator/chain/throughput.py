"""What a user feels: delays along the way, round trips, and throughput."""

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
"""TCP flows a page or a stream keeps open at a time."""


@dataclass(frozen=True)
class Delays:
    delay_air_dl_ms: Column
    delay_rlc_dl_ms: Column
    delay_ul_ms: Column
    rtt_access_ms: Column
    rtt_access_p95_ms: Column
    rtt_core_ms: Column


@dataclass(frozen=True)
class Throughput:
    ue_thp_dl_kbps: Column
    ue_thp_ul_kbps: Column


def wait(
    block: Block,
    radio: Radio,
    uplink: Uplink,
    mobility: Mobility,
    quality: Quality,
    transport: Transport,
    flows: Flows,
    overload: Column,
) -> Delays:
    """Radio delay with retransmissions, queues that grow as ρ²/(1 − ρ), and the round trips they add up to."""
    cells, knobs, draws, noise = block.cells, block.knobs, block.draws, block.noise
    full = np.clip(radio.load, 0, 0.985)
    air = (4 - 1.8 * cells.nr) * (1 + 3 * np.clip(quality.block_errors, 0, 1)) + 0.15 * draws.normal("air delay")
    rlc = air + 3.3 * full**2 / (1 - full) + 14 * overload + knobs["queue_ms"]
    rlc = rlc + 0.6 * np.abs(draws.normal("rlc delay"))
    grant = (11 - 5 * cells.nr) * (1 + 2 * (0.1 + 0.4 * sigmoid((4 - uplink.sinr_db) / 2)))
    ul_queue = 4 * uplink.load**2 / (1 - np.minimum(uplink.load, 0.97))
    ul = grant + ul_queue + 0.4 * knobs["queue_ms"] + 0.6 * draws.normal("ul delay")
    sample = np.exp(0.25 / np.sqrt(1 + flows.flows_new / 10) * draws.normal("access rtt"))
    access = (rlc + ul + 2 * transport.gtp_delay_ms + 3) * sample
    disturbed = mobility.ho_exec_fail + mobility.rel_abn_radio
    stretch = 1.9 + 0.5 * radio.edge + 0.9 * disturbed / (disturbed + 8)
    wobble = 0.06 * noise.slow("core rtt", 60, "region") + 0.05 * noise.slow("core rtt 10 min", 10)
    wobble = wobble + 0.18 / np.sqrt(1 + flows.flows_new / 20) * draws.normal("core rtt")
    return Delays(
        delay_air_dl_ms=air,
        delay_rlc_dl_ms=rlc,
        delay_ul_ms=ul,
        rtt_access_ms=access,
        rtt_access_p95_ms=access * stretch * np.exp(0.15 * draws.normal("slow rtt")) + 6 * transport.gtp_jitter_ms,
        rtt_core_ms=cells.core_rtt_ms * np.exp(wobble) * knobs["core_rtt_x"],
    )


def share(
    block: Block, demand: Demand, radio: Radio, uplink: Uplink, transport: Transport, packets: Packets, delays: Delays
) -> Throughput:
    """The user's share of the radio in series with what TCP and the backhaul allow.

    So loss or delay lowers throughput at good radio, congestion at high PRB use, and interference at low CQI.
    """
    cells, draws = block.cells, block.draws
    loss = np.clip(0.12 * packets.tcp_loss + transport.loss, 1e-6, 0.5)  # an eighth of retransmissions halve a window
    round_trip = delays.rtt_access_ms + delays.rtt_core_ms
    tcp = PARALLEL_FLOWS * 1.22 * SEGMENT_BITS / (round_trip * np.sqrt(loss))  # kbps (Mathis et al., CCR 1997)
    free = radio.backhaul_kb * (8 / 60) * np.clip(1.02 - radio.backhaul_use, 0.04, 1)
    wired = np.maximum(np.minimum(tcp, np.maximum(free, 300)), 1)
    steadiness = np.sqrt(1 + demand.flows / 15)
    air = radio.prbs * cells.prb_khz * cells.dl_share * radio.bits_per_hz * 0.75
    dl = 0.45 / (1 / np.maximum(air * np.clip(1 - radio.carried, 0.02, 1), 1) + 1 / wired)
    ul_air = radio.prbs * cells.prb_khz * cells.ul_share * uplink.bits_per_hz * 0.8
    ul = 0.3 * ul_air * np.clip(1 - uplink.load, 0.03, 1) / (1 + 0.25 * ul_air / wired)
    return Throughput(
        ue_thp_dl_kbps=dl * np.exp(0.28 / steadiness * draws.normal("throughput dl")) * block.knobs["throughput_x"],
        ue_thp_ul_kbps=ul * np.exp(0.3 / steadiness * draws.normal("throughput ul")),
    )
