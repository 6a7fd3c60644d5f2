"""The page of a comparison, as blocks: every number on it comes from the report."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from trainer.html_page import Block, Figure, Heading, Paragraph, Table, render
from trainer.loss_comparison.dataset import UNSEEN_BASE
from trainer.loss_comparison.few_shot import FEW, MANY
from trainer.loss_comparison.report.captions import about, crowd_words, lesson_words, measure_words, table_words
from trainer.loss_comparison.report.summary import Report
from trainer.loss_comparison.results import Row
from trainer.metrics.embedding import Proportion

TITLE = "Losses compared"

HEADINGS = (
    "loss",
    "one-shot, unseen classes",
    "± other classes",
    "of each seed",
    f"{len(UNSEEN_BASE)} unseen base classes",
    "by its head",
    "pairs told right",
    "seconds",
    "best step",
)


def page(report: Report, pictures: Mapping[str, Sequence[Path]]) -> str:
    """The pictures by their section; a section without any, or without figures, says so."""
    blocks: list[Block] = [Paragraph(about(report))]
    blocks += [Heading("One example of each class"), _table(report), *_paragraphs(table_words(report))]
    blocks += [Heading("Learning curves"), *_figures(pictures["curves"], CURVES, "curves of the losses")]
    blocks += [Heading("Pairs, distances and the cut-off"), *_paragraphs(report.gap)]
    blocks += _figures(pictures["distances"], PAIRS, "histograms of distances")
    blocks += [Heading("Three classes in three dimensions"), *_paragraphs(lesson_words(report))]
    blocks += _figures(pictures["clusters"], THREE, "embeddings in 3-D")
    blocks += [Heading("Standard against lossless triplet")]
    blocks += _figures(pictures["animation"], ANIMATION, "the lesson of three classes, step by step, under both losses")
    blocks += [Heading("A classifier beside it"), *_examples(report, pictures["examples"])]
    blocks += [Heading("How it was measured"), *_paragraphs(*measure_words(report))]
    blocks += _paragraphs(f"Faultline {report.facts.version}. The same figures are in compare.json.")
    return render(TITLE, blocks)


def share(told: Proportion | None) -> str:
    return "" if told is None else f"{told.share:.3f} ± {told.half:.3f}"


def _table(report: Report) -> Table:
    encoders = len({row.encoder for row in report.rows}) > 1
    headings = [HEADINGS[0], *(["encoder"] if encoders else []), *HEADINGS[1:]]
    caption = "Share of windows named right. The best is above; what came to nothing is below."
    return Table(caption, headings, [_line(row, encoders) for row in report.rows])


def _line(row: Row, encoders: bool) -> list[str]:
    begin = [row.name, row.encoder] if encoders else [row.name]
    if row.unseen is None:
        return [*begin, f"{row.state}: {row.reason}"]
    if row.state != "trained":
        begin[0] += f" ({row.state}: {row.reason})"
    seeds = " ".join("–" if seed.unseen is None else f"{seed.unseen:.3f}" for seed in row.seeds)
    pairs = "" if row.pairs is None else f"{row.pairs:.3f} ± {row.pairs_half:.3f}"
    steps = " ".join("–" if seed.unseen is None else str(seed.best_step) for seed in row.seeds)
    numbers = [share(row.unseen), f"{row.unseen.half_classes:.3f}", seeds, share(row.base), share(row.by_head), pairs]
    return [*begin, *numbers, f"{row.seconds:.0f}", steps]


CURVES = (
    "Left the loss, each as a share of what it was at its beginning, for their units differ; right the share of"
    " watched classes named from one example, which is what the loss is there for. A loss that falls while the"
    " figure stands learns something else. A cross marks where a training was given up."
)

PAIRS = (
    "How far apart two windows lie, as the loss itself measures: blue where both are of one class, hatched red"
    " where they are of two. The less the two overlap, the better one cut-off (dashed) serves all classes."
    " Similarity has a head that says a probability instead, and its cut-off is one half; the other cut-offs were"
    " chosen on the watched classes. None of these classes was learned."
)

THREE = (
    "Each mark is a window that was not learned from: circles are normal life, triangles and squares the two"
    " faults. Look for three heaps with room between them. Directions lie on a sphere, sigmoids in a cube, and"
    " what is left as it is takes the room it likes."
)

ANIMATION = (
    "Both learn the same batches from the same weights, and only the cost differs. The standard triplet loss is"
    " content once the other class is further away by its margin; the lossless one never is, and drives its"
    " heaps into corners of the cube that its sigmoid leaves it, where many windows lie under one mark."
)

EXAMPLES = (
    "Left, what one more example is worth to each; the band is the 95 % interval. Right, half of the classes have"
    " many examples and half have few: the further apart a method's two bars stand, the worse it bears it."
)


def _examples(report: Report, paths: Sequence[Path]) -> list[Block]:
    if report.crowd is None:
        return [Paragraph("No loss was trained, so there is no embedding to look at.")]
    crowd = report.crowd
    counts = [
        [
            str(one.examples),
            *(f"{m.share:.3f} ± {m.half:.3f}" for m in one.methods),
            f"{one.ahead:+.3f} ± {one.ahead_half:.3f}",
        ]
        for one in crowd.counts
    ]
    unlike = [
        [one.method, f"{one.common:.3f} ± {one.common_half:.3f}", f"{one.rare:.3f} ± {one.rare_half:.3f}"]
        for one in crowd.imbalance
    ]
    return [
        *_paragraphs(crowd_words(report)),
        Table(
            f"Windows of {crowd.classes} unseen classes named right, on the embeddings of {report.crowd_of}.",
            ["examples of each class", *(m.method for m in crowd.counts[0].methods), "classifier ahead by"],
            counts,
        ),
        Table(
            f"The same where half of the classes have {MANY} examples and half have {FEW}.",
            ["", f"classes with {MANY}", f"classes with {FEW}"],
            unlike,
        ),
        *_figures(paths, EXAMPLES, "share named right by number of examples, and under imbalance"),
    ]


def _figures(paths: Sequence[Path], caption: str, instead: str) -> list[Block]:
    """Several of a kind say once what is to be seen in them."""
    return [Figure(path.read_bytes(), "" if place else caption, instead) for place, path in enumerate(paths)]


def _paragraphs(*texts: str) -> list[Block]:
    return [Paragraph(text) for text in texts if text]
