"""Random access: preambles sent, heard and imagined; the answers; and the control channel that carries them."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit as sigmoid

from trainer.simulator.chain.demand import Block, Demand
from trainer.simulator.chain.radio import Radio, busy
from trainer.simulator.chain.uplink import Uplink
from trainer.simulator.randomness import Column


@dataclass(frozen=True)
class RandomAccess:
    accesses: Column
    """Users who want in."""
    detection: Column
    """Probability that a preamble is heard."""
    control_use: Column
    """CCE utilisation, 0…1."""
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


def access(block: Block, demand: Demand, radio: Radio, uplink: Uplink) -> RandomAccess:
    """Preamble → response on the control channel → Msg3 (TS 38.321, 5.1)."""
    cells, knobs, draws, noise = block.cells, block.knobs, block.draws, block.noise
    everyone = demand.attempts * (1 + knobs["signalling"])
    accesses = draws.poisson("accesses", everyone * radio.up * knobs["connected_x"])
    detection = 0.985 * np.clip(knobs["preamble_x"] * sigmoid((uplink.sinr_db - 1) / 2.2), 0, 1)
    tries = accesses + draws.binomial("repeated preambles", 3 * accesses, 0.7 * (1 - detection))
    heard = draws.binomial("preambles heard", tries, detection)
    false_alarms = 0.04 * np.maximum(0, uplink.noise_rise_db - 3)
    ghosts = draws.poisson("ghosts", (cells.ghost_preambles + knobs["ghost_preambles"] + false_alarms) * radio.up)
    preambles = heard + ghosts

    arriving = demand.attempts * cells.hold_seconds / 60 * cells.ho_per_user * cells.ho_incoming_x
    arriving = arriving * knobs["mobility_x"] * np.sqrt(knobs["ho_attempts_x"]) * knobs["ho_incoming_x"]
    incoming = draws.poisson("incoming hand-overs", arriving * radio.up)
    lost = 0.012 * block.operator.failure_scale + knobs["ho_incoming_failure_p"] + 0.9 * (1 - knobs["preamble_x"])
    lost = lost + 0.5 * sigmoid((1 - uplink.sinr_db) / 1.5)
    dedicated_tries = incoming + draws.binomial("repeated dedicated preambles", incoming, 0.08)
    dedicated = draws.binomial("dedicated preambles", dedicated_tries, detection)

    control_use = _control_channel(block, demand, radio, preambles + 0.2 * accesses * knobs["signalling"], preambles)
    answered = draws.binomial("responses", heard, 0.997 - 0.25 * sigmoid((control_use - 0.8) * 14))
    msg3 = draws.binomial("msg3", answered, 0.985 * sigmoid((uplink.sinr_db + 1.5) / 2))

    # Timing advance of those who got in, in three rings: log-odds of far against all, then of near against middle.
    far = np.exp(cells.far_logit + 0.25 * noise.slow("far", 200) - 0.1 * radio.location_db + knobs["far_logit"])
    near = np.exp(cells.near_logit + 0.20 * noise.slow("near", 200) + knobs["near_logit"])
    far_count = draws.binomial("far", msg3, far / (1 + far + near))
    near_count = draws.binomial("near", msg3 - far_count, near / (1 + near))
    # Paging covers a tracking area, not the cell: it follows where people live.
    home = block.network.week[1, block.minute % 1440]
    paging = cells.pages * (0.15 + home) * np.exp(0.1 * noise.slow("paging", 60, "region"))
    blocking = 14 * sigmoid((control_use - 0.62) * 12) * (1 + 0.02 * everyone) * radio.on
    return RandomAccess(
        accesses=accesses,
        detection=detection,
        control_use=control_use,
        ra_preamble_cb=preambles,
        ra_preamble_ded=dedicated,
        ra_rar_sent=answered + draws.binomial("responses to ghosts", ghosts, 0.97) + dedicated,
        ra_msg3_ok=msg3,
        ta_near_cnt=near_count,
        ta_mid_cnt=msg3 - far_count - near_count,
        ta_far_cnt=far_count,
        pag_rx=draws.poisson("paging", paging * radio.up),
        cce_util_pct=100 * control_use,
        pdcch_block_cnt=draws.poisson("control channel blocked", blocking),
        ho_in_att=incoming,
        ho_in_succ=draws.binomial("incoming hand-overs completed", incoming, 1 - lost),
    )


def _control_channel(block: Block, demand: Demand, radio: Radio, messages: Column, preambles: Column) -> Column:
    """Share of control channel elements in use: always-on part, data scheduling, users, random access messages."""
    use = 0.06 + 0.10 * radio.load + 0.25 * radio.load**2 + 0.175 * busy(demand.attempts, 90)
    use = use + 0.0011 * messages / (1 + 0.004 * preambles)
    return np.clip(use * np.exp(0.07 * block.draws.normal("control channel")), 0, 1) * radio.on
