"""Nuisances of normal operation: small disturbances without a label, which make false alarms realistic.

Every network has them. At most one of a kind happens per entity and four hours. Rates and sizes are guesses, chosen so
that nuisances affect 2–4 % of cell-minutes and rarely look like a fault.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.simulator.faults.knobs import BY_NAME, Knobs
from trainer.simulator.network.cells import TRANSPORT
from trainer.simulator.noise import Noise

BLOCK_MINUTES = 240
"""Block with at most one event of a kind per entity."""


@dataclass(frozen=True)
class Push:
    """Shift of a knob at an event of strength s in 0…1: `base` + `slope` · s^`power`."""

    knob: str
    base: float
    slope: float
    power: int = 1


@dataclass(frozen=True)
class Nuisance:
    """Kind of small disturbance: where, how often, how long, and which knobs it shifts."""

    name: str
    entity_kind: str
    probability: float
    """Probability per entity and block."""
    duration_range: tuple[float, float]
    """Shortest and longest duration, in minutes."""
    pushes: tuple[Push, ...]
    probability_at_transport: float | None = None
    """Probability in cells along railways and roads, where it differs."""


NUISANCES = (
    Nuisance(
        "uplink interference bump",
        "cell",
        0.055,
        (2, 10),
        (Push("ul_noise_db", 1.5, 5), Push("ul_noise_peak_db", 0, 3)),
    ),
    Nuisance(
        "transport micro-congestion",
        "site",
        0.07,
        (2, 14),
        (
            Push("backhaul_jitter_ms", 0.3, 1.8),
            Push("backhaul_delay_ms", 0.5, 4),
            Push("backhaul_loss_p", 0, 8e-4, power=2),
        ),
    ),
    Nuisance(
        "core or peering wobble", "region", 0.05, (3, 20), (Push("core_rtt_x", 0.15, 0.7), Push("tcp_retx_p", 0, 0.004))
    ),
    Nuisance(
        "chatty broken phone",
        "cell",
        0.07,
        (4, 45),
        (Push("rrc_no_reply_p", 0.01, 0.10, power=2), Push("signalling", 0.04, 0.3)),
    ),
    Nuisance(
        "bus or train passing",
        "cell",
        0.12,
        (2, 6),
        (Push("ho_attempts_x", 0.4, 1.6), Push("ho_incoming_x", 0.3, 0.8), Push("ho_execution_failure_p", 0, 0.015)),
        probability_at_transport=0.3,
    ),
    Nuisance(
        "device with dead DNS names",
        "cell",
        0.05,
        (5, 70),
        (Push("dns_timeout_p", 0.01, 0.06, power=2), Push("dns_nx_x", 0, 1.5)),
    ),
    Nuisance(
        "port scanner",
        "cell",
        0.05,
        (3, 35),
        (Push("syn_no_answer_p", 0.01, 0.10, power=2), Push("tcp_reset_p", 0, 0.02)),
    ),
    Nuisance("heavy downloader", "cell", 0.12, (3, 25), (Push("volume_x", 0.4, 2.2), Push("download_logit", 0.4, 1.0))),
    Nuisance("users at the edge", "cell", 0.08, (5, 45), (Push("location_db", -1.5, -3.5),)),
    Nuisance("baseband housekeeping", "site", 0.06, (2, 12), (Push("cpu_points", 8, 25), Push("setup_ms", 0, 12))),
)


def apply_nuisances(knobs: Knobs, noise: Noise, cell_type: NDArray[np.integer]) -> None:
    """Shift the knobs, in place, of the rows inside a nuisance event. # cell_type [n]"""
    for nuisance in NUISANCES:
        probability = np.full(cell_type.shape, nuisance.probability, np.float32)
        if nuisance.probability_at_transport is not None:
            probability[cell_type == TRANSPORT] = nuisance.probability_at_transport
        rows, strength = noise.affected_rows(
            nuisance.name, nuisance.entity_kind, BLOCK_MINUTES, probability, nuisance.duration_range
        )
        for push in nuisance.pushes:
            shift = np.float32(push.base) + np.float32(push.slope) * strength**push.power
            if BY_NAME[push.knob].is_factor:
                knobs[push.knob][rows] *= 1 + shift
            else:
                knobs[push.knob][rows] += shift
