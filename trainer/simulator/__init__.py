"""A mobile network to learn from: what every cell reports of every minute, with or without a fault."""

from trainer.simulator.catalogue import catalogue
from trainer.simulator.chain.chain import records
from trainer.simulator.delivery import Delivery, deliver, partial
from trainer.simulator.effects import effects
from trainer.simulator.faults.classes import FAULTS
from trainer.simulator.faults.episodes import FaultEpisode, apply, draw_severity
from trainer.simulator.faults.fault_class import FaultClass
from trainer.simulator.faults.knobs import neutral
from trainer.simulator.faults.procedural import random_family, random_fault
from trainer.simulator.life import Life
from trainer.simulator.measurement import Measurement, delivered, measure
from trainer.simulator.network.network import Network
from trainer.simulator.network.operators import OPERATOR_A, OPERATOR_B, Operator
from trainer.simulator.network.random_operators import random_operator
from trainer.simulator.plays import Play
from trainer.simulator.scenario import Scenario, play, read_scenario, write_scenario

__all__ = [
    "FAULTS",
    "OPERATOR_A",
    "OPERATOR_B",
    "Delivery",
    "FaultClass",
    "FaultEpisode",
    "Life",
    "Measurement",
    "Network",
    "Operator",
    "Play",
    "Scenario",
    "apply",
    "catalogue",
    "deliver",
    "delivered",
    "draw_severity",
    "effects",
    "measure",
    "neutral",
    "partial",
    "play",
    "random_family",
    "random_fault",
    "random_operator",
    "read_scenario",
    "records",
    "write_scenario",
]
