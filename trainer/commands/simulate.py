"""Play a scenario: write a simulated network's history in Parquet, or send its records to Kafka.

The same command continues a history that was interrupted.

Examples:

    faultline-trainer simulate quiet-week --out history/
    faultline-trainer simulate quiet-week --out history/ --period 15
    faultline-trainer simulate quiet-week --kafka --now --speed 60
"""

import argparse

from detector.commands.argument_types import file_path, folder_path, number, plain_text, whole_number
from detector.commands.arguments import add_json_argument
from detector.core.vocabulary import PERIODS
from trainer.commands.arguments import positive
from trainer.simulation.request import SimulationRequest

HELP = "play a scenario: write a simulated network's history, or send it to Kafka"

SPEEDS = "real, max, or a factor such as 60"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scenario", type=plain_text, help="name of a shipped scenario, or a YAML file")
    parser.add_argument("--out", type=folder_path, help="folder for Parquet, episodes.csv and catalogue.yaml")
    parser.add_argument("--kafka", action="store_true", help="send the records to the input topic of --config")
    parser.add_argument(
        "--config",
        type=file_path,
        default=file_path("config.yaml"),
        help="configuration file for --kafka (default: %(default)s)",
    )
    parser.add_argument("--speed", default="max", help=f"speed of sending: {SPEEDS} (default: %(default)s)")
    parser.add_argument("--now", action="store_true", help="play the last days; with --speed real, from this minute on")
    parser.add_argument("--cells", type=positive, help="number of cells (default: the scenario's)")
    parser.add_argument("--days", type=number(0, above=True), help="number of days (default: the scenario's)")
    parser.add_argument("--seed", type=whole_number(0), help="seed of the network (default: the scenario's)")
    parser.add_argument(
        "--period",
        type=int,
        choices=PERIODS,
        default=1,
        help="minutes that a record stands for; counters are added up, the rest are means (default: %(default)s)",
    )
    parser.add_argument("--labels", action="store_true", help="also write the fault of each minute, under _labels/")
    parser.add_argument("--workers", type=positive, default=2, help="processes that simulate (default: %(default)s)")
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    request = SimulationRequest(
        scenario=arguments.scenario,
        out=arguments.out,
        kafka=arguments.kafka,
        config=arguments.config,
        speed=arguments.speed,
        now=arguments.now,
        cells=arguments.cells,
        days=arguments.days,
        seed=arguments.seed,
        period=arguments.period,
        labels=arguments.labels,
        workers=arguments.workers,
    )
    from trainer.commands.simulate_report import print_simulation

    print_simulation(request, json=arguments.json)
    return 0
