"""Transport link between core and cell: loss, delay and jitter, with queueing near its capacity."""

from dataclasses import dataclass

import numpy as np

from trainer.simulator.chain.demand import Block, Demand
from trainer.simulator.chain.radio import Radio
from trainer.simulator.randomness import Column


@dataclass(frozen=True)
class Transport:
    """Transport link of n rows: loss probability, milliseconds, SCTP retransmissions per minute. # [n] each"""

    loss_p: Column
    gtp_delay_ms: Column
    gtp_jitter_ms: Column
    sctp_retx: Column


def simulate_transport(block: Block, demand: Demand, radio: Radio) -> Transport:
    """Return loss, delay and jitter: the link's own, the knobs' addition, and a queue that grows with utilisation."""
    cells, knobs, draws, noise = block.cells, block.knobs, block.draws, block.noise
    overflow_p = 0.004 * np.maximum(radio.backhaul_use - 0.95, 0)
    loss_p = (
        cells.transport_loss_p * np.exp(0.5 * noise.fluctuation("transport loss", 45))
        + knobs["backhaul_loss_p"]
        + overflow_p
    )
    backhaul_use = np.minimum(radio.backhaul_use, 1.2)
    queue_ms = 0.6 * backhaul_use**2 / (1.25 - backhaul_use)  # ms
    delay_drift = np.exp(0.06 * noise.fluctuation("transport delay", 90) + 0.05 * draws.normal("transport delay"))
    jitter_factor = np.exp(0.25 * draws.normal("jitter") + 0.2 * noise.fluctuation("jitter", 40))
    all_attempts = demand.attempts * (1 + knobs["signalling"])
    retransmissions = 0.04 + 25 * loss_p * (1 + 0.05 * all_attempts) + knobs["sctp_errors"]
    return Transport(
        loss_p=loss_p,
        gtp_delay_ms=cells.transport_delay_ms * delay_drift + knobs["backhaul_delay_ms"] + queue_ms,
        gtp_jitter_ms=cells.transport_jitter_ms * jitter_factor * (1 + 2.5 * backhaul_use**2)
        + knobs["backhaul_jitter_ms"],
        sctp_retx=draws.poisson("sctp retransmissions", retransmissions * radio.on_air),
    )
