"""Random access: preambles sent, detected and falsely detected, responses, Msg3, and the PDCCH that carries them."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit as sigmoid

from trainer.simulator.chain.demand import Block, Demand
from trainer.simulator.chain.radio import Radio, busy_share
from trainer.simulator.chain.uplink import Uplink
from trainer.simulator.randomness import Column


@dataclass(frozen=True)
class RandomAccess:
    """Random access, PDCCH and incoming hand-overs of n rows; counters per minute. # [n] each"""

    accesses: Column
    """Users that start a random access in this minute."""
    detection_p: Column
    """Probability that a preamble is detected, 0…0.985."""
    cce_utilisation: Column
    """CCE utilisation of the PDCCH, 0…1."""
    ra_preamble_cb: Column
    ra_preamble_ded: Column
    ra_rar_sent: Column
    ra_msg3_ok: Column
    ta_near_cnt: Column
    ta_mid_cnt: Column
    ta_far_cnt: Column
    pag_rx: Column
    cce_util_pct: Column
    pdcch_block_cnt: Column
    ho_in_att: Column
    ho_in_succ: Column


def simulate_random_access(block: Block, demand: Demand, radio: Radio, uplink: Uplink) -> RandomAccess:
    """Draw preambles, random access responses on the PDCCH, and Msg3 (TS 38.321, 5.1).

    Ghost preambles are false detections; they get a response, too, and use CCEs.
    """
    cells, knobs, draws, noise = block.cells, block.knobs, block.draws, block.noise
    all_attempts = demand.attempts * (1 + knobs["signalling"])
    accesses = draws.poisson("accesses", all_attempts * radio.uptime * knobs["connected_x"])
    detection_p = 0.985 * np.clip(knobs["preamble_x"] * sigmoid((uplink.sinr_db - 1) / 2.2), 0, 1)
    preamble_attempts = accesses + draws.binomial("repeated preambles", 3 * accesses, 0.7 * (1 - detection_p))
    detections = draws.binomial("preambles heard", preamble_attempts, detection_p)
    false_alarms = 0.04 * np.maximum(0, uplink.noise_rise_db - 3)
    ghosts = draws.poisson("ghosts", (cells.ghost_preambles + knobs["ghost_preambles"] + false_alarms) * radio.uptime)
    preambles = detections + ghosts

    incoming_rate = demand.attempts * cells.hold_seconds / 60 * cells.ho_per_user * cells.ho_incoming_x
    incoming_rate = incoming_rate * knobs["mobility_x"] * np.sqrt(knobs["ho_attempts_x"]) * knobs["ho_incoming_x"]
    incoming = draws.poisson("incoming hand-overs", incoming_rate * radio.uptime)
    incoming_failure_p = (
        0.012 * block.operator.failure_scale + knobs["ho_incoming_failure_p"] + 0.9 * (1 - knobs["preamble_x"])
    )
    incoming_failure_p = incoming_failure_p + 0.5 * sigmoid((1 - uplink.sinr_db) / 1.5)
    dedicated_attempts = incoming + draws.binomial("repeated dedicated preambles", incoming, 0.08)
    dedicated = draws.binomial("dedicated preambles", dedicated_attempts, detection_p)

    cce_utilisation = _control_channel(
        block, demand, radio, preambles + 0.2 * accesses * knobs["signalling"], preambles
    )
    responses = draws.binomial("responses", detections, 0.997 - 0.25 * sigmoid((cce_utilisation - 0.8) * 14))
    msg3 = draws.binomial("msg3", responses, 0.985 * sigmoid((uplink.sinr_db + 1.5) / 2))

    # Timing advance of the received Msg3 in three rings: odds of far against all, then of near against middle.
    far_odds = np.exp(
        cells.far_logit + 0.25 * noise.fluctuation("far", 200) - 0.1 * radio.location_db + knobs["far_logit"]
    )
    near_odds = np.exp(cells.near_logit + 0.20 * noise.fluctuation("near", 200) + knobs["near_logit"])
    far_count = draws.binomial("far", msg3, far_odds / (1 + far_odds + near_odds))
    near_count = draws.binomial("near", msg3 - far_count, near_odds / (1 + near_odds))
    # Paging covers a tracking area, not the cell: it follows the residential load.
    residential_load = block.network.week[1, block.minute % 1440]
    paging = cells.pages * (0.15 + residential_load) * np.exp(0.1 * noise.fluctuation("paging", 60, "region"))
    blocking_rate = 14 * sigmoid((cce_utilisation - 0.62) * 12) * (1 + 0.02 * all_attempts) * radio.on_air
    return RandomAccess(
        accesses=accesses,
        detection_p=detection_p,
        cce_utilisation=cce_utilisation,
        ra_preamble_cb=preambles,
        ra_preamble_ded=dedicated,
        ra_rar_sent=responses + draws.binomial("responses to ghosts", ghosts, 0.97) + dedicated,
        ra_msg3_ok=msg3,
        ta_near_cnt=near_count,
        ta_mid_cnt=msg3 - far_count - near_count,
        ta_far_cnt=far_count,
        pag_rx=draws.poisson("paging", paging * radio.uptime),
        cce_util_pct=100 * cce_utilisation,
        pdcch_block_cnt=draws.poisson("control channel blocked", blocking_rate),
        ho_in_att=incoming,
        ho_in_succ=draws.binomial("incoming hand-overs completed", incoming, 1 - incoming_failure_p),
    )


def _control_channel(block: Block, demand: Demand, radio: Radio, messages: Column, preambles: Column) -> Column:
    """Return the share of CCEs in use: an always-on part, data scheduling, users, random access messages."""
    cce_share = 0.06 + 0.10 * radio.load + 0.25 * radio.load**2 + 0.175 * busy_share(demand.attempts, 90)
    cce_share = cce_share + 0.0011 * messages / (1 + 0.004 * preambles)
    return np.clip(cce_share * np.exp(0.07 * block.draws.normal("control channel")), 0, 1) * radio.on_air
