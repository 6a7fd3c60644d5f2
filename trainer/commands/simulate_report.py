"""Report of `faultline-trainer simulate` for a program: the scenario that was played."""

from detector.json_document import make_document
from detector.terminal import print_document
from trainer.commands.documents import SimulationDocument
from trainer.console import progress_on_stderr
from trainer.simulation.episodes_file import count_episodes
from trainer.simulation.request import SimulationRequest
from trainer.simulation.run import simulate


def print_simulation(request: SimulationRequest, *, json: bool) -> None:
    """Play the scenario; with `json`, print what was played. Raises OperatorError."""
    with progress_on_stderr(json):
        play = simulate(request)
    if json:
        first, last = play.span
        out = str(request.out) if request.out else None
        episodes = count_episodes(request.out / "episodes.csv") if request.out else None
        content = {"out": out, "kafka": request.kafka, "cells": play.network.cells, "episodes": episodes}
        print_document(make_document(SimulationDocument, content, first=first, last=last))
