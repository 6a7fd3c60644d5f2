"""Services above IP: DNS queries and voice calls."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit as sigmoid

from trainer.simulator.chain.connection import Setup
from trainer.simulator.chain.demand import Block, Demand
from trainer.simulator.chain.mobility import Mobility
from trainer.simulator.chain.quality import Quality
from trainer.simulator.chain.radio import Radio
from trainer.simulator.chain.throughput import Delays
from trainer.simulator.chain.traffic import Flows
from trainer.simulator.chain.transport import Transport
from trainer.simulator.chain.uplink import Uplink
from trainer.simulator.randomness import Column


@dataclass(frozen=True)
class Dns:
    """DNS queries by result and the response time of n rows. # [n] each"""

    dns_q: Column
    dns_ok: Column
    dns_nx: Column
    dns_servfail: Column
    dns_timeout: Column
    dns_rt_ms: Column


@dataclass(frozen=True)
class Voice:
    """Voice calls and RTP loss of n rows. # [n] each"""

    voice_att: Column
    voice_succ: Column
    voice_drop: Column
    voice_loss_pct: Column


def simulate_dns(block: Block, transport: Transport, flows: Flows, delays: Delays) -> Dns:
    """Draw DNS queries and their results: time-out, SERVFAIL, NXDOMAIN or an address.

    Queries precede new flows and are repeated without an answer; the response time is in ms.
    """
    cells, knobs, draws = block.cells, block.knobs, block.draws
    timeout = np.clip(cells.dns_timeout_p + knobs["dns_timeout_p"] + 0.8 * transport.loss_p, 0, 0.95)
    servfail = np.clip(cells.dns_servfail_p + knobs["dns_servfail_p"], 0, 0.95)
    base_queries = 0.42 * flows.flows_new / np.maximum(knobs["flows_x"], 0.15) ** 0.7
    queries = draws.poisson("dns queries", base_queries * (1 + 1.6 * (timeout + 0.6 * servfail)))
    timeouts = draws.binomial("dns timeouts", queries, timeout)
    servfails = draws.binomial("dns servfails", queries - timeouts, servfail)
    answers = queries - timeouts - servfails
    nx_answers = draws.binomial("dns nx", answers, cells.dns_nx_p * knobs["dns_nx_x"], at_most=0.6)
    sample = np.exp(0.5 / np.sqrt(1 + queries / 8) * draws.normal("dns response time"))
    return Dns(
        dns_q=queries,
        dns_ok=answers - nx_answers,
        dns_nx=nx_answers,
        dns_servfail=servfails,
        dns_timeout=timeouts,
        dns_rt_ms=(cells.dns_ms + 0.5 * delays.rtt_access_ms) * knobs["dns_delay_x"] * sample,
    )


def simulate_voice(
    block: Block,
    *,
    demand: Demand,
    radio: Radio,
    uplink: Uplink,
    mobility: Mobility,
    setup: Setup,
    quality: Quality,
    transport: Transport,
    flows: Flows,
) -> Voice:
    """Draw voice calls, connected calls, dropped calls and RTP loss in percent.

    Calls follow a daily pattern with peaks in the late morning and the early evening.
    """
    cells, knobs, draws = block.cells, block.knobs, block.draws
    hour = block.hour
    daily_pattern = (
        0.25 + 0.9 * np.exp(-0.5 * ((hour - 11.5) / 2.6) ** 2) + 1.1 * np.exp(-0.5 * ((hour - 18) / 2.4) ** 2)
    )
    call_rate = (
        demand.attempts * cells.voice_per_access * np.minimum(daily_pattern, 2) * np.minimum(flows.connected_ratio, 1)
    )
    calls = draws.poisson("calls", call_rate * (1 + 0.8 * knobs["voice_failure_p"]) * radio.uptime)
    failure_p = cells.voice_failure_p + knobs["voice_failure_p"] + 0.5 * setup.congestion_p
    connected_calls = draws.binomial("calls connected", calls, 1 - failure_p - 0.3 * knobs["context_failure_p"])
    drop_p = 0.6 * cells.voice_drop_p + 0.35 * mobility.link_failure_p + knobs["voice_drop_p"]
    loss_pct = cells.voice_loss_pct * (1 + 100 * transport.loss_p) + 60 * quality.residual_loss_p
    loss_pct = loss_pct + 4 * sigmoid((2 - uplink.sinr_db) / 1.6) + knobs["voice_loss_points"]
    return Voice(
        voice_att=calls,
        voice_succ=connected_calls,
        voice_drop=draws.binomial("calls dropped", connected_calls, drop_p, at_most=0.95),
        voice_loss_pct=np.minimum(loss_pct * np.exp(0.4 / np.sqrt(1 + calls / 3) * draws.normal("voice loss")), 100),
    )
