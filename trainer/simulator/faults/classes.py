"""Fault classes and benign look-alikes, as data.

Sizes without a source are a radio engineer's guesses. They were checked by their consequences: a fifth of the
episodes is subtle, the worst are obvious. In each move the number after the knob's name is the slope against the
intensity x; `Range(a, b, k)` is a value in a…b, chosen by the episode's constant k.
"""

# fmt: off
from trainer.simulator.faults.fault_class import FaultClass, Growth, Move, Onset, Range, Spillover, When
from trainer.simulator.faults.look_alikes import DAY, HOUR, LOOK_ALIKES, PARTIAL_MINUTE, RAMP, STEP

STEP_OR_RAMP: tuple[Onset, ...] = ("step", "ramp")
STEP_OR_INTERMITTENT: tuple[Onset, ...] = ("step", "intermittent")
ANY: tuple[Onset, ...] = ("step", "ramp", "intermittent")

# Neighbours that absorb the users of a lost cell: more users, from farther away,
# in proportion to the lost share of the cell's time.
_ABSORB = tuple(
    Move(knob, slope * factor, limit=factor, when=(When(0, *condition),))
    for slope, condition in ((2.2, (0, 0.35)), (6, (0.35, 1)))
    for knob, factor in (("demand_x", 1), ("far_logit", 1.2), ("path_loss_db", 1.5), ("irat_x", 1))
)

_COVERAGE = (
    # Power, hardware or software puts the cell out of service; a third of the outages last for part of each minute.
    FaultClass("cell_outage", "fault", STEP, 25, 4 * HOUR, moves=(
        Move("availability_x", -2.2, limit=1, when=(When(0, 0, 0.35),)),
        Move("availability_x", -6, limit=1, when=(When(0, 0.35),)),
    ), repair_moves=(
        Move("availability_x", jump=PARTIAL_MINUTE, when=(When(0, 0.35),)),
        Move("signalling", jump=0.5),
    ), spills=(
        Spillover("ring", _ABSORB, absorbed_share=0.75, look_alike="neighbour_absorb"),
        Spillover("ring", (Move("ho_preparation_failure_p", jump=0.5),), weight=0.1, look_alike="neighbour_absorb"),
    )),
    # The PRACH receiver detects nothing: no alarm, no access, and connected users fade out (Chernogorov et al., 2015).
    FaultClass("sleeping_cell_rach", "fault", STEP, 2 * HOUR, 12 * HOUR, moves=(
        Move("preamble_x", -0.64, jump=-0.35, limit=0.995),
        Move("connected_x", -0.9, growth=Growth("saturating", Range(4, 20, 0))),
    ), spills=(
        Spillover("ring", (
            Move("demand_x", 1), Move("far_logit", 1),
        ), absorbed_share=0.5, look_alike="neighbour_absorb"),
        Spillover("ring", (Move("ho_execution_failure_p", 0.3),), weight=0.1, look_alike="neighbour_absorb"),
    )),
    # An external jammer or repeater raises both branches; passive intermodulation raises one branch more.
    FaultClass("ul_interference", "fault", STEP_OR_INTERMITTENT, 90, 10 * HOUR, moves=(
        Move("ul_noise_db", Range(4, 11, 1), jump=Range(0.8, 2, 0)),
        Move("ul_noise_peak_db", Range(0, 9, 2)),
        Move("branch0_db", Range(2, 7, 5), when=(When(3, 0, 0.35), When(4, 0, 0.5))),
        Move("branch1_db", Range(2, 7, 5), when=(When(3, 0, 0.35), When(4, 0.5))),
    ), spills=(
        Spillover("nearest", weight=Range(0.3, 0.7, 6), max_cells=Range(1, 3.99, 7)),
    )),
    # Pilot pollution, a PCI mod-3 clash, or an overshooting neighbour.
    FaultClass("dl_interference", "fault", STEP_OR_RAMP, 6 * HOUR, 2 * DAY, moves=(
        Move("dl_interference_db", Range(4, 8, 0), jump=1),
        Move("pingpong_x", Range(0.2, 1.2, 1)),
        Move("link_failure_x", 2),
        Move("rank_x", -0.3),
    ), spills=(Spillover("nearest", weight=0.5, max_cells=1),)),
    # The antenna tilts down: coverage shrinks, a hole opens at its edge, and the remaining users have better radio.
    FaultClass("excessive_downtilt", "fault", STEP, DAY, 3 * DAY, moves=(
        Move("far_logit", Range(-1.2, -3, 0)),
        Move("near_logit", Range(0.2, 0.9, 1)),
        Move("path_loss_db", Range(-0.5, -3, 2)),
        Move("demand_x", Range(-0.08, -0.4, 3)),
        Move("link_failure_x", 2.2),
        Move("irat_x", Range(1, 5, 4)),
        Move("ho_late_p", 0.15),
        Move("mobility_x", 0.25),
    ), spills=(Spillover("nearest", (
        Move("demand_x", 0.15), Move("far_logit", 0.5), Move("path_loss_db", Range(1, 2, 5)), Move("ho_late_p", 0.1),
    ), max_cells=4, look_alike="neighbour_absorb"),)),
    # The antenna tilts up: the cell serves far users with a weak uplink and without a neighbour relation.
    FaultClass("overshoot_uptilt", "fault", STEP, DAY, 3 * DAY, moves=(
        Move("far_logit", Range(1, 2.6, 0)),
        Move("near_logit", Range(-0.2, -0.8, 1)),
        Move("path_loss_db", Range(2, 6, 2)),
        Move("demand_x", Range(0.05, 0.35, 3)),
        Move("link_failure_x", 1.6),
        Move("ho_wrong_cell_p", 0.25),
        Move("ho_execution_failure_p", 0.03),
        Move("pingpong_x", 0.8),
        Move("rrc_no_reply_p", 0.02),
    ), held_out=True, spills=(Spillover("nearest", (
        Move("dl_interference_db", Range(1, 3, 4)), Move("demand_x", -0.1),
    ), max_cells=3),)),
    # Amplifier or feeder loses power; the meter shows it in 40 %, else the loss is behind the coupler.
    FaultClass("pa_degradation", "fault", RAMP, DAY, 4 * DAY, moves=(
        Move("tx_power_db", Range(-4, -9, 0), jump=-0.6),
        Move("far_logit", -0.9),
        Move("demand_x", -0.18),
        Move("link_failure_x", 1),
        Move("tx_meter_db", Range(-4, -9, 0), jump=-0.6, when=(When(1, 0.6),)),
        Move("power_x", -0.12, when=(When(1, 0.6),)),
        Move("temperature_c", Range(2, 9, 3), when=(When(2, 0.5),)),
    ), spills=(
        Spillover("ring", (Move("demand_x", 1),), absorbed_share=0.18, look_alike="neighbour_absorb"),
        Spillover("ring", (Move("dl_interference_db", -0.5),), look_alike="neighbour_absorb"),
    )),
    # One receive branch is dead or lossy: amplifier, feeder or connector.
    FaultClass("rx_branch_loss", "fault", ANY, DAY, 3 * DAY, moves=(
        Move("branch0_db", Range(-4, -12, 1), jump=-1.2, when=(When(0, 0, 0.5),)),
        Move("branch1_db", Range(-4, -12, 1), jump=-1.2, when=(When(0, 0.5),)),
        Move("preamble_x", -0.12),
        Move("link_failure_x", 0.8),
    ), held_out=True),
    # One transmit branch is lost: a single layer remains, and up to 3 dB less power.
    FaultClass("tx_branch_loss", "fault", STEP, DAY, 3 * DAY, moves=(
        Move("rank_x", -0.9, jump=-0.2, limit=1),
        Move("tx_power_db", Range(-0.4, -3, 0)),
        Move("tx_meter_db", Range(-0.4, -3, 0), when=(When(1, 0.5),)),
        Move("power_x", -0.1, when=(When(1, 0.5),)),
    )),
)

_CAPACITY = (
    # A component carrier or licence is lost (60 %), or the baseband is too slow (40 %).
    FaultClass("capacity_loss", "fault", STEP, 6 * HOUR, DAY, moves=(
        Move("prb_x", Range(-0.35, -0.65, 1), when=(When(2, 0, 0.6), When(0, 0, 0.5))),
        Move("prb_x", Range(-0.35, -0.65, 1), jump=-0.25, when=(When(2, 0, 0.6), When(0, 0.5))),
        Move("throughput_x", -0.5, jump=-0.25, when=(When(2, 0.6),)),
        Move("queue_ms", Range(4, 18, 3), when=(When(2, 0.6),)),
        Move("pdcp_drop_p", 6e-4, when=(When(2, 0.6),)),
        Move("rrc_congestion_p", 0.05, when=(When(2, 0.6),)),
        Move("rrc_congestion_p", 0.03),
    ), hours=(9, 23)),
    # A microwave link falls back to a lower modulation or a ring is over-subscribed; traffic above capacity shows it.
    FaultClass("backhaul_congestion", "fault", ANY, 2 * HOUR, 8 * HOUR, moves=(
        Move("backhaul_headroom_x", -1.9, jump=Range(1, 0.4, 0), form="capped"),
        Move("backhaul_delay_ms", Range(0.5, 5, 1)),
        Move("backhaul_jitter_ms", Range(0.3, 2.5, 2)),
        Move("backhaul_loss_p", 2e-4),
    ), hours=(9, 23)),
    # A link with errors or flapping: random loss at any load.
    FaultClass("backhaul_loss", "fault", ANY, HOUR, 5 * HOUR, moves=(
        Move("backhaul_loss_p", 1.7, jump=Range(-3.5, -3.1, 0), form="decades"),
        Move("backhaul_jitter_ms", Range(0.2, 2.5, 1)),
        Move("sctp_errors", Range(0.5, 4, 2)),
        Move("transport_release_p", Range(0, 0.01, 3)),
    ), held_out=True),
    # A leak or a bug: the processor load rises for hours and delays everything.
    FaultClass("baseband_overload", "fault", RAMP, 3 * HOUR, 10 * HOUR, moves=(
        Move("cpu_points", Range(20, 60, 0), jump=6),
        Move("queue_ms", Range(2, 14, 1)),
        Move("setup_ms", Range(10, 80, 2)),
        Move("rrc_other_p", Range(0.002, 0.05, 3)),
        Move("pdcp_drop_p", Range(1e-4, 1.5e-3, 4)),
        Move("throughput_x", -0.35),
        Move("temperature_c", 3),
    ), hours=(9, 23), repair_moves=(Move("availability_x", jump=-1),), repair_minutes=3),
)

_MOBILITY = (
    # A bad offset or a missing neighbour relation: users stay on the old cell until the link fails.
    FaultClass("ho_too_late", "fault", STEP, DAY, 3 * DAY, moves=(
        Move("ho_late_p", 0.4, jump=0.15),
        Move("link_failure_x", Range(3, 10, 0)),
        Move("ho_attempts_x", Range(-0.1, -0.5, 1)),
        Move("ho_execution_failure_p", 0.02),
    ), spills=(Spillover("nearest", (Move("ho_incoming_x", -0.3),), max_cells=1),)),
    # Hand-over parameters trigger too early.
    FaultClass("ho_pingpong", "fault", STEP, DAY, 3 * DAY, moves=(
        Move("pingpong_x", Range(2, 7, 0)),
        Move("ho_attempts_x", Range(0.3, 1.2, 1)),
        Move("ho_execution_failure_p", Range(0.02, 0.12, 2)),
        Move("ho_early_p", 0.45),
    ), spills=(Spillover("nearest", weight=0.8, max_cells=1),)),
    # Two neighbours share one PCI: hand-overs are prepared in the wrong cell.
    FaultClass("pci_confusion", "fault", STEP, DAY, 3 * DAY, moves=(
        Move("ho_preparation_failure_p", Range(0, 0.25, 0)),
        Move("ho_execution_failure_p", Range(0.06, 0.30, 1), jump=0.015),
        Move("ho_wrong_cell_p", Range(0.2, 0.6, 2)),
        Move("link_failure_x", 1.5),
    ), held_out=True, spills=(
        Spillover("nearest", (Move("ho_incoming_failure_p", Range(0.2, 0.5, 3)),), max_cells=2),
    )),
    # A TDD site loses synchronisation: its downlink interferes with others' uplink. Half the cases show in its clock.
    FaultClass("sync_loss_tdd", "fault", RAMP, 3 * HOUR, 10 * HOUR, moves=(
        Move("ul_noise_db", Range(3, 8, 0), jump=1),
        Move("dl_interference_db", Range(0.3, 2, 1)),
        Move("ho_execution_failure_p", Range(0.03, 0.16, 2)),
        Move("ho_incoming_failure_p", Range(0.03, 0.2, 3)),
        Move("ho_early_p", 0.1),
        Move("far_logit", Range(-0.6, 0.6, 6)),
        Move("clock_ns", Range(150, 1800, 5), growth=Growth("linear", 30), when=(When(4, 0.5),)),
    ), held_out=True, tdd_only=True, spills=(
        Spillover("ring", (Move("ul_noise_db", Range(4, 10, 7)),), tdd_only=True),
        Spillover("far ring", (Move("ul_noise_db", Range(4, 10, 7)),), weight=0.5, tdd_only=True),
    )),
    # A root sequence is used twice or the cell range is wrong: ghost preambles, and undetected far users.
    FaultClass("prach_misconfig", "fault", STEP, DAY, 3 * DAY, moves=(
        Move("ghost_preambles", Range(4, 30, 0), jump=1, power=1.3),
        Move("preamble_x", Range(-0.05, -0.4, 1)),
        Move("rrc_no_reply_p", Range(0, 0.02, 2)),
        Move("far_logit", Range(0, -1.2, 3)),
        Move("setup_ms", 25),
    ), spills=(
        Spillover("nearest", (Move("ghost_preambles", Range(4, 30, 0), jump=1, power=1.3),), max_cells=1),
    )),
)

_CORE = (
    # Devices register again at the same time: an app's bug, a firmware, the end of an outage (Gorbil et al., 2014).
    FaultClass("signalling_storm", "fault", STEP_OR_RAMP, 40, 3 * HOUR, moves=(
        Move("signalling", Range(1.5, 6, 0), jump=0.25, power=1.5),
        Move("registration_reject_p", Range(0, 0.2, 1)),
    ), fade=Range(10, 30, 6)),
    # AMF or HSS fails: contexts fail, registrations are rejected, devices retry.
    FaultClass("core_cp_outage", "fault", STEP, 30, 2 * HOUR, moves=(
        Move("context_failure_p", Range(0.25, 0.75, 0), jump=0.01),
        Move("registration_reject_p", Range(0.1, 0.6, 1)),
        Move("pdu_failure_p", Range(0.05, 0.5, 2)),
        Move("setup_ms", Range(10, 160, 3)),
        Move("signalling", Range(0.1, 1, 4)),
        Move("connected_x", -0.35, growth=Growth("saturating", 10)),
    ), fade=Range(10, 30, 6)),
    # UPF, NAT or peering fails: signalling works, flows die. In 40 % the DNS resolvers use the same path.
    FaultClass("userplane_failure", "fault", STEP_OR_RAMP, 40, 2 * HOUR, moves=(
        Move("syn_no_answer_p", Range(0.06, 0.4, 0), jump=0.01),
        Move("core_rtt_x", Range(0.1, 2, 1)),
        Move("tcp_retx_p", Range(0.002, 0.03, 2)),
        Move("flows_x", Range(-0.05, -0.5, 3)),
        Move("tcp_reset_p", Range(0, 0.04, 4)),
        Move("throughput_x", -0.3),
        Move("dns_timeout_p", Range(0.03, 0.2, 6), when=(When(5, 0, 0.4),)),
        Move("dns_delay_x", Range(0, 1, 7), when=(When(5, 0, 0.4),)),
    )),
    # Resolvers time out (70 %) or answer SERVFAIL (30 %); users retry, running video continues.
    FaultClass("dns_failure", "fault", STEP, 30, 2 * HOUR, moves=(
        Move("dns_timeout_p", Range(0.08, 0.5, 1), jump=0.012, when=(When(0, 0, 0.7),)),
        Move("dns_delay_x", Range(0.2, 3, 2), when=(When(0, 0, 0.7),)),
        Move("dns_servfail_p", Range(0.08, 0.5, 1), jump=0.012, when=(When(0, 0.7),)),
        Move("flows_x", Range(-0.05, -0.35, 3)),
        Move("video_logit", 0.25),
    ), held_out=True),
    # Voice: set-up fails and calls fall back to another technology (65 %), or speech is lossy or one-way (35 %).
    FaultClass("voice_ims_failure", "fault", STEP, 45, 3 * HOUR, moves=(
        Move("voice_failure_p", Range(0.35, 0.9, 1), jump=0.05, when=(When(0, 0, 0.65),)),
        Move("irat_x", Range(1, 5, 2), when=(When(0, 0, 0.65),)),
        Move("voice_loss_points", Range(1, 8, 1), when=(When(0, 0.65),)),
        Move("voice_drop_p", Range(0.03, 0.2, 2), when=(When(0, 0.65),)),
    )),
)

FAULTS: dict[str, FaultClass] = {
    fault.name: fault for group in (_COVERAGE, _CAPACITY, _MOBILITY, _CORE, LOOK_ALIKES) for fault in group
}
"""The 23 fault classes and the 6 benign look-alikes, by name."""
