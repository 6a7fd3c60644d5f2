"""Eight fault classes that no one has learned from, looked at or tuned on: the last word on what one example is worth.

They are sealed. One command asks about them, `python -m tests.quality --sealed`, to report a figure of an encoder that
is finished; whoever changes anything because of what it says has to invent others. None was made to be like a class of
the simulator's own, trained on or held out, and sizes are a radio engineer's guesses, as theirs are.
"""

# fmt: off
from trainer.simulator import FaultClass
from trainer.simulator.faults.fault_class import Growth, Move, Range, When

HOUR, DAY = 60, 1440

_CLASSES = (
    # The mains fails: the site lives on its batteries, saves power by steps, and its cabinet warms up uncooled.
    FaultClass("battery_operation", "fault", ("step",), 2 * HOUR, 6 * HOUR, (
        Move("power_x", -0.1, jump=Range(-0.06, -0.2, 0)),
        Move("temperature_c", Range(4, 15, 1), jump=1, growth=Growth("saturating", Range(30, 80, 2))),
        Move("tx_power_db", Range(-1, -4, 3), growth=Growth("linear", 45)),
        Move("tx_meter_db", Range(-1, -4, 3), growth=Growth("linear", 45)),
        Move("rank_x", -0.6, jump=-0.1, when=(When(4, 0, 0.6),)),
        Move("throughput_x", -0.3, when=(When(4, 0.6),)),
    )),
    # After work on the mast one feeder, or both, hangs on the next sector's antenna: one branch hears the wrong side.
    FaultClass("crossed_feeders", "fault", ("step",), DAY, 3 * DAY, (
        Move("branch0_db", Range(-3, -9, 1), jump=-0.8, when=(When(0, 0, 0.4),)),
        Move("branch1_db", Range(-3, -9, 1), jump=-0.8, when=(When(0, 0.4, 0.8),)),
        Move("rank_x", -0.5, when=(When(0, 0, 0.8),)),
        Move("ho_attempts_x", 0.7, when=(When(0, 0.8),)),
        Move("path_loss_db", Range(1, 4, 2)),
        Move("dl_interference_db", Range(0.5, 2.5, 6)),
        Move("pingpong_x", Range(0.5, 2.5, 3)),
        Move("ho_wrong_cell_p", Range(0.1, 0.4, 4)),
        Move("ho_execution_failure_p", Range(0.01, 0.08, 5)),
    )),
    # A wrong target for the phones' transmit power: too quiet (60 %) and the edge goes unheard, too loud and it drowns.
    FaultClass("uplink_power_misset", "fault", ("step",), DAY, 3 * DAY, (
        Move("branch0_db", Range(-2, -6, 1), jump=-0.5, when=(When(0, 0, 0.6),)),
        Move("branch1_db", Range(-2, -6, 1), jump=-0.5, when=(When(0, 0, 0.6),)),
        Move("rrc_no_reply_p", Range(0.01, 0.07, 2), when=(When(0, 0, 0.6),)),
        Move("far_logit", Range(-0.3, -1.3, 3), when=(When(0, 0, 0.6),)),
        Move("uplink_x", -0.35, when=(When(0, 0, 0.6),)),
        Move("ul_noise_db", Range(2, 6, 1), jump=0.5, when=(When(0, 0.6),)),
        Move("ul_noise_peak_db", Range(0.5, 4, 2), when=(When(0, 0.6),)),
        Move("link_failure_x", Range(0.5, 2.5, 4)),
        Move("voice_loss_points", Range(0.3, 2.5, 5)),
    )),
    # A licence for connected users ran out: in the busy hours the cell turns newcomers away, or sends them elsewhere.
    FaultClass("user_licence_expired", "fault", ("step", "ramp"), 6 * HOUR, DAY, (
        Move("rrc_congestion_p", Range(0.06, 0.35, 0), jump=0.01, power=1.3),
        Move("ho_incoming_failure_p", Range(0.05, 0.3, 1)),
        Move("connected_x", Range(-0.1, -0.45, 2), growth=Growth("saturating", 15)),
        Move("signalling", Range(0.2, 1.2, 3), when=(When(5, 0, 0.5),)),
        Move("irat_x", Range(1, 4, 3), when=(When(5, 0.5),)),
        Move("setup_ms", Range(2, 20, 4)),
    ), hours=(9, 22)),
    # The signalling links to the neighbours are down or flap: hand-overs take the long way by the core, often too late.
    FaultClass("inter_site_link_down", "fault", ("step", "intermittent"), 3 * HOUR, 12 * HOUR, (
        Move("sctp_errors", Range(1, 5, 0), jump=0.2),
        Move("ho_preparation_failure_p", Range(0.05, 0.3, 1), jump=0.02),
        Move("ho_late_p", Range(0.05, 0.25, 2)),
        Move("link_failure_x", Range(0.5, 2.5, 2)),
        Move("ho_attempts_x", Range(0.1, 0.6, 3)),
        Move("ho_incoming_x", Range(-0.15, -0.5, 4)),
        Move("throughput_x", Range(-0.1, -0.35, 5), when=(When(6, 0, 0.6),)),
    )),
    # A router drops full-size packets unsaid: all that is small goes through, downloads or uploads hang and are resent.
    FaultClass("mtu_black_hole", "fault", ("step",), 4 * HOUR, DAY, (
        Move("tcp_retx_p", Range(0.01, 0.05, 0), jump=0.003),
        Move("throughput_x", Range(-0.2, -0.5, 1)),
        Move("rtc_logit", 0.3),
        Move("flows_x", Range(0.05, 0.3, 4)),
        Move("volume_x", Range(-0.1, -0.45, 2), when=(When(5, 0, 0.65),)),
        Move("download_logit", Range(-0.3, -1, 3), when=(When(5, 0, 0.65),)),
        Move("video_logit", Range(-0.1, -0.6, 6), when=(When(5, 0, 0.65),)),
        Move("uplink_x", Range(-0.25, -0.6, 2), when=(When(5, 0.65),)),
    )),
    # Infected phones look for their masters under made-up names, then scan (60 %) or flood the uplink on command.
    FaultClass("malware_outbreak", "fault", ("ramp",), 3 * HOUR, 12 * HOUR, (
        Move("dns_nx_x", Range(1.5, 8, 0), jump=0.3),
        Move("flows_x", Range(0.15, 0.8, 1)),
        Move("connected_x", Range(0.1, 0.4, 2), growth=Growth("saturating", 30)),
        Move("syn_no_answer_p", Range(0.03, 0.2, 3), when=(When(5, 0, 0.6),)),
        Move("tcp_reset_p", Range(0.01, 0.06, 4), when=(When(5, 0, 0.6),)),
        Move("uplink_x", Range(0.6, 3, 3), when=(When(5, 0.6),)),
        Move("rtc_logit", Range(-0.1, -0.5, 4), when=(When(5, 0.6),)),
    )),
    # A cell tells a foreign tracking area: whoever enters registers, the core refuses some, and calls do not find them.
    FaultClass("wrong_tracking_area", "fault", ("step",), 8 * HOUR, 2 * DAY, (
        Move("signalling", Range(0.4, 2.5, 0), jump=0.1),
        Move("registration_reject_p", Range(0.05, 0.4, 1)),
        Move("context_failure_p", Range(0.01, 0.12, 3)),
        Move("ho_incoming_failure_p", Range(0.05, 0.35, 2)),
        Move("voice_failure_p", Range(0.05, 0.35, 4), when=(When(7, 0, 0.6),)),
        Move("irat_x", Range(0.5, 2.5, 4), when=(When(7, 0.6),)),
        Move("cpu_points", Range(1, 8, 5)),
    )),
)

SEALED: dict[str, FaultClass] = {fault.name: fault for fault in _CLASSES}
