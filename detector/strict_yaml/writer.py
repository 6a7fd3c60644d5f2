"""Writer of YAML: text that the strict reader would not read as the same text is put in quotes."""

from typing import Any

import yaml

from detector.strict_yaml.scalars import is_text


class _Dumper(yaml.SafeDumper):
    """Dumper that quotes more than YAML 1.1 asks for."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    is_plain = is_text(text) and text.isprintable()  # plain text is folded at line breaks, Unicode's too
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if is_plain else '"')


_Dumper.add_representer(str, _represent_text)


def write_yaml(value: Any) -> str:
    """Return the YAML text of dicts, lists and scalars, in the form that the strict reader reads."""
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
    return text


def write_flow(mapping: dict[str, Any]) -> str:
    """Return a mapping on one line, in braces: {name: a, low: 0.0}."""
    text: str = yaml.dump(
        mapping, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=True, width=float("inf")
    )
    return text.rstrip("\n")
