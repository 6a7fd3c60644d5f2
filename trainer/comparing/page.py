"""The page: one file of HTML that needs no other, no network and no script.

Every number on it comes from the report, and every text that is put in is escaped.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

from trainer.comparing.examples import FEW, MANY
from trainer.comparing.figures import Share
from trainer.comparing.material import UNSEEN_BASE
from trainer.comparing.report import Report
from trainer.comparing.rows import Row
from trainer.comparing.words import (
    about,
    crowd_words,
    lesson_words,
    measure_words,
    table_words,
)

TITLE = "Losses compared"

STYLE = """
:root { color-scheme: light; }
body { max-width: 75rem; margin: 0 auto; padding: 2rem 1.25rem 5rem; background: #fff; color: #222;
       font: 1.05rem/1.55 Georgia, "Times New Roman", serif; }
h1, h2, nav, table, figcaption { font-family: "Helvetica Neue", Arial, sans-serif; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 .3rem; }
h2 { font-size: 1.35rem; margin: 3rem 0 .6rem; padding-top: .6rem; border-top: 1px solid #ddd; }
p, figcaption { max-width: 46rem; }
nav ol { padding-left: 1.3rem; }
a { color: #0060A0; }
table { border-collapse: collapse; font-size: .92rem; margin: 1rem 0; }
caption { text-align: left; padding-bottom: .5rem; max-width: 46rem; color: #444; }
th, td { padding: .32rem .8rem .32rem 0; border-bottom: 1px solid #e4e4e4; text-align: left; vertical-align: top; }
th { border-bottom: 2px solid #999; font-weight: 600; }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
th.number { text-align: right; }
tr.first td { background: #EEF5FA; }
td.reason { color: #8A3B00; }
.wide { overflow-x: auto; }
figure { margin: 1.2rem 0 2rem; }
figure img { max-width: 100%; height: auto; }
figcaption { font-size: .95rem; color: #444; margin-top: .5rem; }
footer { margin-top: 3rem; color: #555; font-size: .9rem; }
"""

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
    """The pictures by their section; a section without any, or without figures, says so or is left out."""
    sections = [
        ("table", "One example of each class", [_table(report), _paragraph(table_words(report))]),
        ("curves", "Learning curves", _curves(pictures["curves"])),
        ("pairs", "Pairs, distances and the cut-off", _pairs(report, pictures["distances"])),
        ("three", "Three classes in three dimensions", _three(report, pictures["clusters"])),
        ("animation", "Standard against lossless triplet", _animation(pictures["animation"])),
        ("examples", "A classifier beside it", _examples(report, pictures["examples"])),
        ("measured", "How it was measured", [_paragraph(words) for words in measure_words(report)]),
    ]
    links = "\n".join(f'<li><a href="#{name}">{escape(title)}</a></li>' for name, title, _ in sections)
    bodies = "\n".join(
        f'<section id="{name}">\n<h2>{escape(title)}</h2>\n{"".join(parts)}</section>'
        for name, title, parts in sections
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(TITLE)}</title>
<style>{STYLE}</style>
</head>
<body>
<h1>{escape(TITLE)}</h1>
{_paragraph(about(report))}
<nav><ol>
{links}
</ol></nav>
{bodies}
<footer>Faultline {escape(report.facts.version)}. The same figures are in compare.json.</footer>
</body>
</html>
"""


def share(told: Share | None) -> str:
    return "" if told is None else f"{told.share:.3f} ± {told.half:.3f}"


def _table(report: Report) -> str:
    encoders = len({row.encoder for row in report.rows}) > 1
    headings = [HEADINGS[0], *(["encoder"] if encoders else []), *HEADINGS[1:]]
    lines = [_line(row, encoders, place == 0) for place, row in enumerate(report.rows)]
    return _tabled("Share of windows named right. The best is above; what came to nothing is below.", headings, lines)


def _line(row: Row, encoders: bool, is_first: bool) -> str:
    begin = _cell(row.name) + (_cell(row.encoder) if encoders else "")
    if row.unseen is None:
        told = f'<td class="reason" colspan="{len(HEADINGS) - 1}">{escape(row.state)}: {escape(row.reason)}</td>'
        return f"<tr>{begin}{told}</tr>"
    seeds = " ".join("–" if seed.unseen is None else f"{seed.unseen:.3f}" for seed in row.seeds)
    pairs = "" if row.pairs is None else f"{row.pairs:.3f} ± {row.pairs_half:.3f}"
    steps = " ".join("–" if seed.unseen is None else str(seed.best_step) for seed in row.seeds)
    numbers = [share(row.unseen), f"{row.unseen.half_classes:.3f}", seeds, share(row.base), share(row.by_head), pairs]
    cells = "".join(_number(text) for text in [*numbers, f"{row.seconds:.0f}", steps])
    if row.state != "trained":
        told = f'<br><small class="reason">{escape(row.state)}: {escape(row.reason)}</small></td>'
        begin = begin.replace("</td>", told, 1)
    opening = '<tr class="first">' if is_first else "<tr>"
    return f"{opening}{begin}{cells}</tr>"


def _curves(paths: Sequence[Path]) -> list[str]:
    caption = (
        "Left the loss, each as a share of what it was at its beginning, for their units differ; right the share of"
        " watched classes named from one example, which is what the loss is there for. A loss that falls while the"
        " figure stands learns something else. A cross marks where a training was given up."
    )
    return [_picture(path, caption if number == 0 else "", path.stem) for number, path in enumerate(paths)]


def _pairs(report: Report, paths: Sequence[Path]) -> list[str]:
    caption = (
        "How far apart two windows lie, as the loss itself measures: blue where both are of one class, hatched red"
        " where they are of two. The less the two overlap, the better one cut-off (dashed) serves all classes."
        " Similarity has a head that says a probability instead, and its cut-off is one half; the other cut-offs were"
        " chosen on the watched classes. None of these classes was learned."
    )
    return [_paragraph(report.gap), *(_picture(path, caption, "histograms of distances") for path in paths)]


def _three(report: Report, paths: Sequence[Path]) -> list[str]:
    caption = (
        "Each mark is a window that was not learned from: circles are normal life, triangles and squares the two"
        " faults. Look for three heaps with room between them. Directions lie on a sphere, sigmoids in a cube, and"
        " what is left as it is takes the room it likes."
    )
    return [_paragraph(lesson_words(report)), *(_picture(path, caption, "embeddings in 3-D") for path in paths)]


def _animation(paths: Sequence[Path]) -> list[str]:
    caption = (
        "Both learn the same batches from the same weights, and only the cost differs. The standard triplet loss is"
        " content once the other class is further away by its margin; the lossless one never is, and drives its"
        " heaps into corners of the cube that its sigmoid leaves it, where many windows lie under one mark."
    )
    return [_picture(path, caption, "the lesson of three classes, step by step, under both losses") for path in paths]


def _examples(report: Report, paths: Sequence[Path]) -> list[str]:
    if report.crowd is None:
        return [_paragraph("No loss was trained, so there is no embedding to look at.")]
    crowd = report.crowd
    counts = [
        "".join([_cell(str(one.examples)), *(_number(f"{m.share:.3f} ± {m.half:.3f}") for m in one.methods)])
        + _number(f"{one.ahead:+.3f} ± {one.ahead_half:.3f}")
        for one in crowd.counts
    ]
    headings = ["examples of each class", *(m.method for m in crowd.counts[0].methods), "classifier ahead by"]
    unlike = [
        _cell(one.method)
        + _number(f"{one.common:.3f} ± {one.common_half:.3f}")
        + _number(f"{one.rare:.3f} ± {one.rare_half:.3f}")
        for one in crowd.imbalance
    ]
    caption = (
        "Left, what one more example is worth to each; the band is the 95 % interval. Right, half of the classes have"
        " many examples and half have few: the further apart a method's two bars stand, the worse it bears it."
    )
    return [
        _paragraph(crowd_words(report)),
        _tabled(
            f"Windows of {crowd.classes} unseen classes named right, on the embeddings of {report.crowd_of}.",
            headings,
            [f"<tr>{line}</tr>" for line in counts],
        ),
        _tabled(
            f"The same where half of the classes have {MANY} examples and half have {FEW}.",
            ["", f"classes with {MANY}", f"classes with {FEW}"],
            [f"<tr>{line}</tr>" for line in unlike],
        ),
        *(_picture(path, caption, "share named right by number of examples, and under imbalance") for path in paths),
    ]


def _tabled(caption: str, headings: Sequence[str], lines: Iterable[str]) -> str:
    first, *others = (escape(text) for text in headings)
    head = f'<th scope="col">{first}</th>' + "".join(f'<th scope="col" class="number">{text}</th>' for text in others)
    body = "\n".join(lines)
    return (
        f'<div class="wide"><table>\n<caption>{escape(caption)}</caption>\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody></table></div>\n"
    )


def _picture(path: Path, caption: str, alternative: str) -> str:
    kind = path.suffix.removeprefix(".")
    data = base64.b64encode(path.read_bytes()).decode()
    told = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f'<figure><img src="data:image/{kind};base64,{data}" alt="{escape(alternative)}">{told}</figure>\n'


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>\n" if text else ""


def _cell(text: str) -> str:
    return f"<td>{escape(text)}</td>"


def _number(text: str) -> str:
    return f'<td class="number">{escape(text)}</td>'
