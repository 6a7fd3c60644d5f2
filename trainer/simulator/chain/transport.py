"""The link between core and cell: loss, delay and jitter, with queueing when it is nearly full."""

from dataclasses import dataclass

import numpy as np

from trainer.simulator.chain.demand import Block, Demand
from trainer.simulator.chain.radio import Radio
from trainer.simulator.randomness import Column


@dataclass(frozen=True)
class Transport:
    loss: Column
    gtp_delay_ms: Column
    gtp_jitter_ms: Column
    sctp_retx: Column


def forward(block: Block, demand: Demand, radio: Radio) -> Transport:
    """Built-in delay and loss, what a fault adds, and a queue that grows as use approaches capacity."""
    cells, knobs, draws, noise = block.cells, block.knobs, block.draws, block.noise
    overflow = 0.004 * np.maximum(radio.backhaul_use - 0.95, 0)
    loss = cells.transport_loss_p * np.exp(0.5 * noise.slow("transport loss", 45)) + knobs["backhaul_loss_p"] + overflow
    use = np.minimum(radio.backhaul_use, 1.2)
    queue = 0.6 * use**2 / (1.25 - use)  # ms
    wander = np.exp(0.06 * noise.slow("transport delay", 90) + 0.05 * draws.normal("transport delay"))
    shake = np.exp(0.25 * draws.normal("jitter") + 0.2 * noise.slow("jitter", 40))
    everyone = demand.attempts * (1 + knobs["signalling"])
    retransmissions = 0.04 + 25 * loss * (1 + 0.05 * everyone) + knobs["sctp_errors"]
    return Transport(
        loss=loss,
        gtp_delay_ms=cells.transport_delay_ms * wander + knobs["backhaul_delay_ms"] + queue,
        gtp_jitter_ms=cells.transport_jitter_ms * shake * (1 + 2.5 * use**2) + knobs["backhaul_jitter_ms"],
        sctp_retx=draws.poisson("sctp retransmissions", retransmissions * radio.on),
    )
