"""One HTML page in one string: no script, no link out of it, pictures inside. What it is told is text, never markup.

It refuses to know what the page is about: headings, paragraphs, tables and pictures, one after the other.
"""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from detector.errors import OperatorError


class PageError(OperatorError):
    """A page that cannot be written."""


@dataclass(frozen=True)
class Heading:
    """Of level 2 or 3; those of level 2 are the table of contents."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Paragraph:
    text: str


@dataclass(frozen=True)
class Table:
    """The caption says what to see; the first cell of each row is its heading. Cells that are numbers stand right. Of a
    row of fewer cells the last is a remark, and reaches to the end."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Figure:
    picture: bytes
    """A PNG, or a GIF that moves."""
    caption: str
    """What to see in it, or nothing."""
    instead: str = ""
    """What stands for the picture where that is not shown, if not the caption."""


Block = Heading | Paragraph | Table | Figure

GIF = b"GIF8"

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
"""Plain: a column that is read easily, figures under one another, colours that every eye tells apart."""


def render(title: str, blocks: Sequence[Block]) -> str:
    """The page, with a table of contents of its headings."""
    body = "\n".join(_block(block, place) for place, block in enumerate(blocks))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8"/>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{escape(title)}</h1>\n{''.join(_contents(blocks))}\n{body}\n</body>\n</html>\n"
    )


def make_folder(folder: Path) -> None:
    """Where a page goes, before hours are spent on it. Raises PageError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from None


def write(path: Path, text: str) -> None:
    """Text into a file, its folder made where there is none. Raises PageError."""
    make_folder(path.parent)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise _unwritable(path, error) from None


def _unwritable(path: Path, error: OSError) -> PageError:
    return PageError(f"{path}: cannot be written ({error.strerror}); give another --out.")


def _contents(blocks: Sequence[Block]) -> Iterator[str]:
    headings = [(at, block) for at, block in enumerate(blocks) if isinstance(block, Heading) and block.level == 2]
    if headings:
        yield "<nav><ol>"
        yield from (f'<li><a href="#part-{at}">{escape(block.text)}</a></li>' for at, block in headings)
        yield "</ol></nav>"


def _block(block: Block, place: int) -> str:
    match block:
        case Heading(text, level):
            return f'<h{level} id="part-{place}">{escape(text)}</h{level}>'
        case Paragraph(text):
            return f"<p>{escape(text)}</p>"
        case Table(caption, columns, rows):
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
    told = (f"<td{wide}>{cell}</td>" for wide, cell in zip(span, cells, strict=True))
    return f'<th scope="row">{head}</th>{"".join(told)}'
