"""Causal chain of a cell-minute: 17 stages from demand to the 130 reported features.

The chain has no knowledge of faults: they only set its knobs. A stage's field with the name of a feature is that
feature, in the unit of the catalogue. The other fields are intermediate quantities for later stages.
"""

import numpy as np
from numpy.typing import NDArray

from trainer.simulator.catalogue import catalogue
from trainer.simulator.chain.baseband import simulate_baseband
from trainer.simulator.chain.connection import open_sessions, set_up_connections
from trainer.simulator.chain.demand import Block, draw_demand
from trainer.simulator.chain.mobility import simulate_mobility
from trainer.simulator.chain.quality import simulate_link_quality
from trainer.simulator.chain.radio import simulate_downlink
from trainer.simulator.chain.random_access import simulate_random_access
from trainer.simulator.chain.services import simulate_dns, simulate_voice
from trainer.simulator.chain.throughput import compute_delays, compute_throughput
from trainer.simulator.chain.traffic import open_flows, send_packets, split_volume
from trainer.simulator.chain.transport import simulate_transport
from trainer.simulator.chain.uplink import simulate_uplink
from trainer.simulator.chain.users import count_connected, count_users
from trainer.simulator.faults.knobs import Knobs, neutral_knobs
from trainer.simulator.faults.nuisances import apply_nuisances
from trainer.simulator.network.network import Network
from trainer.simulator.noise import Noise
from trainer.simulator.randomness import Column, HashedDraws

BLOCK_ROWS = 16_384
"""Rows simulated together: few enough that a column stays in the processor's cache, many enough that numpy's
overhead per call is negligible."""

NO_REPORTS = (
    *("cqi_mean", "mcs_mean_dl", "rsrp_mean_dbm", "sinr_mean_db", "rank_mean_dl", "ul_sinr_db", "mcs_mean_ul"),
    *("phr_neg_pct", "delay_air_dl_ms", "delay_rlc_dl_ms", "delay_ul_ms", "ue_thp_dl_kbps", "ue_thp_ul_kbps"),
    "sched_ue_tti_dl",
)
"""Means over terminals: not reported in a minute without a CQI report."""
NO_FLOWS = ("rtt_core_ms", "rtt_access_ms", "rtt_access_p95_ms", "flow_dur_s")
"""Means over flows: not reported in a minute without a new flow."""
OFF_AIR = (
    *("ul_ni_dbm", "ul_ni_max_dbm", "rssi_br0_dbm", "rssi_br1_dbm", "tx_power_dbm", "gtp_delay_ms", "gtp_jitter_ms"),
    *("sync_offset_ns", "cpu_load_pct", "temp_c"),
)
"""Measurements of the cell itself: not reported while it is out of service."""


def records(
    network: Network, cell: NDArray[np.integer], minute: NDArray[np.integer], knobs: Knobs | None = None
) -> NDArray[np.float32]:
    """Return the true values of all features for each (cell, minute); NaN is "not reported".

    Minutes count from 1970-01-01 00:00 local time. The function is pure: a row has the same bits alone, in any order
    and beside any other rows. `knobs` default to neutral; the caller's arrays stay unchanged.
    # cell [n], minute [n], knobs [n] each -> [n, 130]
    """
    cells, minutes = np.asarray(cell, np.int64), np.asarray(minute, np.int64)
    values = np.empty((len(cells), len(catalogue())), np.float32)
    for begin in range(0, len(cells), BLOCK_ROWS):
        rows = slice(begin, begin + BLOCK_ROWS)
        block_knobs = None if knobs is None else {name: column[rows].copy() for name, column in knobs.items()}
        reported = _simulate(network, cells[rows], minutes[rows], block_knobs)
        for position, name in enumerate(catalogue().names):
            values[rows, position] = reported[name]
    return values


def _simulate(
    network: Network, cell: NDArray[np.int64], minute: NDArray[np.int64], knobs: Knobs | None
) -> dict[str, Column]:
    """Return every field of every stage by name; the knobs are changed in place. # [n], [n] -> [n] each"""
    block = _make_block(network, cell, minute, knobs)
    apply_nuisances(block.knobs, block.noise, block.cells.type)
    reported: dict[str, Column] = {}
    for stage in _run_stages(block):
        reported.update(vars(stage))
    _blank_unreported(reported)
    return reported


def _make_block(network: Network, cell: NDArray[np.int64], minute: NDArray[np.int64], knobs: Knobs | None) -> Block:
    cells = network.statics.at(cell)
    entities = {
        "cell": cell.astype(np.uint64),
        "site": cells.site.astype(np.uint64),
        "region": cells.region.astype(np.uint64),
    }
    return Block(
        network=network,
        cells=cells,
        minute=minute,
        hour=(minute % 1440).astype(np.float32) / 60,
        knobs=neutral_knobs(len(cell)) if knobs is None else knobs,
        draws=HashedDraws.of(network.seed, "minutes", cell, minute),
        noise=Noise(network.seed, minute.astype(np.uint64), entities),
    )


def _run_stages(block: Block) -> tuple[object, ...]:
    """Return the stages of the chain that hold reported features; each depends on earlier ones only."""
    demand = draw_demand(block)
    radio = simulate_downlink(block, demand)
    connected_users = count_connected(block, demand, radio)
    uplink = simulate_uplink(block, demand, radio, connected_users)
    users = count_users(block, radio, uplink, connected_users)
    baseband = simulate_baseband(block, demand, radio)
    access = simulate_random_access(block, demand, radio, uplink)
    mobility = simulate_mobility(block, demand, radio, uplink, connected_users)
    setup = set_up_connections(
        block,
        demand=demand,
        radio=radio,
        uplink=uplink,
        access=access,
        mobility=mobility,
        baseband=baseband,
        connected_users=connected_users,
    )
    session = open_sessions(
        block, radio=radio, uplink=uplink, access=access, mobility=mobility, baseband=baseband, setup=setup
    )
    quality = simulate_link_quality(
        block, demand=demand, radio=radio, uplink=uplink, users=users, overload=baseband.overload
    )
    transport = simulate_transport(block, demand, radio)
    volumes = split_volume(block, demand, radio, uplink)
    flows = open_flows(
        block,
        demand=demand,
        radio=radio,
        access=access,
        session=session,
        connected_users=connected_users,
        volumes=volumes,
    )
    packets = send_packets(
        block,
        demand=demand,
        radio=radio,
        uplink=uplink,
        mobility=mobility,
        quality=quality,
        transport=transport,
        volumes=volumes,
        flows=flows,
        overload=baseband.overload,
    )
    delays = compute_delays(
        block,
        radio=radio,
        uplink=uplink,
        mobility=mobility,
        quality=quality,
        transport=transport,
        flows=flows,
        overload=baseband.overload,
    )
    throughput = compute_throughput(
        block, demand=demand, radio=radio, uplink=uplink, transport=transport, packets=packets, delays=delays
    )
    dns = simulate_dns(block, transport, flows, delays)
    voice = simulate_voice(
        block,
        demand=demand,
        radio=radio,
        uplink=uplink,
        mobility=mobility,
        setup=setup,
        quality=quality,
        transport=transport,
        flows=flows,
    )
    radio_stages = (radio, uplink, users, baseband, access, mobility, setup, session, quality)
    return (*radio_stages, transport, volumes, flows, packets, delays, throughput, dns, voice)


def _blank_unreported(reported: dict[str, Column]) -> None:
    """Set to NaN, in place, means without a sample and measurements of a cell out of service, as real exporters do."""
    rules = (
        (NO_REPORTS, reported["cqi_reports"] < 1),
        (NO_FLOWS, reported["flows_new"] < 1),
        (("pkt_size_dl_b",), reported["pkts_dl"] < 1),
        (("dns_rt_ms",), reported["dns_ok"] + reported["dns_nx"] < 1),
        (("cp_setup_ms",), reported["rrc_succ"] < 1),
        (("voice_loss_pct",), reported["voice_succ"] < 1),
        (OFF_AIR, reported["uptime"] <= 0),
    )
    for features, unreported in rules:
        rows = np.flatnonzero(unreported)
        for name in features if rows.size else ():
            reported[name][rows] = np.nan
