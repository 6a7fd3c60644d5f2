"""HTML page in one string: headings, paragraphs, tables and pictures, one after the other.

The page has no script and no link to elsewhere; its pictures are inside. All text is escaped, so none of it is markup.
"""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape as escape_markup
from pathlib import Path

from detector.errors import OperatorError
from detector.output.files import whole_file
from detector.output.kinds import contains_early, file_kind
from detector.text import printable


class PageError(OperatorError):
    """Page that cannot be written."""


LONGEST_LINE = 100_000
"""Longest line of a text that is written whole."""


@dataclass(frozen=True)
class Heading:
    """Heading of level 2 or 3. Headings of level 2 make the table of contents."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Paragraph:
    """Paragraph of plain text."""

    text: str


@dataclass(frozen=True)
class PageTable:
    """PageTable with a caption. The first cell of each row is its heading; the other cells are set flush right.

    In a row with fewer cells than columns the last cell is a remark and extends to the end.
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Figure:
    """Picture with a caption."""

    picture: bytes
    """PNG, or animated GIF."""
    caption: str
    """Text below the picture; empty = none."""
    instead: str = ""
    """Text instead of the picture where pictures are not shown; empty = the caption."""


Block = Heading | Paragraph | PageTable | Figure

GIF = b"GIF8"

GENERATOR = '<meta name="generator" content="Faultline"/>'
"""Mark by which a page of ours is recognised before another one takes its place."""

PAGE = file_kind("a page of this command", contains_early(GENERATOR.encode(), within=1000))

STYLE = """
body { max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222; background: #fff;
       font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.8rem; line-height: 1.2; }
h2 { margin-top: 3rem; padding-top: .6rem; border-top: 1px solid #ccc; font-size: 1.35rem; }
h3 { margin-top: 2rem; font-size: 1.1rem; }
p, nav, caption, figcaption { max-width: 46rem; }
nav ol { columns: 2; }
a { color: #0072b2; }
figure { margin: 1.5rem 0; }
img { display: block; max-width: 100%; height: auto; }
caption, figcaption { padding: .4rem 0; color: #444; font-size: .9rem; text-align: left; }
div { overflow-x: auto; margin: 1.5rem 0; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .8rem .2rem 0; text-align: right; vertical-align: top; white-space: nowrap; }
td[colspan] { text-align: left; color: #8a3b00; white-space: normal; }
th:first-child { text-align: left; font-weight: normal; }
thead th, thead td[colspan] { text-align: left; color: #8a3b00; white-space: normal; }
th:first-child { border-bottom: 1px solid #888; font-weight: bold; white-space: normal;
                                 vertical-align: bottom; }
tbody tr:hover { background: #f2f2f2; }
"""
"""Style sheet: one readable column, aligned figures, colours that colour-blind readers distinguish."""


def render(title: str, blocks: Sequence[Block]) -> str:
    """Return the page with a table of contents."""
    body = "\n".join(_block(block, number) for number, block in enumerate(blocks))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8"/>\n'
        f'{GENERATOR}\n<meta name="viewport" content="width=device-width, initial-scale=1"/>\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{escape(title)}</h1>\n{''.join(_contents(blocks))}\n{body}\n</body>\n</html>\n"
    )


def write(path: Path, text: str) -> None:
    """Write a page into a file in one step, and make its folder if there is none. Raises PageError."""
    try:
        with whole_file(path) as file:
            file.write(text.encode())
    except OSError as error:
        raise PageError(f"{path}: cannot be written ({error.strerror}); give another --out.") from None


def escape(text: str) -> str:
    """Return a text in which nothing is markup, and nothing is invisible or turns the direction of what follows."""
    return escape_markup("\n".join(printable(line, LONGEST_LINE) for line in text.split("\n")))


def _contents(blocks: Sequence[Block]) -> Iterator[str]:
    headings = [(n, block) for n, block in enumerate(blocks) if isinstance(block, Heading) and block.level == 2]
    if headings:
        yield "<nav><ol>"
        yield from (f'<li><a href="#part-{number}">{escape(block.text)}</a></li>' for number, block in headings)
        yield "</ol></nav>"


def _block(block: Block, number: int) -> str:
    match block:
        case Heading(text, level):
            return f'<h{level} id="part-{number}">{escape(text)}</h{level}>'
        case Paragraph(text):
            return f"<p>{escape(text)}</p>"
        case PageTable(caption, columns, rows):
            return _table(caption, columns, rows)
        case Figure(picture, caption, instead):
            kind = "gif" if picture.startswith(GIF) else "png"
            source = f"data:image/{kind};base64,{b64encode(picture).decode()}"
            words = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
            return f'<figure><img src="{source}" alt="{escape(instead or caption)}"/>{words}</figure>'


def _table(caption: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    body = "".join(f"<tr>{_row(row, len(columns))}</tr>\n" for row in rows)
    return (
        f"<div><table><caption>{escape(caption)}</caption>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{body}</tbody></table></div>"
    )


def _row(row: Sequence[str], columns: int) -> str:
    head, *cells = (escape(cell) for cell in row)
    span = [""] * (len(cells) - 1) + [f' colspan="{columns - len(row) + 1}"' if len(row) < columns else ""]
    columns_html = (f"<td{wide}>{cell}</td>" for wide, cell in zip(span, cells, strict=True))
    return f'<th scope="row">{head}</th>{"".join(columns_html)}'
