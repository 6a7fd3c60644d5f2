"""`faultline-trainer look`: pictures of a scenario or a history, and in words what is to be seen in each."""

import argparse
from pathlib import Path

HELP = "draw a cell's week, faults beside their twins, and the population of a scenario or history"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", help="a shipped scenario's name, a YAML file, or a folder with a history")
    parser.add_argument("--out", type=Path, required=True, help="folder for the pictures, as PNG")
    parser.add_argument("--cell", help="whose week (default: where the gravest episode is, else the busiest)")
    parser.add_argument("--episode", type=int, help="draw only this one: its place in the scenario's list, from 0 on")


def run(arguments: argparse.Namespace) -> int:
    from trainer.console import console
    from trainer.plots import choose_cell, choose_episodes, draw_fault, draw_population, draw_week, open_subject

    subject = open_subject(arguments.what)
    effects = subject.effects()
    episodes = choose_episodes(subject, effects, arguments.episode)
    cell, near = choose_cell(subject, arguments.cell, episodes, effects)

    drawn = [draw_week(subject, cell, near, arguments.out)]
    if subject.scenario is not None:
        drawn += [draw_fault(subject.scenario, number, float(effects[number]), arguments.out) for number in episodes]
    drawn.append(draw_population(subject, arguments.out))
    for path, words in drawn:
        console.print(f"{path}: {words}", markup=False)
    return 0
