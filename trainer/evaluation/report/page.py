"""The page: what each figure means, what is to be seen, and how it was measured. All numbers come from `figures`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from detector.backtest.matching import VISIBLE
from trainer.evaluation.baseline_methods import ENCODER, WARPED_EPISODES
from trainer.evaluation.dataset import SINCE_ONSET
from trainer.evaluation.replay import ReplayOutcome
from trainer.evaluation.report.confusion_plots import caption, draw_mistake
from trainer.evaluation.report.plots import draw_confusion, draw_false_alarms, draw_minutes, draw_outcomes
from trainer.evaluation.report.projection import draw_map
from trainer.evaluation.run import SEVERITIES, EvaluationResult, MethodAnswers
from trainer.html_page import Block, Figure, Heading, Paragraph, Table

NO_FIGURE = "–"


def blocks(results: Sequence[EvaluationResult], told: Mapping[str, Any]) -> list[Block]:
    """The whole page, a part after the other."""
    parts = (_overview, _one_shot, _closer, _confusions, _replays, _false_alarms, _unknowns, _maps, _mistakes, _method)
    return [block for part in parts for block in part(results, told)]


def format_figure(value: Sequence[float | None] | None, digits: int = 2) -> str:
    """A figure with its interval, for a person."""
    if value is None or value[0] is None:
        return NO_FIGURE
    middle, *ends = (f"{one:.{digits}f}" for one in value if one is not None)
    return f"{middle} ({ends[0]}–{ends[1]})"


def _names(told: Mapping[str, Any]) -> list[str]:
    return [case["name"] for case in told["cases"]]


def _side_by_side(told: Mapping[str, Any], caption: str, rows: Mapping[str, Any]) -> Table:
    """A column for each case; a row is a function of the case."""
    cells = [[name, *(row(case) for case in told["cases"])] for name, row in rows.items()]
    return Table(caption, ["", *_names(told)], cells)


def _overview(results: Sequence[EvaluationResult], told: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading("In short")
    yield Paragraph(
        "Every fault class is shown once, and what comes later is to be recognised. First windows are named by the"
        " nearest example, as an examination; then the history goes through the daemon's own pipeline, as in service."
        " Figures stand with their 95 % intervals."
    )

    def encoder(case: Mapping[str, Any]) -> Mapping[str, Any]:
        return dict(case["one_shot"][ENCODER])

    yield _side_by_side(
        told,
        f"What was measured. {len(told['classes'])} classes, so that guessing names {told['chance']:.2f} right. "
        f"Visible means an effect of {VISIBLE:g} and more: a person would see it.",
        {
            "history": lambda case: case["history"],
            "bundle": lambda case: f"{case['bundle']} ({case['encoder']}, {case['features']} features)",
            "cell-days": lambda case: f"{case['replay']['cell_days']:,.0f}",
            "episodes listed, used": lambda case: f"{case['listed_episodes']}, {case['used_episodes']}",
            "one example, one window: macro-F1": lambda case: format_figure(encoder(case)["macro_f1"]["all"]),
            "the same, visible episodes": lambda case: format_figure(encoder(case)["macro_f1"]["visible"]),
            "in service: episodes of taught faults named right": lambda case: format_figure(
                case["replay"]["all_taught"]["right"]
            ),
            "minutes until then: median, nine of ten": lambda case: _minutes(case["replay"]["all_taught"]),
            "false alarms per 1,000 cells and day": lambda case: format_figure(case["replay"]["false_alarms"], 1),
            "of them promised": lambda case: f"{case['replay']['budget']:g}",
            "untaught faults told from normal: AUROC": lambda case: format_figure(case["unknown_auroc"]),
        },
    )


def _one_shot(results: Sequence[EvaluationResult], told: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading("One example, one window")
    yield Paragraph(
        "An example is an episode: the mean of its windows, as a label is. A question is a single window of another"
        " event in another cell. Beside the encoder stands what needs no training: the encoder is worth what it adds to"
        f" the best of them. DTW is slow, so it is asked {WARPED_EPISODES} episodes a class, one window each, and the"
        " encoder once more the same few questions: compare these two."
    )
    columns = [f"{name}{which}" for name in _names(told) for which in ("", ", visible")]
    for name, words in (("macro_f1", "Macro-F1"), ("right", "Share named right, mean over classes")):
        rows = [
            [method, *(_cell(case["one_shot"].get(method), name, which)
                       for case in told["cases"] for which in ("all", "visible"))]
            for method in told["cases"][0]["one_shot"]
        ]  # fmt: skip
        yield Table(f"{words}, by method: of all episodes, and of the visible ones.", ["", *columns], rows)


def _cell(method: Mapping[str, Any] | None, name: str, group: str) -> str:
    if method is None:
        return NO_FIGURE
    return f"{method['missing']} is not installed" if "missing" in method else format_figure(method[name][group])


def _closer(results: Sequence[EvaluationResult], told: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading("By minutes, severity and class")
    full = {
        result.subject.case.name: {
            name: one.named for name, one in result.answers.items() if isinstance(one, MethodAnswers) and one.whole
        }
        for result in results
    }
    yield Figure(
        draw_minutes(told["chance"], full),
        "How soon a fault is recognised: the longer it has lasted, the more of the window is of it. An encoder worth"
        " its name lies above the other lines from the first minutes on; bars are 95 % intervals.",
    )

    def right(case: Mapping[str, Any], kind: str, name: str) -> str:
        return format_figure(case["one_shot"][ENCODER][kind].get(name))

    groups = [f"{minutes} minutes" for minutes in SINCE_ONSET] + [f"severity {name}" for name, _, _ in SEVERITIES]
    rows = {name: lambda case, n=name: right(case, "right", n) for name in groups}
    yield _side_by_side(told, "The encoder: share named right, by minutes of the fault seen, and by severity.", rows)
    rows = {name: lambda case, n=name: right(case, "by_class", n) for name in told["classes"]}
    yield _side_by_side(
        told,
        "The encoder: share named right, by class. Intervals count events: where there are few, they are wide.",
        rows,
    )


def _confusions(results: Sequence[EvaluationResult], told: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading("What is taken for what")
    for result in results:
        encoder = result.answers[ENCODER]
        assert isinstance(encoder, MethodAnswers)
        yield Figure(
            draw_confusion(result.classes, encoder.named.confusion),
            f"{result.subject.case.name}: a row is what it was, a column what the encoder called it, darker is more"
            " often; a perfect one is dark on the diagonal alone. A dark column is a name given whenever in doubt.",
        )


def _replays(results: Sequence[EvaluationResult], told: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading("In service")
    yield Paragraph(
        "The history as the daemon would have met it, from the first minute to the last, at its default settings. An"
        " episode is named right when an alarm with its name is raised between its begin and an hour after its end;"
        " misnamed when only other names were; else it was called unknown, or missed. What was taught is not asked."
    )
    for result, case in zip(results, told["cases"], strict=True):
        yield Heading(case["name"], 3)
        yield Figure(
            draw_outcomes(_in_order(_of_replayed(result.replayed))),
            "What became of each class's episodes (how many events, in brackets): blue is good, and of an untaught"
            " class unknown is the right answer.",
        )
        yield Table(
            "The same with intervals, and minutes from begin to alarm: the median, and what nine of ten do not pass."
            " An event in many cells counts once, by the share of its cells.",
            ["", "events", "episodes", "right", "misnamed", "unknown", "missed", "minutes"],
            [_fate_row(name, fate) for name, fate in _in_order(case["replay"]).items()],
        )


def _of_replayed(replayed: ReplayOutcome) -> dict[str, Any]:
    return {name: getattr(replayed, name) for name in ("taught", "all_taught", "untaught", "all_untaught")}


def _in_order(replay: Mapping[str, Any]) -> dict[str, Any]:
    """Every line about what was taught, then about what was not."""
    taught = {**replay["taught"], "all taught": replay["all_taught"]}
    return {**taught, **{f"{name}, untaught": one for name, one in replay["untaught"].items()},
            "all untaught": replay["all_untaught"]}  # fmt: skip


def _fate_row(name: str, fate: Mapping[str, Any]) -> list[str]:
    shares = [format_figure(fate[which]) for which in ("right", "misnamed", "unknown", "missed")]
    return [name, str(fate["events"]), str(fate["episodes"]), *shares, _minutes(fate)]


def _minutes(fate: Mapping[str, Any]) -> str:
    return NO_FIGURE if fate["minutes"] is None else f"{fate['minutes'][0]:.0f}, {fate['minutes'][1]:.0f}"


def _false_alarms(results: Sequence[EvaluationResult], told: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading("False alarms: promised against counted")
    by_case = {result.subject.case.name: (result.replayed.budget, result.replayed.false) for result in results}
    yield Figure(
        draw_false_alarms(by_case),
        "The operator's budget is a promise, and kept where the orange stroke lies within the interval or to the right"
        " of it. An alarm is false where no fault is listed in its cell from its begin to an hour after its end, also"
        " where a harmless look-alike stands behind it.",
    )
    for case in told["cases"]:
        if case["calibrated_on"] == case["history"]:
            yield Paragraph(
                f"{case['name']}: this bundle was calibrated on this very history. What befell it counted as ordinary"
                " life then: thresholds are too high, and faults are missed that would have been named."
            )
    yield _side_by_side(
        told,
        "False alarms per 1,000 cells and day; with a name, they would have sent someone to look for that fault.",
        {
            "promised": lambda case: f"{case['replay']['budget']:g}",
            "counted": lambda case: format_figure(case["replay"]["false_alarms"], 1),
            "of these with a name": lambda case: format_figure(case["replay"]["false_alarms_named"], 1),
            "over cell-days": lambda case: f"{case['replay']['cell_days']:,.0f}",
            "cell-days of life behind the promise": lambda case: f"{case['replay']['calibrated_on_cell_days']:,.0f}",
        },
    )


def _unknowns(results: Sequence[EvaluationResult], told: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading("What was never shown")
    yield _side_by_side(
        told,
        "How well the unknown score tells single windows of untaught faults from windows of cells to which nothing"
        " happens: AUROC, of which 0.5 is guessing and 1 perfect. What resembles something taught is not called unknown"
        " but by that name; the third line says how it would be were nothing taught.",
        {
            "all episodes": lambda case: format_figure(case["unknown_auroc"]),
            "visible episodes": lambda case: format_figure(case["unknown_auroc_visible"]),
            "all episodes, nothing taught": lambda case: format_figure(case["unknown_auroc_nothing_taught"]),
            "untaught classes": lambda case: str(len(case["untaught"])),
            "normal windows": lambda case: f"{case['normal_windows']:,}",
        },
    )


def _maps(results: Sequence[EvaluationResult], told: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading("A map of the embeddings")
    for result in results:
        normal = result.subject.encode(result.cut.normal).direction.astype("float32")
        png, share = draw_map(result.cut, result.classes, result.directions, normal)
        yield Figure(
            png,
            f"{result.subject.case.name}: all questions in grey, in each panel one class in blue, normal windows in"
            f" orange. The two axes are principal components, with {share:.0%} of the variance: what lies apart here is"
            " apart, what lies together may still differ in the other directions. A good class is one tight cloud of"
            " its own; normal windows have no direction in common, and may lie anywhere.",
        )


def _mistakes(results: Sequence[EvaluationResult], told: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading("The most confident mistakes")
    yield Paragraph(
        "Windows that lie nearer to an example of another class than to any example of their own, one of each kind of"
        " confusion. Black is the window, blue and orange are the two examples; where black goes with orange, it is"
        " seen why it was taken for it."
    )
    for result in results:
        for mistake in result.mistakes:
            catalogue = result.subject.bundle.catalogue
            words = f"{result.subject.case.name}: {caption(mistake, result.cut, catalogue)}"
            yield Figure(draw_mistake(mistake, result.cut, catalogue), words)
        if not result.mistakes:
            yield Paragraph(f"{result.subject.case.name}: none; every window lies nearest to its own class.")


def _method(results: Sequence[EvaluationResult], told: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading("How it was measured")
    mixed = ", ".join(f"{case['name']}: {case['mixed_episodes']}" for case in told["cases"])
    yield Paragraph(
        "Examples are drawn 200 times, one of each class; questions of the same event or cell are not asked then."
        " Classes count alike, and events within a class; intervals are a bootstrap over events (over classes' events"
        " Wilson's, for alarms Poisson's). An event is a class in one minute, in however many cells. Left out are"
        f" episodes during which another class was in the same cell ({mixed}), and windows too little of which was"
        " reported. Classes that the encoder was trained on are easier than others; the page cannot know which they"
        f" are. Seed {told['seed']}: the same files and seed give the same page."
    )
    for case in told["cases"]:
        taught = ", ".join(f"{name} in {cell} at {begin}" for name, cell, begin in case["taught"])
        yield Paragraph(f"Taught for the replay of {case['name']} (minutes since 1970): {taught}.")
