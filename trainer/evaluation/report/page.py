"""Page of an evaluation: the meaning of each figure, plots, tables and method. All numbers come from `figures`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from detector.backtest.matching import VISIBLE
from trainer.evaluation.baseline_methods import ENCODER, WARPED_EPISODES
from trainer.evaluation.dataset import SINCE_ONSET
from trainer.evaluation.replay import OUTCOMES, ReplayOutcome
from trainer.evaluation.report.confusion_plots import caption, draw_mistake
from trainer.evaluation.report.plots import draw_confusion, draw_false_alarms, draw_minutes, draw_outcomes
from trainer.evaluation.report.projection import draw_map
from trainer.evaluation.run import SEVERITIES, EvaluationResult, MethodAnswers
from trainer.html_page import Block, Figure, Heading, PageTable, Paragraph
from trainer.metrics.nearest_exemplar import DRAWS

NO_FIGURE = "–"


def blocks(results: Sequence[EvaluationResult], figures: Mapping[str, Any]) -> list[Block]:
    """Return the blocks of the whole page, in order."""
    sections = (
        _overview,
        _one_shot,
        _groups,
        _confusion_matrices,
        _replays,
        _false_alarms,
        _unknowns,
        _maps,
        _mistakes,
        _method,
    )
    return [block for section in sections for block in section(results, figures)]


def format_figure(value: Sequence[float | None] | None, digits: int = 2) -> str:
    """Return a figure with its interval as text."""
    if value is None or value[0] is None:
        return NO_FIGURE
    middle, low, high = (f"{number:.{digits}f}" for number in value if number is not None)
    return f"{middle} ({low}–{high})"


def _names(figures: Mapping[str, Any]) -> list[str]:
    return [case["name"] for case in figures["cases"]]


def _side_by_side(figures: Mapping[str, Any], caption: str, rows: Mapping[str, Any]) -> PageTable:
    """Return a table with a column for each case; each row is a function of the case."""
    cells = [[name, *(row(case) for case in figures["cases"])] for name, row in rows.items()]
    return PageTable(caption, ["", *_names(figures)], cells)


def _overview(results: Sequence[EvaluationResult], figures: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading("Summary")
    yield Paragraph(
        "Each fault class is taught with one example, and later episodes must be recognised. The first part names"
        " single windows by the nearest exemplar. The second part replays the history through the daemon's pipeline."
        " Figures are given with their 95 % intervals."
    )

    def encoder(case: Mapping[str, Any]) -> Mapping[str, Any]:
        return dict(case["one_shot"][ENCODER])

    yield _side_by_side(
        figures,
        f"Main figures over {len(figures['classes'])} classes; a random name is right with {figures['chance']:.2f}."
        f" Visible episodes have an effect of {VISIBLE:g} or more: a person would see them.",
        {
            "history": lambda case: case["history"],
            "bundle": lambda case: f"{case['bundle']} ({case['encoder']}, {case['features']} features)",
            "cell-days": lambda case: f"{case['replay']['cell_days']:,.0f}",
            "episodes listed, used": lambda case: f"{case['listed_episodes']}, {case['used_episodes']}",
            "one exemplar, one window: macro-F1": lambda case: format_figure(encoder(case)["macro_f1"]["all"]),
            "the same, visible episodes": lambda case: format_figure(encoder(case)["macro_f1"]["visible"]),
            "replay: episodes of taught faults named right": lambda case: format_figure(
                case["replay"]["all_taught"]["right"]
            ),
            "minutes to the alarm: median, 90 % quantile": lambda case: _minutes(case["replay"]["all_taught"]),
            "false alarms per 1,000 cells and day": lambda case: format_figure(case["replay"]["false_alarms"], 1),
            "budget of false alarms": lambda case: f"{case['replay']['budget']:g}",
            "untaught faults against normal windows: AUROC": lambda case: format_figure(case["unknown_auroc"]),
        },
    )


def _one_shot(results: Sequence[EvaluationResult], figures: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading("One exemplar, one window")
    yield Paragraph(
        "An exemplar is the mean of an episode's windows, as for a label. A question is a single window of another"
        " event in another cell. The encoder is compared with methods without training; it is worth what it adds to the"
        f" best of them. DTW is slow, so it is asked about {WARPED_EPISODES} episodes of a class, with one window of"
        " each. The encoder is asked the same few questions once more: compare these two rows."
    )
    columns = [f"{name}{suffix}" for name in _names(figures) for suffix in ("", ", visible")]
    for key, title in (("macro_f1", "Macro-F1"), ("right", "Share named right, mean over classes")):
        rows = [
            [
                method,
                *(
                    _method_cell(case["one_shot"].get(method), key, group)
                    for case in figures["cases"]
                    for group in ("all", "visible")
                ),
            ]
            for method in figures["cases"][0]["one_shot"]
        ]
        yield PageTable(f"{title}, by method: over all episodes, and over the visible ones.", ["", *columns], rows)


def _method_cell(method: Mapping[str, Any] | None, key: str, group: str) -> str:
    if method is None:
        return NO_FIGURE
    return f"{method['missing']} is not installed" if "missing" in method else format_figure(method[key][group])


def _groups(results: Sequence[EvaluationResult], figures: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading("By minutes, severity and class")
    complete = {
        result.subject.case.name: {
            name: answers.result
            for name, answers in result.answers.items()
            if isinstance(answers, MethodAnswers) and answers.is_complete
        }
        for result in results
    }
    yield Figure(
        draw_minutes(figures["chance"], complete),
        "Share named right by the minutes of the fault in the window. A good encoder lies above the other methods from"
        " the first minutes on. Bars are 95 % intervals.",
    )

    def encoder_figure(case: Mapping[str, Any], key: str, name: str) -> str:
        return format_figure(case["one_shot"][ENCODER][key].get(name))

    groups = [f"{minutes} minutes" for minutes in SINCE_ONSET] + [f"severity {name}" for name, _, _ in SEVERITIES]
    rows = {name: lambda case, n=name: encoder_figure(case, "right", n) for name in groups}
    yield _side_by_side(figures, "Encoder: share named right, by minutes of the fault seen and by severity.", rows)
    rows = {name: lambda case, n=name: encoder_figure(case, "by_class", n) for name in figures["classes"]}
    yield _side_by_side(
        figures,
        "Encoder: share named right, by class. Intervals count events and are wide for few events.",
        rows,
    )


def _confusion_matrices(results: Sequence[EvaluationResult], figures: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading("Confusion matrix")
    for result in results:
        encoder = result.answers[ENCODER]
        assert isinstance(encoder, MethodAnswers)
        yield Figure(
            draw_confusion(result.classes, encoder.result.confusion),
            f"{result.subject.case.name}: a row is the true class, a column the name that the encoder gives; darker is"
            " more often. A perfect encoder is dark on the diagonal alone. A dark column is a name that is given"
            " whenever the encoder is in doubt.",
        )


def _replays(results: Sequence[EvaluationResult], figures: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading("Replay")
    yield Paragraph(
        "The history is replayed through the daemon's pipeline at its default settings, from the first minute to the"
        " last. An episode is named right if an alarm with its name is raised between its begin and an hour after its"
        " end. It is misnamed if only other names are raised. Otherwise it is called unknown, or missed. Taught"
        " episodes are not counted."
    )
    for result, case in zip(results, figures["cases"], strict=True):
        yield Heading(case["name"], 3)
        yield Figure(
            draw_outcomes(_in_order(_outcomes(result.replay))),
            "Outcomes of each class's episodes, with the number of events in brackets. Blue is good; for an untaught"
            " class, unknown is the right answer.",
        )
        yield PageTable(
            "The same with intervals, and minutes from begin to alarm: median and 90 % quantile. An event in several"
            " cells counts once, by the mean of its cells.",
            ["", "events", "episodes", *OUTCOMES, "minutes"],
            [_outcome_row(name, outcome) for name, outcome in _in_order(case["replay"]).items()],
        )


def _outcomes(replay: ReplayOutcome) -> dict[str, Any]:
    return {name: getattr(replay, name) for name in ("taught", "all_taught", "untaught", "all_untaught")}


def _in_order(replay: Mapping[str, Any]) -> dict[str, Any]:
    """Return the rows of taught classes and their sum, then those of untaught classes."""
    return {
        **replay["taught"],
        "all taught": replay["all_taught"],
        **{f"{name}, untaught": outcome for name, outcome in replay["untaught"].items()},
        "all untaught": replay["all_untaught"],
    }


def _outcome_row(name: str, outcome: Mapping[str, Any]) -> list[str]:
    shares = [format_figure(outcome[key]) for key in OUTCOMES]
    return [name, str(outcome["events"]), str(outcome["episodes"]), *shares, _minutes(outcome)]


def _minutes(outcome: Mapping[str, Any]) -> str:
    minutes = outcome["minutes"]
    return NO_FIGURE if minutes is None else f"{minutes[0]:.0f}, {minutes[1]:.0f}"


def _false_alarms(results: Sequence[EvaluationResult], figures: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading("False alarms against the budget")
    by_case = {result.subject.case.name: (result.replay.budget, result.replay.false_rate) for result in results}
    yield Figure(
        draw_false_alarms(by_case),
        "The budget is kept if the orange mark lies within the interval or to the right of it. An alarm is false if no"
        " fault is listed in its cell from its begin to an hour after its end, also for a harmless look-alike.",
    )
    for case in figures["cases"]:
        if case["calibrated_on"] == case["history"]:
            yield Paragraph(
                f"{case['name']}: this bundle was calibrated on this very history, so its faults counted as normal."
                " Thresholds are too high, and faults are missed that would otherwise be named."
            )
    yield _side_by_side(
        figures,
        "False alarms per 1,000 cells and day. One with a name would send somebody to look for that fault.",
        {
            "budget": lambda case: f"{case['replay']['budget']:g}",
            "counted": lambda case: format_figure(case["replay"]["false_alarms"], 1),
            "of these with a name": lambda case: format_figure(case["replay"]["false_alarms_named"], 1),
            "over cell-days": lambda case: f"{case['replay']['cell_days']:,.0f}",
            "cell-days of the calibration": lambda case: f"{case['replay']['calibrated_on_cell_days']:,.0f}",
        },
    )


def _unknowns(results: Sequence[EvaluationResult], figures: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading("Untaught faults")
    yield _side_by_side(
        figures,
        "AUROC of the unknown score: single windows of untaught faults against windows of cells without a listed"
        " episode. 0.5 is a guess and 1 is perfect. A fault that resembles a taught class gets that name and is not"
        " called unknown; the third line is the figure with nothing taught.",
        {
            "all episodes": lambda case: format_figure(case["unknown_auroc"]),
            "visible episodes": lambda case: format_figure(case["unknown_auroc_visible"]),
            "all episodes, nothing taught": lambda case: format_figure(case["unknown_auroc_nothing_taught"]),
            "untaught classes": lambda case: str(len(case["untaught"])),
            "normal windows": lambda case: f"{case['normal_windows']:,}",
        },
    )


def _maps(results: Sequence[EvaluationResult], figures: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading("Map of the embeddings")
    for result in results:
        normal = result.subject.encode(result.windows.normal_windows).direction.astype("float32")
        png, share = draw_map(result.windows, result.classes, result.directions, normal)
        yield Figure(
            png,
            f"{result.subject.case.name}: all questions in grey, one class in blue in each panel, normal windows in"
            f" orange. The axes are two principal components with {share:.0%} of the variance. Separate points are"
            " separate in the embedding; near points may still differ in the other dimensions. A good class is one"
            " tight cloud of its own. Normal windows have no common direction and may lie anywhere.",
        )


def _mistakes(results: Sequence[EvaluationResult], figures: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading("The most confident confusions")
    yield Paragraph(
        "Windows that lie nearer to an exemplar of another class than to any exemplar of their own, one for each pair"
        " of classes. The window is black; the exemplars are blue (right class) and orange (wrong class). A panel"
        " in which black follows orange shows the cause."
    )
    for result in results:
        name, catalogue = result.subject.case.name, result.subject.bundle.catalogue
        for mistake in result.mistakes:
            png = draw_mistake(mistake, result.windows, catalogue)
            yield Figure(png, f"{name}: {caption(mistake, result.windows, catalogue)}")
        if not result.mistakes:
            yield Paragraph(f"{name}: none; every window lies nearest to its own class.")


def _method(results: Sequence[EvaluationResult], figures: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading("Method")
    mixed = ", ".join(f"{case['name']}: {case['mixed_episodes']}" for case in figures["cases"])
    yield Paragraph(
        f"One exemplar of each class is drawn {DRAWS} times; questions of the same event or cell are left out of that"
        " draw. Classes weigh alike, and so do events within a class. Intervals are a bootstrap over events; Wilson's"
        " for a class's events, Poisson's for alarms. An event is a class in one minute, in any number of cells. Left"
        f" out are episodes with another class in the same cell ({mixed}), and windows with too little reported."
        " Classes that the encoder was trained on are easier than others; the page cannot know which these are. Seed"
        f" {figures['seed']}: the same files and seed give the same page."
    )
    for case in figures["cases"]:
        taught = ", ".join(f"{name} in {cell} at {begin}" for name, cell, begin in case["taught"])
        yield Paragraph(f"Taught for the replay of {case['name']} (minutes since 1970): {taught}.")
