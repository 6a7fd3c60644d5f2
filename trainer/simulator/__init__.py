"""A mobile network to learn from: what every cell reports of every minute, with or without a fault."""

from trainer.simulator.catalogue import catalogue
from trainer.simulator.chain import records
from trainer.simulator.classes import FAULTS
from trainer.simulator.delivery import Delivery, deliver, partial
from trainer.simulator.effects import effects
from trainer.simulator.episodes import Episode, apply, draw_severity
from trainer.simulator.faults import FaultClass
from trainer.simulator.knobs import neutral
from trainer.simulator.life import Life
from trainer.simulator.measurement import Measurement, delivered, measure
from trainer.simulator.network import Network
from trainer.simulator.operators import OPERATOR_A, OPERATOR_B, Operator
from trainer.simulator.plays import Play
from trainer.simulator.procedural import random_family, random_fault
from trainer.simulator.random_operators import random_operator
from trainer.simulator.scenario import Scenario, play, read_scenario, write_scenario

__all__ = [
    "FAULTS",
    "OPERATOR_A",
    "OPERATOR_B",
    "Delivery",
    "Episode",
    "FaultClass",
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
