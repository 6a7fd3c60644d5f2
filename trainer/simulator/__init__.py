"""A mobile network to learn from: what every cell reports of every minute, with or without a fault."""

from trainer.simulator.catalogue import catalogue
from trainer.simulator.chain import records
from trainer.simulator.classes import FAULTS
from trainer.simulator.episodes import Episode, apply, draw_severity
from trainer.simulator.faults import FaultClass
from trainer.simulator.knobs import neutral
from trainer.simulator.network import Network
from trainer.simulator.operators import OPERATOR_A, OPERATOR_B, Operator
from trainer.simulator.procedural import random_fault

__all__ = [
    "FAULTS",
    "OPERATOR_A",
    "OPERATOR_B",
    "Episode",
    "FaultClass",
    "Network",
    "Operator",
    "apply",
    "catalogue",
    "draw_severity",
    "neutral",
    "random_fault",
    "records",
]
