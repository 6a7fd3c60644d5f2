"""Syntax errors of YAML: the parser's complaint becomes a sentence that quotes nothing of the file.

The parser quotes the line, which may hold a password.
"""

import re

import yaml

from detector.strict_yaml.document import TOP, Mark, Mistake

LINE_BREAK = re.compile(r"\r\n|[\r\n\x85\u2028\u2029]")

QUOTED = re.compile(r"(['\"])[^'\"<> ,]{2,}\1")
"""Text of the file in a complaint, such as the name of an anchor; `'<block end>'` and `','` are the parser's own."""

REMEDIES = {
    "mapping values are not allowed here": "a second key begins here; quote text with `: `, or mend the indentation",
    "could not find expected ':'": "a key without `:` stands before this; write `key: value`",
    "expected <block end>, but found '<block mapping start>'": "the indentation is wrong here; align the keys",
    "expected <block end>, but found '<block sequence start>'": "the indentation is wrong here; align the list",
}
"""Sentences for the complaints that people meet most."""


def syntax_mistake(text: str, error: yaml.YAMLError) -> Mistake:
    """Return the complaint about a text that the parser refused."""
    if isinstance(error, yaml.reader.ReaderError):
        shown = f"the character U+{_code(error):04X} is not allowed"
        return Mistake(mark_at(text, error.position), f"{shown}; remove it, or escape it in double quotes.")
    problem, mark = str(getattr(error, "problem", "")), getattr(error, "problem_mark", None)
    if mark is None:
        return Mistake(TOP, "is not YAML; check quotes, brackets and indentation.")
    position = Mark(mark.line + 1, mark.column + 1)
    if text[mark.index : mark.index + 1] == "\t":
        return Mistake(position, "a tab stands here; YAML takes spaces.")
    if text[max(0, mark.index - 1) : mark.index + 1] == "${":
        return Mistake(position, "text with ${ stands between { and }; put it in quotes.")
    remedy = REMEDIES.get(problem, f"is not YAML ({QUOTED.sub('…', problem)}); check quotes, brackets and indentation")
    return Mistake(position, f"{remedy}.")


def mark_at(text: str, index: int) -> Mark:
    """Return the position of a character."""
    lines = LINE_BREAK.split(text[:index])
    return Mark(len(lines), len(lines[-1]) + 1)


def _code(error: "yaml.reader.ReaderError") -> int:
    character = error.character
    return character if isinstance(character, int) else ord(character[:1])
