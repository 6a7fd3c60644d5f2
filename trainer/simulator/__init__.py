"""Simulator of a mobile network: the features of every cell and minute, with or without faults."""

from trainer.simulator.aggregation import aggregate, aggregated_values, catalogue_at
from trainer.simulator.catalogue import catalogue
from trainer.simulator.chain.chain import records
from trainer.simulator.delivery import Delivery, deliver, partial_records
from trainer.simulator.effects import effects
from trainer.simulator.faults.classes import FAULTS
from trainer.simulator.faults.episodes import FaultEpisode, apply_episode, draw_severity
from trainer.simulator.faults.fault_class import FaultClass
from trainer.simulator.faults.knobs import neutral_knobs
from trainer.simulator.faults.procedural import random_family, random_fault
from trainer.simulator.measurement import Measurement, delivered_columns, measure
from trainer.simulator.network.network import Network
from trainer.simulator.network.operators import OPERATOR_A, OPERATOR_B, Operator
from trainer.simulator.network.random_operators import random_operator
from trainer.simulator.prepared_scenario import PreparedScenario
from trainer.simulator.scenario import Scenario, prepare_scenario, read_scenario, write_scenario
from trainer.simulator.timeline import NetworkTimeline

__all__ = [
    "FAULTS",
    "OPERATOR_A",
    "OPERATOR_B",
    "Delivery",
    "FaultClass",
    "FaultEpisode",
    "Measurement",
    "Network",
    "NetworkTimeline",
    "Operator",
    "PreparedScenario",
    "Scenario",
    "aggregate",
    "aggregated_values",
    "apply_episode",
    "catalogue",
    "catalogue_at",
    "deliver",
    "delivered_columns",
    "draw_severity",
    "effects",
    "measure",
    "neutral_knobs",
    "partial_records",
    "prepare_scenario",
    "random_family",
    "random_fault",
    "random_operator",
    "read_scenario",
    "records",
    "write_scenario",
]
