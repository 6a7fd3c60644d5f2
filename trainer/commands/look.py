"""Draw pictures of a scenario or a history, and print a sentence about each.

Examples:

    faultline-trainer look quiet-week --out pictures/
    faultline-trainer look history/ --cell A00014-2 --out pictures/
"""

import argparse
from pathlib import Path

from detector.commands.argument_types import folder_path, plain_text, whole_number
from detector.commands.arguments import add_json_argument

HELP = "draw a cell's week, faults beside normal life, and the population of a scenario or history"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what", type=plain_text, help="name of a shipped scenario, a YAML file, or a folder with a history"
    )
    parser.add_argument("--out", type=folder_path, required=True, help="folder for the pictures, as PNG")
    parser.add_argument(
        "--cell",
        type=plain_text,
        help="cell whose week is drawn (default: that of the gravest episode, else the busiest)",
    )
    parser.add_argument(
        "--episode", type=whole_number(0), help="number of the only episode to draw, from 0 on in the scenario's list"
    )
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    from detector.output.claim import claimed_folder

    with claimed_folder(arguments.out, {}, inputs=[Path(arguments.what)]):
        return _draw(arguments)


def _draw(arguments: argparse.Namespace) -> int:
    from trainer.commands.look_report import print_pictures
    from trainer.plots import choose_cell, choose_episodes, draw_fault, draw_population, draw_week, open_subject

    subject = open_subject(arguments.what)
    effects = subject.effects()
    episodes = choose_episodes(subject, effects, arguments.episode)
    cell, near = choose_cell(subject, arguments.cell, episodes, effects)

    pictures = [draw_week(subject, cell, near, arguments.out)]
    if subject.scenario is not None:
        pictures += [draw_fault(subject.scenario, number, float(effects[number]), arguments.out) for number in episodes]
    pictures.append(draw_population(subject, arguments.out))
    print_pictures(pictures, json=arguments.json)
    return 0
