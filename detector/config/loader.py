"""Configuration loader: `config.yaml` becomes a `Config`, or sentences that say what is wrong and where."""

from pathlib import Path
from typing import Any

import msgspec

from detector.config.checks import CHECKS
from detector.config.interpolation import interpolate
from detector.config.schema import Config
from detector.errors import ConfigError
from detector.signatures import KeyFileError, read_public_key
from detector.strict_yaml.conversion import convert
from detector.strict_yaml.document import Mistake, YamlDocument, key_name
from detector.strict_yaml.reader import read_document
from detector.strict_yaml.writer import write_yaml


def read_config(path: Path) -> Config:
    """Return the configuration at `path`. Raises ConfigError with all mistakes, each with its line and column."""
    document = interpolate(_read(path))
    config = convert(document, Config)
    mistakes = [
        Mistake(document.find(keys)[1], f"{key_name(keys)} {text}") for check in CHECKS for keys, text in check(config)
    ]
    trust, key_mistakes = _read_trust(config.trust, document)
    document.check(*mistakes, *key_mistakes)
    return msgspec.structs.replace(config, trust=trust)


def read_knobs(path: Path) -> Any:
    """Return the configuration as it is written, neither checked nor interpolated. Raises ConfigError."""
    document = _read(path)
    document.check()
    return document.root.builtins()


def write_knobs(knobs: dict[str, Any]) -> str:
    """Return the knobs as YAML, in the form that `read_knobs` reads."""
    return write_yaml(knobs)


def _read(path: Path) -> YamlDocument:
    try:
        return read_document(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no path"
        raise ConfigError(f"{path}: cannot be read ({reason}); give the file with --config.") from None


def _read_trust(entries: list[str], document: YamlDocument) -> tuple[list[str], list[Mistake]]:
    """Return the trusted keys as base64, and the mistakes of those that cannot be used."""
    keys: dict[str, None] = {}
    mistakes = []
    for index, entry in enumerate(entries):
        try:
            keys[read_public_key(entry, document.path.parent).text] = None
        except KeyFileError as error:
            node, mark = document.find(("trust", index))
            sentence = str(error).replace(entry, node.placeholders or entry)  # it may come from a secret variable
            mistakes.append(Mistake(mark, f"{key_name(('trust', index))}: {sentence}"))
    return list(keys), mistakes
