"""One causal chain from demand to 130 reported numbers. It knows nothing of faults: they only turn its knobs.

A stage's field that bears a feature's name *is* that feature; the other fields are what later stages need.
"""

import numpy as np
from numpy.typing import NDArray

from trainer.simulator.catalogue import catalogue
from trainer.simulator.chain.baseband import work
from trainer.simulator.chain.connection import open_sessions, set_up
from trainer.simulator.chain.demand import Block, ask
from trainer.simulator.chain.mobility import move
from trainer.simulator.chain.quality import report
from trainer.simulator.chain.radio import transmit
from trainer.simulator.chain.random_access import access
from trainer.simulator.chain.services import call, resolve
from trainer.simulator.chain.throughput import share, wait
from trainer.simulator.chain.traffic import open_flows, send_packets, split_volume
from trainer.simulator.chain.transport import forward
from trainer.simulator.chain.uplink import receive
from trainer.simulator.chain.users import connect, count_users
from trainer.simulator.faults.knobs import Knobs, neutral_knobs
from trainer.simulator.faults.nuisances import disturb
from trainer.simulator.network.network import Network
from trainer.simulator.noise import Noise
from trainer.simulator.randomness import Column, HashedDraws

BLOCK_ROWS = 16_384
"""Rows worked on at a time: few enough that a column stays in the processor's cache, many enough that numpy's
overhead per call does not show."""

NO_REPORTS = (
    *("cqi_mean", "mcs_mean_dl", "rsrp_mean_dbm", "sinr_mean_db", "rank_mean_dl", "ul_sinr_db", "mcs_mean_ul"),
    *("phr_neg_pct", "delay_air_dl_ms", "delay_rlc_dl_ms", "delay_ul_ms", "ue_thp_dl_kbps", "ue_thp_ul_kbps"),
    "sched_ue_tti_dl",
)
NO_FLOWS = ("rtt_core_ms", "rtt_access_ms", "rtt_access_p95_ms", "flow_dur_s")
OFF_AIR = (
    *("ul_ni_dbm", "ul_ni_max_dbm", "rssi_br0_dbm", "rssi_br1_dbm", "tx_power_dbm", "gtp_delay_ms", "gtp_jitter_ms"),
    *("sync_offset_ns", "cpu_load_pct", "temp_c"),
)


def records(
    network: Network, cell: NDArray[np.integer], minute: NDArray[np.integer], knobs: Knobs | None = None
) -> NDArray[np.float32]:
    """What the cells report of those minutes; NaN is "not reported". Minutes count from 1970-01-01 00:00 local time.

    A pure function of its arguments: a row is bit-identical alone, in any order and in any company.
    # cell [n], minute [n], knobs [n] each -> [n, 130]
    """
    cells, minutes = np.asarray(cell, np.int64), np.asarray(minute, np.int64)
    values = np.empty((len(cells), len(catalogue())), np.float32)
    for begin in range(0, len(cells), BLOCK_ROWS):
        rows = slice(begin, begin + BLOCK_ROWS)
        turned = None if knobs is None else {name: column[rows].copy() for name, column in knobs.items()}
        reported = _simulate(network, cells[rows], minutes[rows], turned)
        for position, name in enumerate(catalogue().names):
            values[rows, position] = reported[name]
    return values


def _simulate(
    network: Network, cell: NDArray[np.int64], minute: NDArray[np.int64], knobs: Knobs | None
) -> dict[str, Column]:
    cells = network.statics.at(cell)
    places = {
        "cell": cell.astype(np.uint64),
        "site": cells.site.astype(np.uint64),
        "region": cells.region.astype(np.uint64),
    }
    block = Block(
        network=network,
        cells=cells,
        minute=minute,
        hour=(minute % 1440).astype(np.float32) / 60,
        knobs=neutral_knobs(len(cell)) if knobs is None else knobs,
        draws=HashedDraws.of(network.seed, "minutes", cell, minute),
        noise=Noise(network.seed, minute.astype(np.uint64), places),
    )
    disturb(block.knobs, block.noise, cells.type)

    demand = ask(block)
    radio = transmit(block, demand)
    connected = connect(block, demand, radio)
    uplink = receive(block, demand, radio, connected)
    users = count_users(block, radio, uplink, connected)
    baseband = work(block, demand, radio)
    entry = access(block, demand, radio, uplink)
    mobility = move(block, demand, radio, uplink, connected)
    setup = set_up(block, demand, radio, uplink, entry, mobility, baseband, connected)
    session = open_sessions(block, radio, uplink, entry, mobility, baseband, setup)
    quality = report(block, demand, radio, uplink, users, baseband.overload)
    transport = forward(block, demand, radio)
    volumes = split_volume(block, demand, radio, uplink)
    flows = open_flows(block, demand, radio, entry, session, connected, volumes)
    packets = send_packets(
        block, demand, radio, uplink, mobility, quality, transport, volumes, flows, baseband.overload
    )
    delays = wait(block, radio, uplink, mobility, quality, transport, flows, baseband.overload)
    throughput = share(block, demand, radio, uplink, transport, packets, delays)
    names = resolve(block, transport, flows, delays)
    voice = call(block, demand, radio, uplink, mobility, setup, quality, transport, flows)

    stages = (radio, uplink, users, baseband, entry, mobility, setup, session, quality, transport, volumes, flows)
    reported: dict[str, Column] = {}
    for stage in (*stages, packets, delays, throughput, names, voice):
        reported.update(vars(stage))
    _leave_out(reported)
    return reported


def _leave_out(reported: dict[str, Column]) -> None:
    """Real exporters report nothing where a mean has no samples, and nothing measured by a cell that is off."""
    rules = (
        (NO_REPORTS, reported["cqi_reports"] < 1),
        (NO_FLOWS, reported["flows_new"] < 1),
        (("pkt_size_dl_b",), reported["pkts_dl"] < 1),
        (("dns_rt_ms",), reported["dns_ok"] + reported["dns_nx"] < 1),
        (("cp_setup_ms",), reported["rrc_succ"] < 1),
        (("voice_loss_pct",), reported["voice_succ"] < 1),
        (OFF_AIR, reported["up"] <= 0),
    )
    for names, absent in rules:
        rows = np.flatnonzero(absent)
        for name in names if rows.size else ():
            reported[name][rows] = np.nan
