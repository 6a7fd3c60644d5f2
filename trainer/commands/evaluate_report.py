"""Report of `faultline-trainer evaluate`: figures, pictures and confusions of one or more bundles."""

import json as json_text
from collections.abc import Sequence
from typing import Any

from detector.backtest.matching import Episode, read_episodes
from detector.json_document import make_document, minute_time
from detector.output.claim import claimed_folder
from detector.output.kinds import file_kind, json_with
from detector.terminal import print_document, print_line
from trainer.commands.documents import EvaluationDocument
from trainer.commands.requests import EvaluateRequest
from trainer.console import progress_on_stderr, timed_step
from trainer.evaluation.cases import EvaluationCase, EvaluationError, open_cases, read_case
from trainer.evaluation.report.page import blocks, format_figure
from trainer.evaluation.results import collect_figures
from trainer.evaluation.run import common_classes, cut_case, evaluate_case
from trainer.html_page import PAGE, render, write

PAGE_NAME, DATA_NAME = "evaluate.html", "evaluate.json"

FIGURES = file_kind("figures of this command", json_with(("cases", "seed")))


def print_evaluation(request: EvaluateRequest, *, json: bool) -> None:
    """Measure every case, write the page and the figures, and print a line for each case. Raises OperatorError."""
    cases = _cases(request)
    inputs = [path for case in cases for path in (case.history, case.bundle, case.episodes)]
    with claimed_folder(request.out, {PAGE_NAME: PAGE, DATA_NAME: FIGURES}, inputs=[*inputs, request.teach]):
        _evaluate(request, cases, json=json)


def _evaluate(request: EvaluateRequest, cases: list[EvaluationCase], *, json: bool) -> None:
    taught = read_episodes(request.teach) if request.teach else None
    with progress_on_stderr(json):
        figures = _measure(request, cases, taught)
    if json:
        cases_with_times = [{**case, "taught": _taught_with_times(case)} for case in figures["cases"]]
        page = str(request.out / PAGE_NAME)
        print_document(make_document(EvaluationDocument, {**figures, "cases": cases_with_times}, page=page))
        return
    for case in figures["cases"]:
        _print_case(case, len(figures["classes"]))
    print_line(f"written to {request.out / PAGE_NAME}")


def _measure(request: EvaluateRequest, cases: Sequence[EvaluationCase], taught: list[Episode] | None) -> dict[str, Any]:
    """Measure every case, write the page and the figures, and return the figures. Raises OperatorError."""
    subjects = open_cases(cases)
    cuts = [cut_case(subject, request.seed) for subject in subjects]
    classes = common_classes([windows for windows, _ in cuts], [case.name for case in cases])
    results = [
        evaluate_case(subject, windows, mixed, classes=classes, taught=taught, seed=request.seed)
        for subject, (windows, mixed) in zip(subjects, cuts, strict=True)
    ]
    figures = collect_figures(results, request.seed)
    with timed_step("page"):
        names = ", ".join(case.name for case in cases)
        page = render(f"Evaluation: {names}", blocks(results, figures))
    write(request.out / PAGE_NAME, page)
    write(request.out / DATA_NAME, json_text.dumps(figures, indent=1, allow_nan=False) + "\n")
    return figures


def _taught_with_times(case: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"class": name, "cell": cell, "begin": begin, "begin_time": minute_time(begin)}
        for name, cell, begin in case["taught"]
    ]


def _print_case(case: dict[str, Any], classes: int) -> None:
    one_shot, replay = case["one_shot"]["encoder"], case["replay"]
    print_line(
        f"{case['name']}: one-shot macro-F1 {format_figure(one_shot['macro_f1']['all'])} of {classes} classes;"
        f" in service {format_figure(replay['all_taught']['right'])} named right,"
        f" {format_figure(replay['false_alarms'], 1)} false alarms per 1,000 cells and day, budget {replay['budget']:g}"
    )


def _cases(request: EvaluateRequest) -> list[EvaluationCase]:
    """Return the cases to evaluate. Raises EvaluationError."""
    if request.cases:
        return _named_cases(request)
    if request.history is None or request.bundle is None:
        raise EvaluationError("no case to evaluate; give --history and --bundle, or --case once or more.")
    return [EvaluationCase(request.history.resolve().name, request.history, request.bundle, request.episodes)]


def _named_cases(request: EvaluateRequest) -> list[EvaluationCase]:
    if request.history or request.bundle or request.episodes or request.teach:
        raise EvaluationError(
            "--case cannot be combined with --history, --bundle, --episodes or --teach; leave these out. A case names"
            " its history and bundle, its episodes are the history's episodes.csv, and its examples are drawn by"
            " --seed."
        )
    cases = [read_case(text) for text in request.cases]
    names = [case.name for case in cases]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise EvaluationError(
            f"--case {repeated[0]}: is given {names.count(repeated[0])} times; give each case a name of its own."
        )
    return cases
