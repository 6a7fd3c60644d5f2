"""Fault classes that nobody has seen: an unlimited supply of them teaches an encoder to tell *any* two apart."""

from dataclasses import replace

import numpy as np

from trainer.simulator.faults.classes import FAULTS
from trainer.simulator.faults.fault_class import CONSTANTS, FaultClass, Move, Range, When
from trainer.simulator.faults.knobs import KNOBS, Knob, KnobBounds
from trainer.simulator.randomness import HashedDraws

HELD_OUT = [set(fault.knobs) for fault in FAULTS.values() if fault.held_out]

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
"""Knobs by which one and the same cause may show: one branch or the other, no answer or an error, too early or late."""

VARIANT = 7
"""The episode's constant that says which sibling it is."""

MORE_KNOBS = 0.38
"""Of the geometric number of knobs beyond the first, held at 4."""


SIGNATURES = (
    *("dns_timeout_p", "dns_servfail_p", "dns_delay_x", "ho_wrong_cell_p", "ho_preparation_failure_p"),
    *("backhaul_loss_p", "sctp_errors", "clock_ns"),
)
"""Knobs by which the held-out classes are known: a strict encoder has never seen any of them move."""


def random_fault(k: int, strict: bool = False) -> FaultClass:
    """The procedural class number k: two to five knobs with magnitudes of its own, ±25 % from episode to episode.

    Never the knobs of a held-out class and no others. With `strict` no signature of one either.
    """
    luck = HashedDraws.of(0, "procedural classes", np.array([k]))
    more = np.ceil(np.log1p(-luck.uniform("knobs")[0]) / np.log1p(-MORE_KNOBS))  # a geometric number, by inversion
    free = [(knob, knob.span) for knob in KNOBS if knob.span is not None and not (strict and knob.name in SIGNATURES)]
    order = np.argsort([luck.uniform(f"rank of {knob.name}")[0] for knob, _ in free])
    count = 1 + int(np.clip(more, 1, 4))
    chosen = [free[position] for position in order[:count]]
    if {knob.name for knob, _ in chosen} in HELD_OUT:
        chosen = [free[position] for position in order[1 : count + 1]]
    moves = tuple(_move(luck, knob, span, index) for index, (knob, span) in enumerate(chosen))
    return FaultClass(f"procedural-{k}", "fault", ("step", "ramp", "intermittent"), 120, 720, moves)


def random_family(k: int, strict: bool = False) -> FaultClass:
    """The procedural class number k with variants: where a knob has siblings, an episode turns one of two of them."""
    fault = random_fault(k, strict)
    luck = HashedDraws.of(0, "procedural families", np.array([k]))
    free = {knob.name: (knob, knob.span) for knob in KNOBS if not (strict and knob.name in SIGNATURES)}
    moves: list[Move] = []
    for index, move in enumerate(fault.moves):
        group = next((names for names in SIBLINGS if move.knob in names), ())
        others = [name for name in group if name not in fault.knobs and name in free]
        if not others:
            moves.append(move)
            continue
        sibling = others[int(luck.uniform(f"sibling of {move.knob}")[0] * len(others))]
        knob, span = free[sibling]
        assert span is not None
        often = 0.5 + 0.3 * float(luck.uniform(f"how often {move.knob}")[0])
        moves.append(replace(move, when=(When(VARIANT, 0, often),)))
        moves.append(replace(_move(luck, knob, span, index), when=(When(VARIANT, often),)))
    return replace(fault, name=f"family-{k}", moves=tuple(moves))


def _move(luck: HashedDraws, knob: Knob, span: KnobBounds, index: int) -> Move:
    at = float(luck.uniform(f"size of {knob.name}")[0])
    size = span.low * (span.high / span.low) ** at if span.log else span.low + (span.high - span.low) * at
    constant = index % CONSTANTS
    if knob.is_factor:
        return Move(knob.name, Range(0.9, 1.5, constant), base=size, form="raised")
    negative = span.sign == "-" or (span.sign == "±" and luck.uniform(f"sign of {knob.name}")[0] < 0.5)
    size = -size if negative else size
    return Move(knob.name, Range(0.75 * size, 1.25 * size, constant))
