"""`faultline-trainer simulate`: a network's life, as a history in Parquet or as live records on the input topic."""

import argparse
from pathlib import Path

from trainer.commands.arguments import positive

HELP = "play a scenario: write a simulated network's history, or feed it to Kafka"

PACES = "real, max, or a factor such as 60"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scenario", help="a shipped scenario's name, or a YAML file")
    parser.add_argument("--out", type=Path, help="folder for Parquet, episodes.csv and catalogue.yaml")
    parser.add_argument("--kafka", action="store_true", help="send the records to the input topic of --config")
    parser.add_argument("--config", type=Path, default=Path("config.yaml"), help="default: %(default)s")
    parser.add_argument("--speed", default="max", help=f"of sending: {PACES} (default: %(default)s)")
    parser.add_argument(
        "--now", action="store_true", help="play the last days; at the speed of life, from this minute on"
    )
    parser.add_argument("--cells", type=positive, help="instead of the scenario's")
    parser.add_argument("--days", type=float, help="instead of the scenario's")
    parser.add_argument("--seed", type=int, help="of the network, instead of the scenario's")
    parser.add_argument("--labels", action="store_true", help="also write what was wrong in each minute")
    parser.add_argument("--workers", type=positive, default=2, help="processes that simulate (default: %(default)s)")


def run(arguments: argparse.Namespace) -> int:
    from trainer.simulation.run import send, start_now, write
    from trainer.simulator import prepare_scenario, read_scenario
    from trainer.simulator.scenario import ScenarioError, override_scenario

    if (arguments.out is None) == (not arguments.kafka):
        raise ScenarioError("nothing to do, or two things: give either --out DIR or --kafka.")
    scenario = read_scenario(arguments.scenario)
    scenario = override_scenario(scenario, arguments.cells, arguments.days, arguments.seed)
    if arguments.now:
        scenario = override_scenario(scenario, None, None, None, start_now(scenario.days, arguments.speed))
    ready = prepare_scenario(scenario, arguments.scenario)
    if arguments.kafka:
        return send(ready, arguments.config, arguments.speed, arguments.now, arguments.workers)
    return write(scenario, ready, arguments.out, arguments.labels, arguments.workers)
