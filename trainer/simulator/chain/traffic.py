"""IP traffic as a user-plane probe measures it: volume by application, flows, packets, TCP."""

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
USUAL_LOGITS = (1.5, 0.55, -1.3, 0.35, -1.6, -0.3)
"""Logits of the applications' shares: by softmax, about half the volume is video."""


@dataclass(frozen=True)
class Volumes:
    """Volume of n rows in kB, in total and by application. # [n] each"""

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
    """New IP flows of n rows by protocol. # [n] each"""

    connected_ratio: Column
    """Connected users over the number expected from λ, at most 1.5."""
    flows_new: Column
    flows_tcp: Column
    flows_quic: Column
    flows_udp: Column
    flow_dur_s: Column
    subs_active: Column


@dataclass(frozen=True)
class Packets:
    """Packets, losses and TCP counters of n rows. # [n] each"""

    tcp_retx_share: Column
    """Share of TCP segments that are retransmitted."""
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
    """Split the served volume among six applications, with cumulative rounding so that the parts add up exactly.

    Volumes are whole kB of this minute.
    """
    knobs, draws, noise = block.knobs, block.draws, block.noise
    spread = 0.45 / np.sqrt(1 + demand.expected_flows / 60)
    logits = [
        usual_logit + block.cells.app_logits[:, app] + spread * draws.normal(f"share of {name}")
        for app, (name, usual_logit) in enumerate(zip(APPLICATIONS, USUAL_LOGITS, strict=True))
    ]
    logits[0] = logits[0] + 0.35 * demand.evening_weight + 0.12 * noise.fluctuation("video", 30) + knobs["video_logit"]
    logits[1] = logits[1] + 0.12 * noise.fluctuation("web", 30)
    # Downloads of updates happen at night.
    logits[3] = (
        logits[3] + 0.45 * demand.night_weight + 0.25 * noise.fluctuation("downloads", 30) + knobs["download_logit"]
    )
    logits[4] = logits[4] + knobs["rtc_logit"]
    weights = [np.exp(logit) for logit in logits]
    total = weights[0] + weights[1] + weights[2] + weights[3] + weights[4] + weights[5]
    volume = np.floor(radio.served_kb * radio.on_air)
    parts, previous_volume, cumulative_weight = [], np.zeros_like(volume), np.zeros_like(total)
    for weight in weights[:-1]:
        cumulative_weight = cumulative_weight + weight
        cumulative_volume = np.minimum(np.floor(cumulative_weight / total * volume), volume)
        parts.append(cumulative_volume - previous_volume)
        previous_volume = cumulative_volume
    video, web, messages, downloads, rtc = parts
    return Volumes(
        video_share=weights[0] / total,
        pdcp_vol_dl_kb=volume,
        pdcp_vol_ul_kb=np.floor(uplink.served_kb * radio.on_air),
        vol_video_kb=video,
        vol_web_kb=web,
        vol_msg_kb=messages,
        vol_dload_kb=downloads,
        vol_rtc_kb=rtc,
        vol_other_kb=volume - previous_volume,
    )


def open_flows(
    block: Block,
    *,
    demand: Demand,
    radio: Radio,
    access: RandomAccess,
    session: Session,
    connected_users: Column,
    volumes: Volumes,
) -> Flows:
    """Draw new flows from the connected users; about a third comes from connections older than this minute."""
    cells, knobs, draws, noise = block.cells, block.knobs, block.draws, block.noise
    expected = np.maximum(demand.attempts * cells.hold_seconds / 60, 1e-3)
    connected_ratio = np.clip(connected_users / expected, 0, 1.5)
    session_ratio = np.clip(session.ng_ctx_succ / np.maximum(access.accesses, 1), 0, 1)
    rate = demand.attempts * cells.flows_per_access * np.minimum(connected_ratio, 1.2) * knobs["flows_x"]
    rate = (
        rate
        * (0.35 + 0.65 * np.minimum(1.05 * session_ratio, 1))
        * np.exp(0.1 * noise.fluctuation("flows", 10))
        * radio.on_air
    )
    flows = draws.poisson("flows", rate)
    tcp = draws.binomial("tcp flows", flows, np.maximum(0.52 + 0.04 * cells.tcp_logit, 0.2), at_most=0.8)
    quic = draws.binomial("quic flows", flows - tcp, 0.66)
    sample = np.exp(0.25 / np.sqrt(1 + flows / 20) * draws.normal("flow duration"))
    load_factor = 1 + 0.3 * np.clip(radio.load - 0.8, 0, 1)
    return Flows(
        connected_ratio=connected_ratio,
        flows_new=flows,
        flows_tcp=tcp,
        flows_quic=quic,
        flows_udp=flows - tcp - quic,
        flow_dur_s=7.5 * (1 + 0.3 * volumes.video_share) * sample * load_factor,
        subs_active=np.floor(connected_users + 0.62 * session.ng_ctx_succ),
    )


def send_packets(
    block: Block,
    *,
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
    """Return packets from volume, losses at each hop, and the TCP retransmissions, resets and openings that follow.

    `overload` is the baseband's share of late processing, 0…1; it adds drops.
    """
    cells, knobs, draws, noise = block.cells, block.knobs, block.draws, block.noise
    size = 900 + 72 * np.log1p(volumes.pdcp_vol_dl_kb / 2000) + 250 * (volumes.video_share - 0.4)
    size = np.clip(size + 25 * draws.normal("packet size"), 300, 1420)  # bytes; the upper end is the tunnelled MTU
    dl_packets = np.floor(1000 * volumes.pdcp_vol_dl_kb / size)
    acknowledgements = 0.42 * dl_packets * np.exp(0.06 * draws.normal("acknowledgements"))
    ul_packets = np.floor(acknowledgements + volumes.pdcp_vol_ul_kb * (1000 / 900))

    drop_p = 2e-6 + 8e-3 * sigmoid((radio.offered_load - 1.05) * 9) + 2e-3 * overload + knobs["pdcp_drop_p"]
    ul_loss = 8e-5 + 4e-3 * sigmoid((1 - uplink.sinr_db) / 1.8) + 0.5 * knobs["backhaul_loss_p"]
    interruptions = (mobility.ho_exec_fail + mobility.rel_abn_radio) / np.maximum(demand.attempts, 1)
    retx_p = cells.tcp_retx_p * np.exp(0.15 * noise.fluctuation("tcp retransmission", 25)) + knobs["tcp_retx_p"]
    retx_p = retx_p + 1.1 * transport.loss_p + 0.9 * np.clip(drop_p, 0, 0.5) + quality.residual_loss_p
    retx_p = retx_p + 0.02 * np.clip((radio.load - 0.8) / 0.2, 0, 1) + 0.02 * interruptions
    ul_retx_p = 0.6 * retx_p + 3e-3 * sigmoid((1 - uplink.sinr_db) / 1.8)

    syn_retries = draws.binomial("syn retries", flows.flows_tcp, 0.9 * knobs["syn_no_answer_p"], at_most=0.9)
    syn = flows.flows_tcp + syn_retries
    no_answer_p = cells.syn_no_answer_p + knobs["syn_no_answer_p"] + 0.8 * transport.loss_p
    no_answer_p = no_answer_p + 0.05 * sigmoid(-radio.sinr_db / 1.5)
    no_answers = draws.binomial("syn no answer", syn, no_answer_p, at_most=0.97)
    refusals = draws.binomial("syn refused", syn - no_answers, 0.006 + knobs["tcp_reset_p"])
    established = syn - no_answers - refusals
    resets = 0.02 * established + refusals + 0.15 * knobs["tcp_reset_p"] * flows.flows_tcp
    return Packets(
        tcp_retx_share=retx_p,
        pkts_dl=dl_packets,
        pkts_ul=ul_packets,
        pkt_size_dl_b=1000 * volumes.pdcp_vol_dl_kb / np.maximum(dl_packets, 1),
        gtp_lost_dl_pkts=draws.binomial("lost in transport", dl_packets, transport.loss_p, at_most=0.6),
        pdcp_drop_dl_pkts=draws.binomial("dropped in baseband", dl_packets, drop_p, at_most=0.5),
        uu_lost_ul_pkts=draws.binomial("lost in uplink", ul_packets, ul_loss, at_most=0.5),
        tcp_syn=syn,
        tcp_est=established,
        tcp_syn_noans=no_answers,
        tcp_retx_dl=draws.binomial("retransmitted dl", np.floor(0.52 * dl_packets), retx_p, at_most=0.5),
        tcp_retx_ul=draws.binomial("retransmitted ul", np.floor(0.45 * ul_packets), ul_retx_p, at_most=0.5),
        tcp_rst=draws.poisson("resets", resets),
    )
