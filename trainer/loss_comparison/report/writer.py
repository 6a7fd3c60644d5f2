"""Writer of the report: figures, pictures, compare.html and compare.json."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import detector
from detector.core.encoder import device
from detector.core.networks.registry import spec_of
from detector.output.files import whole_file
from detector.output.kinds import file_kind, json_with
from trainer.console import timed_step
from trainer.html_page import PAGE, write
from trainer.loss_comparison.experiment import LOSSLESS, STANDARD, ExperimentResult
from trainer.loss_comparison.few_shot import FewShotComparison, compare_counts
from trainer.loss_comparison.head_gap import compare_heads
from trainer.loss_comparison.report.animation import draw_clusters, write_animation
from trainer.loss_comparison.report.page import build_page
from trainer.loss_comparison.report.plots import draw_curves, draw_distances, draw_examples
from trainer.loss_comparison.report.summary import Facts, Report, ToyFacts, sort_rows, write_json
from trainer.loss_comparison.results import Questions, ResultRow, answer_questions, best_row, make_row
from trainer.loss_comparison.variants import Variant
from trainer.metrics.embedding import accuracy_by_round, cosine_distance, summarize_accuracy
from trainer.plots.style import PictureError

PAGE_NAME, DATA_NAME = "compare.html", "compare.json"

FILES = {
    PAGE_NAME: PAGE,
    DATA_NAME: file_kind("figures of this command", json_with(("facts", "rows", "gaps", "crowd_of"))),
}
"""Files of a comparison, each with the kind by which an earlier one is recognised."""


def write_report(result: ExperimentResult, cells: int, folder: Path) -> Report:
    """Write compare.html and compare.json. Raises PictureError, PageError where they cannot be written."""
    with timed_step("figures"):
        report = summarize(result, cells)
    with timed_step("pictures and page"), TemporaryDirectory() as pictures:
        text = build_page(report, _draw(result, report, Path(pictures)))
        try:
            with whole_file(folder / DATA_NAME) as file:
                write_json(report, file)
        except OSError as error:
            raise PictureError(f"{folder}: cannot be written ({error.strerror}); give another --out.") from None
        write(folder / PAGE_NAME, text)
    return report


def summarize(result: ExperimentResult, cells: int) -> Report:
    """Return all figures of an experiment in a network of `cells` cells."""
    questions = Questions.of(result.dataset, 0)
    answers = {
        variant: [answer_questions(training, questions) for training in trainings if training.state == "trained"]
        for variant, trainings in result.trainings.items()
    }
    rows = {
        variant: make_row(variant, result.trainings[variant], variant_answers, questions)
        for variant, variant_answers in answers.items()
    }
    gaps, gap_text = compare_heads(answers)
    best = best_row(list(rows.values()))
    untrained = summarize_accuracy(
        accuracy_by_round(cosine_distance(result.untrained.direction), questions.unseen), questions.unseen
    )
    return Report(
        facts=_facts(result, cells),
        rows=sort_rows(list(rows.values())),
        gaps=gaps,
        gap=gap_text,
        lessons=[ToyFacts.of(run) for run in result.toy_runs.values()],
        untrained=untrained,
        crowd=_few_shot(result, rows, best),
        crowd_of=best.name if best is not None else "",
    )


def _few_shot(
    result: ExperimentResult, rows: dict[Variant, ResultRow], best: ResultRow | None
) -> FewShotComparison | None:
    """Return the few-shot comparison on the first trained encoder of the best row; None without one."""
    if best is None:
        return None
    variant = next(variant for variant, row in rows.items() if row is best)
    trained = next(training for training in result.trainings[variant] if training.state == "trained")
    direction = trained.embeddings["many_shot"].direction
    return compare_counts(direction, result.dataset.many_shot.label, np.random.default_rng(14))


def _facts(result: ExperimentResult, cells: int) -> Facts:
    dataset, features = result.dataset, len(result.dataset.catalogue)
    return Facts(
        version=detector.__version__,
        device=device(),
        learned_classes=len(np.unique(dataset.train.label)),
        base_classes=dataset.base_classes,
        windows=len(dataset.train.label),
        cells=cells,
        steps=result.steps,
        asked_steps=result.requested_steps,
        budget_minutes=result.budget_minutes,
        seeds=list(result.seeds),
        features=features,
        dimension=spec_of("tree", features).dimension,
    )


def _draw(result: ExperimentResult, report: Report, folder: Path) -> dict[str, list[Path]]:
    """Draw all pictures and return their files by section."""
    draw_clusters(list(result.toy_runs.values()), folder / "clusters.png")
    write_animation([result.toy_runs[STANDARD], result.toy_runs[LOSSLESS]], folder / "animation.gif")
    pictures = {"clusters": [folder / "clusters.png"], "animation": [folder / "animation.gif"]}
    pictures |= {"curves": _draw_curves(report.rows, folder), "distances": [], "examples": []}
    if any(row.histogram is not None for row in report.rows):
        draw_distances(report.rows, folder / "distances.png")
        pictures["distances"].append(folder / "distances.png")
    if report.crowd is not None:
        draw_examples(report.crowd, folder / "examples.png")
        pictures["examples"].append(folder / "examples.png")
    return pictures


def _draw_curves(rows: Sequence[ResultRow], folder: Path) -> list[Path]:
    """Draw a picture for each group of losses and encoder with at least one trained step."""
    groups: dict[tuple[str, str], list[ResultRow]] = {}
    for row in rows:
        if any(seed.curve.step for seed in row.seeds):
            groups.setdefault((row.group, row.encoder), []).append(row)
    paths = []
    for (group, encoder), members in groups.items():
        paths.append(folder / f"curves-{group.replace(' ', '-')}-{encoder}.png")
        draw_curves(members, f"Losses of {group}, encoder {encoder}", paths[-1])
    return paths
