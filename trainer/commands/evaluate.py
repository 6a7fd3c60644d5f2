"""`faultline-trainer evaluate`: what a bundle is worth on a history whose episodes are known, as a page and as data."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainer.evaluation.cases import EvaluationCase

HELP = "figures with intervals, pictures and mistakes of a bundle on a history with episodes, as one HTML page"

PAGE, DATA = "evaluate.html", "evaluate.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--history", type=Path, help="folder with Parquet, catalogue.yaml and episodes.csv")
    parser.add_argument("--bundle", type=Path, help="made for that network")
    parser.add_argument(
        "--case",
        action="append",
        default=[],
        metavar="NAME:HISTORY:BUNDLE",
        help="instead of --history and --bundle; several stand side by side",
    )
    parser.add_argument("--out", type=Path, required=True, help=f"folder for {PAGE} and {DATA}")
    parser.add_argument("--episodes", type=Path, help="what befell the network (default: episodes.csv of the history)")
    parser.add_argument("--teach", type=Path, help="the episodes to be taught (default: one each of most classes)")
    parser.add_argument("--seed", type=int, default=0, help="of all that is drawn (default: %(default)s)")


def run(arguments: argparse.Namespace) -> int:
    from detector.backtest.matching import read_episodes
    from detector.backtest.replay import check_writable
    from trainer.console import console, timed_step
    from trainer.evaluation.cases import open_case
    from trainer.evaluation.report.page import blocks, format_figure
    from trainer.evaluation.results import collect_figures
    from trainer.evaluation.run import common_classes, cut_case, evaluate_case
    from trainer.html_page import make_folder, render, write

    cases = _cases(arguments)
    taught = read_episodes(arguments.teach) if arguments.teach else None
    make_folder(arguments.out)
    subjects = [open_case(case) for case in cases]
    check_writable([arguments.out / PAGE, arguments.out / DATA])
    cuts = [cut_case(subject, arguments.seed) for subject in subjects]
    classes = common_classes([windows for windows, _ in cuts], [case.name for case in cases])
    results = [evaluate_case(subject, *one, classes=classes, taught=taught, seed=arguments.seed)
               for subject, one in zip(subjects, cuts, strict=True)]  # fmt: skip
    told = collect_figures(results, arguments.seed)
    with timed_step("page"):
        page = render(f"What the alarms are worth: {', '.join(case.name for case in cases)}", blocks(results, told))
    write(arguments.out / PAGE, page)
    write(arguments.out / DATA, json.dumps(told, indent=1, allow_nan=False) + "\n")
    for case in told["cases"]:
        named, replay = case["one_shot"]["encoder"], case["replay"]
        console.print(
            f"{case['name']}: one-shot macro-F1 {format_figure(named['macro_f1']['all'])} of {len(classes)} classes;"
            f" in service {format_figure(replay['all_taught']['right'])} named right,"
            f" {format_figure(replay['false_alarms'], 1)} false alarms of {replay['budget']:g} promised"
        )
    console.print(f"written to {arguments.out / PAGE}", markup=False)
    return 0


def _cases(arguments: argparse.Namespace) -> "list[EvaluationCase]":
    from trainer.evaluation.cases import EvaluationCase, EvaluationError, read_case

    single = (arguments.history, arguments.bundle)
    if arguments.case:
        if any(single) or arguments.episodes or arguments.teach:
            raise EvaluationError(
                "--case stands alone: each names its history and bundle, with episodes.csv in the history and examples"
                " drawn by the seed; leave out --history, --bundle, --episodes and --teach."
            )
        cases = [read_case(text) for text in arguments.case]
        twice = sorted({one.name for one in cases if [case.name for case in cases].count(one.name) > 1})
        if twice:
            raise EvaluationError(f"--case {twice[0]}: stands there twice; give every case a name of its own.")
        return cases
    if not all(single):
        raise EvaluationError("nothing to evaluate; give --history and --bundle, or one --case or more.")
    return [EvaluationCase(arguments.history.resolve().name, *single, arguments.episodes)]
