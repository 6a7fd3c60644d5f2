"""HTML page of a comparison as a list of blocks; every number on it comes from the report."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from trainer.html_page import Block, Figure, Heading, PageTable, Paragraph, render
from trainer.loss_comparison.dataset import UNSEEN_BASE
from trainer.loss_comparison.few_shot import FEW, MANY, FewShotComparison
from trainer.loss_comparison.report.captions import few_shot_text, introduction, method_texts, table_text, toy_text
from trainer.loss_comparison.report.summary import Report
from trainer.loss_comparison.results import ResultRow
from trainer.metrics.embedding import Proportion

TITLE = "Losses compared"

HEADINGS = (
    "loss",
    "one-shot, unseen classes",
    "± other classes",
    "of each seed",
    f"{len(UNSEEN_BASE)} unseen base classes",
    "by its head",
    "pairs classified right",
    "seconds",
    "best step",
)

CURVES = (
    "Left: the loss relative to its first value, since the units of the losses differ. Right: the share of validation"
    " classes named from one example, which is the purpose of the loss. If the loss falls while this share does not"
    " rise, the loss learns something else. A cross marks a training that was stopped."
)

PAIRS = (
    "Distance of two windows, as the loss itself measures it: blue for pairs of one class, hatched red for pairs of"
    " two. The smaller the overlap, the better one cut-off (dashed) serves all classes. Similarity has a head with a"
    " probability instead, with the cut-off one half; the other cut-offs were chosen on the validation classes. All of"
    " these classes are unseen."
)

THREE = (
    "Each mark is a window outside the training: circles are normal, triangles and squares are the two faults. Good"
    " embeddings form three separate clusters. Directions lie on a sphere, sigmoid outputs in a cube, and linear"
    " outputs have no bounds."
)

ANIMATION = (
    "Both losses learn the same batches from the same weights; only the cost differs. The standard triplet loss is zero"
    " once the other class is further away by its margin. The lossless one is never zero and moves its clusters into"
    " corners of the sigmoid's cube, where one mark covers many windows."
)

EXAMPLES = (
    "Left: the gain of each method by further examples; the band is the 95 % interval. Right: half of the classes have"
    " many examples and half have few; the larger the difference of a method's two bars, the less it tolerates"
    " imbalance."
)


def build_page(report: Report, pictures: Mapping[str, Sequence[Path]]) -> str:
    """Return the HTML page; `pictures` are files by section, and a section may be empty."""
    blocks: list[Block] = [Paragraph(introduction(report))]
    blocks += [Heading("One example of each class"), _table(report), *_paragraphs(table_text(report))]
    blocks += [Heading("Learning curves"), *_figures(pictures["curves"], CURVES, "curves of the losses")]
    blocks += [Heading("Pairs, distances and the cut-off"), *_paragraphs(report.gap)]
    blocks += _figures(pictures["distances"], PAIRS, "histograms of distances")
    blocks += [Heading("Three classes in three dimensions"), *_paragraphs(toy_text(report))]
    blocks += _figures(pictures["clusters"], THREE, "embeddings in 3-D")
    blocks += [Heading("Standard against lossless triplet")]
    blocks += _figures(pictures["animation"], ANIMATION, "training of three classes, step by step, with both losses")
    blocks += [Heading("A classifier beside it"), *_few_shot(report, pictures["examples"])]
    blocks += [Heading("Method"), *_paragraphs(*method_texts(report))]
    blocks += _paragraphs(f"Faultline {report.facts.version}. The same figures are in compare.json.")
    return render(TITLE, blocks)


def format_proportion(proportion: Proportion | None) -> str:
    """Return a share with half of its 95 % interval; empty for None."""
    return "" if proportion is None else f"{proportion.share:.3f} ± {proportion.half:.3f}"


def _table(report: Report) -> PageTable:
    encoders = len({row.encoder for row in report.rows}) > 1
    headings = [HEADINGS[0], *(["encoder"] if encoders else []), *HEADINGS[1:]]
    caption = "Share of windows named right; the best loss first, untrained ones last."
    return PageTable(caption, headings, [_line(row, encoders) for row in report.rows])


def _line(row: ResultRow, encoders: bool) -> list[str]:
    """Return the cells of a row; with `encoders` the second cell is the encoder."""
    first_cells = [row.name, row.encoder] if encoders else [row.name]
    if row.unseen is None:
        return [*first_cells, f"{row.state}: {row.reason}"]
    if row.state != "trained":
        first_cells[0] += f" ({row.state}: {row.reason})"
    return [
        *first_cells,
        format_proportion(row.unseen),
        f"{row.unseen.half_classes:.3f}",
        " ".join("–" if seed.unseen is None else f"{seed.unseen:.3f}" for seed in row.seeds),
        format_proportion(row.base),
        format_proportion(row.by_head),
        "" if row.pairs is None else f"{row.pairs:.3f} ± {row.pairs_half:.3f}",
        f"{row.seconds:.0f}",
        " ".join("–" if seed.unseen is None else str(seed.best_step) for seed in row.seeds),
    ]


def _few_shot(report: Report, paths: Sequence[Path]) -> list[Block]:
    if report.crowd is None:
        return [Paragraph("No loss was trained, so there is no embedding to compare on.")]
    return [
        *_paragraphs(few_shot_text(report)),
        _count_table(report.crowd, report.crowd_of),
        _imbalance_table(report.crowd),
        *_figures(paths, EXAMPLES, "share named right by number of examples, and under imbalance"),
    ]


def _count_table(comparison: FewShotComparison, row_name: str) -> PageTable:
    rows = [
        [
            str(count.examples),
            *(f"{method.share:.3f} ± {method.half:.3f}" for method in count.methods),
            f"{count.ahead:+.3f} ± {count.ahead_half:.3f}",
        ]
        for count in comparison.counts
    ]
    methods = [method.method for method in comparison.counts[0].methods]
    caption = f"Windows of {comparison.classes} unseen classes named right, on the embeddings of {row_name}."
    return PageTable(caption, ["examples of each class", *methods, "classifier ahead by"], rows)


def _imbalance_table(comparison: FewShotComparison) -> PageTable:
    rows = [
        [
            imbalance.method,
            f"{imbalance.common:.3f} ± {imbalance.common_half:.3f}",
            f"{imbalance.rare:.3f} ± {imbalance.rare_half:.3f}",
        ]
        for imbalance in comparison.imbalance
    ]
    caption = f"The same where half of the classes have {MANY} examples and half have {FEW}."
    return PageTable(caption, ["", f"classes with {MANY}", f"classes with {FEW}"], rows)


def _figures(paths: Sequence[Path], caption: str, alternative: str) -> list[Block]:
    """Return the pictures of a section; only the first one has the caption."""
    return [Figure(path.read_bytes(), "" if index else caption, alternative) for index, path in enumerate(paths)]


def _paragraphs(*texts: str) -> list[Block]:
    return [Paragraph(text) for text in texts if text]
