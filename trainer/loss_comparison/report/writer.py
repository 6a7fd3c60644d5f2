"""From trainings to figures, pictures and the page."""

import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from trainer.console import timed_step
from trainer.loss_comparison.experiment import LOSSLESS, STANDARD, ExperimentResult
from trainer.loss_comparison.few_shot import compare_counts
from trainer.loss_comparison.head_gap import gaps
from trainer.loss_comparison.report.animation import animate, draw_clusters
from trainer.loss_comparison.report.page import page
from trainer.loss_comparison.report.plots import draw_curves, draw_distances, draw_examples
from trainer.loss_comparison.report.summary import DatasetFacts, Facts, Report, ranked, write_json
from trainer.loss_comparison.results import Questions, Row, answer, best, row
from trainer.metrics.embedding import accuracy_by_round, cosine_distance, summarize_accuracy
from trainer.plots.style import PictureError


def tell(result: ExperimentResult, cells: int, folder: Path) -> Report:
    """Writes compare.html and compare.json. Raises PictureError where they cannot be written."""
    with timed_step("figures"):
        report = summarise(result, cells)
    with timed_step("pictures and page"), TemporaryDirectory() as drawings:
        text = page(report, _draw(result, report, Path(drawings)))
        try:
            write_json(report, folder / "compare.json")
            draft = folder / f".compare.{os.getpid()}"
            draft.write_text(text, encoding="utf-8")
            os.replace(draft, folder / "compare.html")
        except OSError as error:
            raise PictureError(f"{folder}: cannot be written ({error.strerror}); give another --out.") from None
    return report


def summarise(result: ExperimentResult, cells: int) -> Report:
    questions = Questions.of(result.material, 0)
    answers = {
        runner: [answer(one, questions) for one in trainings if one.state == "trained"]
        for runner, trainings in result.trainings.items()
    }
    rows = {runner: row(runner, result.trainings[runner], told, questions) for runner, told in answers.items()}
    differences, sentence = gaps(answers)
    first = best(list(rows.values()))
    crowd = None
    if first is not None:
        runner = next(one for one, told in rows.items() if told is first)
        made = next(one.made["crowd"] for one in result.trainings[runner] if one.state == "trained")
        crowd = compare_counts(made.direction, result.material.crowd.label, np.random.default_rng(14))
    return Report(
        _facts(result, cells),
        ranked(list(rows.values())),
        differences,
        sentence,
        [DatasetFacts.of(lesson) for lesson in result.lessons.values()],
        summarize_accuracy(
            accuracy_by_round(cosine_distance(result.untrained.direction), questions.unseen), questions.unseen
        ),
        crowd,
        first.name if first is not None else "",
    )


def _facts(result: ExperimentResult, cells: int) -> Facts:
    import detector
    from detector.core.encoder import device
    from detector.core.networks.registry import spec_of

    material, features = result.material, len(result.material.catalogue)
    return Facts(
        version=detector.__version__,
        device=device(),
        learned_classes=len(np.unique(material.learned.label)),
        base_classes=material.base_classes,
        windows=len(material.learned.label),
        cells=cells,
        steps=result.steps,
        asked_steps=result.asked_steps,
        budget_minutes=result.budget_minutes,
        seeds=list(result.seeds),
        features=features,
        dimension=spec_of("tree", features).dimension,
    )


def _draw(result: ExperimentResult, report: Report, folder: Path) -> dict[str, list[Path]]:
    lessons = list(result.lessons.values())
    draw_clusters(lessons, folder / "clusters.png")
    animate([result.lessons[STANDARD], result.lessons[LOSSLESS]], folder / "animation.gif")
    drawn = {"clusters": [folder / "clusters.png"], "animation": [folder / "animation.gif"]}
    drawn |= {"curves": _draw_curves(report.rows, folder), "distances": [], "examples": []}
    if any(one.histogram is not None for one in report.rows):
        draw_distances(report.rows, folder / "distances.png")
        drawn["distances"].append(folder / "distances.png")
    if report.crowd is not None:
        draw_examples(report.crowd, folder / "examples.png")
        drawn["examples"].append(folder / "examples.png")
    return drawn


def _draw_curves(rows: Sequence[Row], folder: Path) -> list[Path]:
    """A picture for each group of losses and kind of encoder that learned a step."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for one in rows:
        if any(seed.curve.step for seed in one.seeds):
            groups.setdefault((one.group, one.encoder), []).append(one)
    paths = []
    for (group, encoder), members in groups.items():
        paths.append(folder / f"curves-{group.replace(' ', '-')}-{encoder}.png")
        draw_curves(members, f"Losses of {group}, encoder {encoder}", paths[-1])
    return paths
