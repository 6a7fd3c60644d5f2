"""IP traffic as a probe on the user plane sees it: applications, flows, packets, TCP."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit as sigmoid

from trainer.simulator.chain.connection import Session
from trainer.simulator.chain.demand import Block, Demand
from trainer.simulator.chain.mobility import Mobility
from trainer.simulator.chain.quality import Quality
from trainer.simulator.chain.radio import Radio
from trainer.simulator.chain.random_access import RandomAccess
from trainer.simulator.chain.transport import Transport
from trainer.simulator.chain.uplink import Uplink
from trainer.simulator.randomness import Column

APPLICATIONS = ("video", "web", "messages", "downloads", "rtc", "other")
USUAL_LOGITS = (1.5, 0.55, -1.3, 0.35, -1.6, -0.3)  # softmax: about half the volume is video


@dataclass(frozen=True)
class Volumes:
    video_share: Column
    pdcp_vol_dl_kb: Column
    pdcp_vol_ul_kb: Column
    vol_video_kb: Column
    vol_web_kb: Column
    vol_msg_kb: Column
    vol_dload_kb: Column
    vol_rtc_kb: Column
    vol_other_kb: Column


@dataclass(frozen=True)
class Flows:
    presence: Column
    """Connected users over those that λ would bring, at most 1.5."""
    flows_new: Column
    flows_tcp: Column
    flows_quic: Column
    flows_udp: Column
    flow_dur_s: Column
    subs_active: Column


@dataclass(frozen=True)
class Packets:
    tcp_loss: Column
    """Share of TCP segments sent again."""
    pkts_dl: Column
    pkts_ul: Column
    pkt_size_dl_b: Column
    gtp_lost_dl_pkts: Column
    pdcp_drop_dl_pkts: Column
    uu_lost_ul_pkts: Column
    tcp_syn: Column
    tcp_est: Column
    tcp_syn_noans: Column
    tcp_retx_dl: Column
    tcp_retx_ul: Column
    tcp_rst: Column


def split_volume(block: Block, demand: Demand, radio: Radio, uplink: Uplink) -> Volumes:
    """Shares of six applications; rounded cumulatively, so that the six add up to the cell's volume exactly."""
    knobs, draws, noise = block.knobs, block.draws, block.noise
    spread = 0.45 / np.sqrt(1 + demand.flows / 60)
    logits = [
        usual + block.cells.app_logits[:, app] + spread * draws.normal(f"share of {name}")
        for app, (name, usual) in enumerate(zip(APPLICATIONS, USUAL_LOGITS, strict=True))
    ]
    logits[0] = logits[0] + 0.35 * demand.evening + 0.12 * noise.slow("video", 30) + knobs["video_logit"]
    logits[1] = logits[1] + 0.12 * noise.slow("web", 30)
    # Updates are downloaded at night.
    logits[3] = logits[3] + 0.45 * demand.night + 0.25 * noise.slow("downloads", 30) + knobs["download_logit"]
    logits[4] = logits[4] + knobs["rtc_logit"]
    weights = [np.exp(logit) for logit in logits]
    total = weights[0] + weights[1] + weights[2] + weights[3] + weights[4] + weights[5]
    volume = np.floor(radio.served_kb * radio.on)
    parts, below, reached = [], np.zeros_like(volume), np.zeros_like(total)
    for weight in weights[:-1]:
        reached = reached + weight
        upto = np.minimum(np.floor(reached / total * volume), volume)
        parts.append(upto - below)
        below = upto
    video, web, messages, downloads, rtc = parts
    return Volumes(
        video_share=weights[0] / total,
        pdcp_vol_dl_kb=volume,
        pdcp_vol_ul_kb=np.floor(uplink.served_kb * radio.on),
        vol_video_kb=video,
        vol_web_kb=web,
        vol_msg_kb=messages,
        vol_dload_kb=downloads,
        vol_rtc_kb=rtc,
        vol_other_kb=volume - below,
    )


def open_flows(
    block: Block,
    demand: Demand,
    radio: Radio,
    entry: RandomAccess,
    session: Session,
    connected: Column,
    volumes: Volumes,
) -> Flows:
    """Flows follow the users who are in; a third comes from users connected before this minute."""
    cells, knobs, draws, noise = block.cells, block.knobs, block.draws, block.noise
    expected = np.maximum(demand.attempts * cells.hold_seconds / 60, 1e-3)
    presence = np.clip(connected / expected, 0, 1.5)
    reach = np.clip(session.ng_ctx_succ / np.maximum(entry.accesses, 1), 0, 1)
    rate = demand.attempts * cells.flows_per_access * np.minimum(presence, 1.2) * knobs["flows_x"]
    rate = rate * (0.35 + 0.65 * np.minimum(1.05 * reach, 1)) * np.exp(0.1 * noise.slow("flows", 10)) * radio.on
    flows = draws.poisson("flows", rate)
    tcp = draws.binomial("tcp flows", flows, np.maximum(0.52 + 0.04 * cells.tcp_logit, 0.2), at_most=0.8)
    quic = draws.binomial("quic flows", flows - tcp, 0.66)
    sample = np.exp(0.25 / np.sqrt(1 + flows / 20) * draws.normal("flow duration"))
    slow = 1 + 0.3 * np.clip(radio.load - 0.8, 0, 1)
    return Flows(
        presence=presence,
        flows_new=flows,
        flows_tcp=tcp,
        flows_quic=quic,
        flows_udp=flows - tcp - quic,
        flow_dur_s=7.5 * (1 + 0.3 * volumes.video_share) * sample * slow,
        subs_active=np.floor(connected + 0.62 * session.ng_ctx_succ),
    )


def send_packets(
    block: Block,
    demand: Demand,
    radio: Radio,
    uplink: Uplink,
    mobility: Mobility,
    quality: Quality,
    transport: Transport,
    volumes: Volumes,
    flows: Flows,
    overload: Column,
) -> Packets:
    """Packets from volume, losses at each stage of the way, and what TCP makes of them."""
    cells, knobs, draws, noise = block.cells, block.knobs, block.draws, block.noise
    size = 900 + 72 * np.log1p(volumes.pdcp_vol_dl_kb / 2000) + 250 * (volumes.video_share - 0.4)
    size = np.clip(size + 25 * draws.normal("packet size"), 300, 1420)  # bytes; the upper end is the tunnelled MTU
    down = np.floor(1000 * volumes.pdcp_vol_dl_kb / size)
    acknowledgements = 0.42 * down * np.exp(0.06 * draws.normal("acknowledgements"))
    up = np.floor(acknowledgements + volumes.pdcp_vol_ul_kb * (1000 / 900))

    dropped = 2e-6 + 8e-3 * sigmoid((radio.pressure - 1.05) * 9) + 2e-3 * overload + knobs["pdcp_drop_p"]
    ul_loss = 8e-5 + 4e-3 * sigmoid((1 - uplink.sinr_db) / 1.8) + 0.5 * knobs["backhaul_loss_p"]
    broken = (mobility.ho_exec_fail + mobility.rel_abn_radio) / np.maximum(demand.attempts, 1)
    again = cells.tcp_retx_p * np.exp(0.15 * noise.slow("tcp retransmission", 25)) + knobs["tcp_retx_p"]
    again = again + 1.1 * transport.loss + 0.9 * np.clip(dropped, 0, 0.5) + quality.residual_loss
    again = again + 0.02 * np.clip((radio.load - 0.8) / 0.2, 0, 1) + 0.02 * broken
    ul_again = 0.6 * again + 3e-3 * sigmoid((1 - uplink.sinr_db) / 1.8)

    retries = draws.binomial("syn retries", flows.flows_tcp, 0.9 * knobs["syn_no_answer_p"], at_most=0.9)
    syn = flows.flows_tcp + retries
    silence = cells.syn_no_answer_p + knobs["syn_no_answer_p"] + 0.8 * transport.loss
    silence = silence + 0.05 * sigmoid(-radio.sinr_db / 1.5)
    unanswered = draws.binomial("syn no answer", syn, silence, at_most=0.97)
    refused = draws.binomial("syn refused", syn - unanswered, 0.006 + knobs["tcp_reset_p"])
    established = syn - unanswered - refused
    resets = 0.02 * established + refused + 0.15 * knobs["tcp_reset_p"] * flows.flows_tcp
    return Packets(
        tcp_loss=again,
        pkts_dl=down,
        pkts_ul=up,
        pkt_size_dl_b=1000 * volumes.pdcp_vol_dl_kb / np.maximum(down, 1),
        gtp_lost_dl_pkts=draws.binomial("lost in transport", down, transport.loss, at_most=0.6),
        pdcp_drop_dl_pkts=draws.binomial("dropped in baseband", down, dropped, at_most=0.5),
        uu_lost_ul_pkts=draws.binomial("lost in uplink", up, ul_loss, at_most=0.5),
        tcp_syn=syn,
        tcp_est=established,
        tcp_syn_noans=unanswered,
        tcp_retx_dl=draws.binomial("retransmitted dl", np.floor(0.52 * down), again, at_most=0.5),
        tcp_retx_ul=draws.binomial("retransmitted ul", np.floor(0.45 * up), ul_again, at_most=0.5),
        tcp_rst=draws.poisson("resets", resets),
    )
