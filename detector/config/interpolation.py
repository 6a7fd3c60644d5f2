"""Interpolation of configuration values: ${NAME} from the environment, ${file:PATH} from a file.

Secrets therefore need not stand in `config.yaml`. A text is filled in as it is: nothing in it is read as YAML, and no
placeholder in it is replaced. Placeholders of other tools are refused by name, so none is taken for a value.
"""

import os
import re
import stat
from collections.abc import Sequence
from dataclasses import replace

from detector.strict_yaml.document import SHOWN_WIDTH, Keys, Mistake, YamlDocument, YamlNode, key_name
from detector.text import printable

MAX_SECRET_BYTES = 65_536

PLACEHOLDER = re.compile(
    r"\$\$"
    r"|\$\{(?:env:)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?:(?P<operator>:-|-|:\?|\?)(?P<word>[^{}$]*))?\}"
    r"|\$\{file:(?P<file>[^{}$]+)\}"
)
"""Placeholders that are replaced; `$$` is a dollar."""

FORMS = "${NAME}, ${NAME:-default}, ${NAME:?text}, ${file:PATH}, and $$ for a dollar"

NESTED = re.compile(r"\$\{[^}]*\$\{")

OTHERS = (
    (re.compile(r"\$\{[^}]*$"), "`${…` without its `}`"),
    (re.compile(r"\$\{\w+:?\+"), "`${NAME:+text}`, the alternative text of a shell,"),
    (re.compile(r"\$\{\w+:?="), "`${NAME:=text}`, the assignment of a shell,"),
    (
        re.compile(r"\$\{(?!env:|file:)\w+:[^-?+=]"),
        "`${NAME:text}`, a default of Spring or a provider of another tool,",
    ),
    (re.compile(r"\$\{[\w.-]+\}"), "`${section.key}`, a reference to another key,"),
    (re.compile(r"\$\{"), "this form of `${…}`"),
    (re.compile(r"\$\("), "`$(…)`, a command of a shell or a variable of Make and Kubernetes,"),
    (re.compile(r"\$[A-Za-z_]"), "`$NAME`, a variable without braces,"),
    (re.compile(r"%\([A-Za-z_][\w.]*\)[sdr]"), "`%(name)s`, a placeholder of Python,"),
    (re.compile(r"%[A-Za-z_]\w{2,}%"), "`%NAME%`, a variable of Windows,"),
    (re.compile(r"\{\{.*\}\}|\{%.*%\}", re.DOTALL), "`{{ … }}`, a template of Jinja, Ansible or Helm,"),
    (re.compile(r"<%.*%>", re.DOTALL), "`<% … %>`, a template of Ruby,"),
    (re.compile(r"#\{[^}]+\}"), "`#{…}`, a placeholder of Ruby or a deployment tool,"),
    (re.compile(r"@[A-Z][A-Z0-9_.]+@"), "`@NAME@`, a placeholder of Maven or Make,"),
)
"""Forms that are refused, with their names. The first that fits names the form."""


class _InterpolationError(ValueError):
    """Placeholder that cannot be replaced; the text is a sentence without the key."""


def interpolate(document: YamlDocument) -> YamlDocument:
    """Return the document with its placeholders replaced. Mistakes are added to those of the document."""
    mistakes: list[Mistake] = list(document.mistakes)
    root = _filled(document.root, (), mistakes)
    return replace(document, root=root, mistakes=tuple(mistakes))


def escape(text: str) -> str:
    """Return the text in a form that the interpolation gives back as it was."""
    return text.replace("$", "$$")


def _filled(node: YamlNode, keys: Keys, mistakes: list[Mistake]) -> YamlNode:
    if isinstance(node.value, dict):
        for name in node.value:
            if "${" in name:
                text = f"the key `{printable(name, SHOWN_WIDTH)}` of {key_name(keys)} has a placeholder; write it out."
                mistakes.append(Mistake((node.key_marks or {})[name], text))
        filled = {name: _filled(item, (*keys, name), mistakes) for name, item in node.value.items()}
        return replace(node, value=filled)
    if isinstance(node.value, list):
        items = enumerate(node.value)
        return replace(node, value=[_filled(item, (*keys, index), mistakes) for index, item in items])
    if not isinstance(node.value, str) or node.is_refused:
        return node
    try:
        text, placeholders = _replaced(node.value)
    except _InterpolationError as error:
        mistakes.append(Mistake(node.mark, f"{key_name(keys)}: {error}"))
        return replace(node, is_refused=True)
    return replace(node, value=text, placeholders=", ".join(placeholders))


def _replaced(text: str) -> tuple[str, list[str]]:
    """Return the text with its placeholders replaced, and their names. Raises _InterpolationError."""
    placeholders = []
    between = PLACEHOLDER.split(text)[:: PLACEHOLDER.groups + 1]
    foreign = _foreign_form(text, between)
    if foreign:
        raise _InterpolationError(f"{foreign} is not replaced; known are {FORMS}.")
    parts = [between[0]]
    for found, rest in zip(PLACEHOLDER.finditer(text), between[1:], strict=True):
        if found[0] != "$$":
            placeholders.append(f"${{file:{found['file']}}}" if found["file"] else f"${{{found['name']}}}")
        parts += [_replacement(found), rest]
    return "".join(parts), placeholders


def _foreign_form(text: str, between: Sequence[str]) -> str:
    """Return the name of the first form of another tool; "" where there is none."""
    if NESTED.search(text.replace("$$", "")):
        return "a placeholder inside a placeholder"
    return next((name for form, name in OTHERS if any(form.search(part) for part in between)), "")


def _replacement(found: re.Match[str]) -> str:
    if found[0] == "$$":
        return "$"
    if found["file"]:
        return _read(found["file"])
    return _variable(found["name"], found["operator"] or "", found["word"] or "")


def _variable(name: str, operator: str, word: str) -> str:
    """Return a variable's value, or the default; `:` before an operator takes an empty variable for a missing one."""
    value = os.environ.get(name)
    is_missing = value is None or (operator.startswith(":") and not value)
    if not is_missing:
        return _checked(str(value), name)
    if operator.endswith("-"):
        return word
    state = "is not set in the environment" if value is None else "is empty in the environment"
    reason = f" ({printable(word)})" if word else ""
    raise _InterpolationError(f"${{{name}}} {state}{reason}; export {name}.")


def _checked(value: str, name: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _InterpolationError(f"${{{name}}} is not UTF-8 in the environment; export it as UTF-8.") from None
    return value


def _read(path: str) -> str:
    """Return the content of a file without the line breaks at its end; a pipe is refused before anything waits."""
    remedy = "put the secret there, and let this user read it"
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise _InterpolationError(f"the file {path} is a pipe or a device; give a file.")
            text = file.read(MAX_SECRET_BYTES + 1).decode()
    except (OSError, ValueError) as error:
        if isinstance(error, _InterpolationError):
            raise
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise _InterpolationError(f"the file {path} cannot be read ({reason}); {remedy}.") from None
    if len(text) > MAX_SECRET_BYTES:
        excess = f"is longer than {MAX_SECRET_BYTES:,} bytes"
        raise _InterpolationError(f"the file {path} {excess}; give a file that holds only the secret.")
    return text.rstrip("\r\n")
