"""Benign look-alikes, as data: harmless situations that resemble faults. Conventions: see `classes`."""

# fmt: off
from trainer.simulator.faults.fault_class import FaultClass, Move, Onset, Range, Restart, Spillover, When
from trainer.simulator.network.cells import BUSINESS, RESIDENTIAL, RURAL, STADIUM, TRANSPORT

HOUR, DAY = 60, 1440
STEP: tuple[Onset, ...] = ("step",)
RAMP: tuple[Onset, ...] = ("ramp",)

PARTIAL_MINUTE = Range(-55 / 60, -5 / 60, 7)
"""Shift of `availability_x` after a restart: the cell returns to service at a random second of its first minute."""

_DOWN = Range(4, 14, 0)  # minutes out of service

LOOK_ALIKES = (
    # A match or a concert: several times the users, half of them send pictures (Shafiq et al., SIGMETRICS 2013).
    FaultClass("mass_event", "benign", RAMP, 3 * HOUR, 5 * HOUR, moves=(
        Move("demand_x", 1, base=Range(2.2, 9, 0), form="raised"),
        Move("uplink_x", 1, base=Range(1.5, 4, 1), form="raised"),
        Move("mobility_x", -0.3),
        Move("volume_x", -0.35),
        Move("video_logit", -0.4),
        Move("rtc_logit", 0.5),
    ), fade=Range(10, 30, 4), hours=(17, 23), spills=(Spillover("nearest", weight=Range(0.2, 0.5, 3)),)),
    # Carriers, layers and symbols are switched off at night, as planned.
    FaultClass("energy_saving", "benign", STEP, 4 * HOUR, 6 * HOUR, moves=(
        Move("prb_x", jump=-0.5, when=(When(0, 0, 0.5),)),
        Move("rank_x", jump=-0.75, when=(When(0, 0.3),)),
        Move("power_x", jump=Range(-0.15, -0.4, 1)),
        Move("tx_meter_db", jump=Range(0, -3, 2)),
        Move("demand_x", jump=Range(0, -0.4, 3)),
    ), hours=(0, 6), spills=(
        Spillover("sectors", (Move("demand_x", 1),), absorbed_share=0.2, look_alike="neighbour_absorb"),
    )),
    # A planned upgrade with a restart.
    FaultClass("maintenance", "benign", STEP, 30, 45, moves=(
        Move("demand_x", jump=-0.5, growth=Restart("draining", _DOWN)),
        Move("availability_x", jump=-1, growth=Restart("down", _DOWN)),
        Move("availability_x", jump=PARTIAL_MINUTE, growth=Restart("first minute", _DOWN)),
        Move("signalling", jump=1.5, growth=Restart("returning", _DOWN, 6)),
        Move("cpu_points", jump=25, growth=Restart("returning", _DOWN, 8)),
        Move("connected_x", jump=-0.8, growth=Restart("returning", _DOWN, 6)),
    ), hours=(1, 5), spills=(
        Spillover("nearest", (
            Move("demand_x", jump=1, growth=Restart("down", _DOWN)),
        ), absorbed_share=0.75, look_alike="neighbour_absorb"),
    )),
    # Business and transport cells as on a Sunday, residential cells fuller, in the whole network.
    FaultClass("holiday", "benign", STEP, DAY, DAY, moves=(
        Move("demand_x", jump=Range(-0.7, -0.4, 0), cell_types=(BUSINESS, TRANSPORT)),
        Move("demand_x", jump=Range(-0.1, 0.35, 0), cell_types=(RESIDENTIAL, RURAL, STADIUM)),
        Move("video_logit", jump=0.3),
        Move("mobility_x", jump=-0.25),
    )),
    # A healthy cell takes over from a dead or sleeping neighbour: more and farther users.
    FaultClass("neighbour_absorb", "benign", STEP, 2 * HOUR, 12 * HOUR, moves=(
        Move("demand_x", Range(0.25, 1.1, 0)),
        Move("far_logit", Range(0.5, 1.8, 1)),
        Move("near_logit", -0.3),
        Move("path_loss_db", Range(0.8, 3.5, 2)),
        Move("dl_interference_db", Range(0, -1.2, 3)),
        Move("ho_incoming_x", -0.2),
        Move("mobility_x", -0.15),
        Move("irat_x", 1),
    )),
    # An operating system's update or a popular stream: more volume per user, but no more users.
    FaultClass("app_flash_crowd", "benign", RAMP, 3 * HOUR, 5 * HOUR, moves=(
        Move("volume_x", 1, base=Range(1.6, 4, 0), form="raised"),
        Move("download_logit", Range(0.8, 2.2, 2), when=(When(1, 0, 0.6),)),
        Move("video_logit", Range(0.8, 2.2, 2), when=(When(1, 0.6),)),
    )),
)
