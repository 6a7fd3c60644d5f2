"""Procedural fault classes: an unlimited supply of them trains an encoder to separate any two classes."""

from dataclasses import replace

import numpy as np

from trainer.simulator.faults.classes import FAULTS
from trainer.simulator.faults.fault_class import CONSTANTS, FaultClass, Move, Range, When
from trainer.simulator.faults.knobs import KNOBS, Knob, KnobBounds
from trainer.simulator.randomness import HashedDraws

HELD_OUT = [set(fault.knobs) for fault in FAULTS.values() if fault.held_out]
"""Sets of knobs of the held-out classes."""

SIBLINGS = (
    ("branch0_db", "branch1_db"),
    ("ul_noise_db", "ul_noise_peak_db"),
    ("far_logit", "near_logit"),
    ("tx_power_db", "path_loss_db", "rank_x"),
    ("prb_x", "throughput_x"),
    ("rrc_no_reply_p", "rrc_congestion_p", "rrc_other_p"),
    ("context_failure_p", "registration_reject_p", "pdu_failure_p"),
    ("ho_preparation_failure_p", "ho_execution_failure_p", "ho_incoming_failure_p"),
    ("ho_early_p", "ho_late_p", "ho_wrong_cell_p"),
    ("pingpong_x", "ho_attempts_x"),
    ("backhaul_loss_p", "backhaul_delay_ms", "backhaul_jitter_ms"),
    ("sctp_errors", "transport_release_p"),
    ("syn_no_answer_p", "tcp_reset_p", "tcp_retx_p"),
    ("dns_timeout_p", "dns_servfail_p", "dns_delay_x"),
    ("voice_failure_p", "voice_drop_p", "voice_loss_points"),
    ("cpu_points", "queue_ms", "pdcp_drop_p"),
    ("temperature_c", "power_x"),
    ("demand_x", "volume_x"),
)
"""Alternative knobs of the same cause: one branch or the other, no answer or an error, too early or too late."""

VARIANT = 7
"""Index of the episode's constant that chooses the sibling."""

FURTHER_KNOB_P = 0.38
"""Parameter of the geometric number of knobs beyond the first, clipped to 1…4."""

SIGNATURES = (
    *("dns_timeout_p", "dns_servfail_p", "dns_delay_x", "ho_wrong_cell_p", "ho_preparation_failure_p"),
    *("backhaul_loss_p", "sctp_errors", "clock_ns"),
)
"""Knobs that characterise the held-out classes: strict procedural classes never use them."""


def random_fault(k: int, strict: bool = False) -> FaultClass:
    """Return the procedural class number k: two to five knobs with own magnitudes, ±25 % between episodes.

    Its set of knobs is never that of a held-out class. With `strict` it contains no knob of SIGNATURES either.
    """
    class_draws = HashedDraws.of(0, "procedural classes", np.array([k]))
    # Geometric number by inversion.
    further_knobs = np.ceil(np.log1p(-class_draws.uniform("knobs")[0]) / np.log1p(-FURTHER_KNOB_P))
    candidates = [
        (knob, knob.bounds) for knob in KNOBS if knob.bounds is not None and not (strict and knob.name in SIGNATURES)
    ]
    ranking = np.argsort([class_draws.uniform(f"rank of {knob.name}")[0] for knob, _ in candidates])
    count = 1 + int(np.clip(further_knobs, 1, 4))
    chosen_knobs = [candidates[position] for position in ranking[:count]]
    if {knob.name for knob, _ in chosen_knobs} in HELD_OUT:
        chosen_knobs = [candidates[position] for position in ranking[1 : count + 1]]
    moves = tuple(_move(class_draws, knob, bounds, index) for index, (knob, bounds) in enumerate(chosen_knobs))
    return FaultClass(f"procedural-{k}", "fault", ("step", "ramp", "intermittent"), 120, 720, moves=moves)


def random_family(k: int, strict: bool = False) -> FaultClass:
    """Return the procedural class number k with variants: of two sibling knobs, an episode uses one."""
    fault = random_fault(k, strict)
    class_draws = HashedDraws.of(0, "procedural families", np.array([k]))
    candidates = {knob.name: (knob, knob.bounds) for knob in KNOBS if not (strict and knob.name in SIGNATURES)}
    moves: list[Move] = []
    for index, move in enumerate(fault.moves):
        group = next((names for names in SIBLINGS if move.knob in names), ())
        siblings = [name for name in group if name not in fault.knobs and name in candidates]
        if not siblings:
            moves.append(move)
            continue
        sibling = siblings[int(class_draws.uniform(f"sibling of {move.knob}")[0] * len(siblings))]
        knob, bounds = candidates[sibling]
        assert bounds is not None
        first_share = 0.5 + 0.3 * float(class_draws.uniform(f"how often {move.knob}")[0])
        moves.append(replace(move, when=(When(VARIANT, 0, first_share),)))
        moves.append(replace(_move(class_draws, knob, bounds, index), when=(When(VARIANT, first_share),)))
    return replace(fault, name=f"family-{k}", moves=tuple(moves))


def _move(class_draws: HashedDraws, knob: Knob, bounds: KnobBounds, index: int) -> Move:
    position = float(class_draws.uniform(f"size of {knob.name}")[0])
    low, high = bounds.low, bounds.high
    size = low * (high / low) ** position if bounds.log else low + (high - low) * position
    constant = index % CONSTANTS
    if knob.is_factor:
        return Move(knob.name, Range(0.9, 1.5, constant), base=size, form="raised")
    negative = bounds.sign == "-" or (bounds.sign == "±" and class_draws.uniform(f"sign of {knob.name}")[0] < 0.5)
    size = -size if negative else size
    return Move(knob.name, Range(0.75 * size, 1.25 * size, constant))
