"""The documents of the repository, and what stands in them: links, anchors, shell examples."""

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
README = ROOT / "README.md"

DOCUMENTS = (
    README,
    ROOT / "CHANGELOG.md",
    ROOT / "SECURITY.md",
    ROOT / "deploy" / "runbook.md",
    *sorted(DOCS.rglob("*.md")),
)

_FENCE = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|<img[^>]* src=\"([^\"]+)\"")
_SHELL_FENCE = re.compile(r"^( *)```sh\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_INCLUDE = re.compile(r"^```\{include\} (\S+)$", re.MULTILINE)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def generator() -> ModuleType:
    """The module docs/generate.py."""
    if str(DOCS) not in sys.path:
        sys.path.insert(0, str(DOCS))
    import generate

    return generate


def links(document: Path) -> list[str]:
    """The targets of a document's links and pictures, those of code left out."""
    text = _FENCE.sub("", document.read_text())
    text = re.sub(r"^    .*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"`[^`\n]*`(?!\])", "", text)
    return [target or picture for target, picture in _LINK.findall(text)]


def anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub and MyST make them; those of an included file, too."""
    text = document.read_text()
    found = {slug(title) for title in re.findall(r"^#{1,4} (.+)$", _FENCE.sub("", text), re.MULTILINE)}
    for included in _INCLUDE.findall(text):
        found |= anchors((document.parent / included).resolve())
    return found


def slug(title: str) -> str:
    return re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")


def commands(document: Path) -> Iterator[list[str]]:
    """Each `faultline …` or `faultline-trainer …` of a document's shell examples, as arguments.

    A line with an ellipsis shows a part of a command and is left out.
    """
    text = document.read_text()
    shell = [line for _, block in _SHELL_FENCE.findall(text) for line in block.split("\n")]
    indented = [line for line in _FENCE.sub("", text).split("\n") if line.startswith("    ")]
    for line in shell + indented:
        for part in re.split(r"&&|\|(?!\|)", line):
            if re.match(r"\s*faultline(-trainer)? ", part) and "…" not in part:
                arguments = shlex.split(part, comments=True)
                yield arguments[: arguments.index(">")] if ">" in arguments else arguments
