"""Interpolation of configuration values: ${NAME} from the environment, ${file:PATH} from a file.

Secrets therefore need not stand in `config.yaml`.
"""

import os
import re
from pathlib import Path
from typing import Any

from detector.errors import ConfigError

MAX_NODES = 100_000
"""Most values of a configuration: a few lines of anchors that name each other would otherwise exhaust memory."""

MAX_SECRET_BYTES = 65_536


class Interpolator:
    """Interpolator of one configuration file; it replaces ${NAME} and ${file:PATH} in every string."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._nodes = 0

    def interpolate(self, node: Any, key: str) -> Any:
        """Return a copy of `node`, which stands at `key`, with all placeholders replaced. Raises ConfigError."""
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise ConfigError(
                f"{self._path}: its anchors expand to more than {MAX_NODES:,} values; write the values out instead."
            )
        if isinstance(node, dict):
            return {name: self.interpolate(value, f"{key}.{name}") for name, value in node.items()}
        if isinstance(node, list):
            return [self.interpolate(value, f"{key}[{index}]") for index, value in enumerate(node)]
        if not isinstance(node, str):
            return node
        return re.sub(r"\$\{(?:file:([^}]+)|(\w+))\}", lambda match: self._replacement(match[1], match[2], key), node)

    def _replacement(self, file: str | None, name: str, key: str) -> str:
        if file is not None:
            return self._read(file, key)
        if name not in os.environ:
            raise ConfigError(f"{self._path}: ${{{name}}} at `{key}` is not set in the environment; export {name}.")
        return os.environ[name]

    def _read(self, file: str, key: str) -> str:
        try:
            with open(file, "rb") as secret:
                text = secret.read(MAX_SECRET_BYTES + 1).decode()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not UTF-8"
            raise ConfigError(
                f"{self._path}: the file {file} at `{key}` cannot be read ({reason}); put the secret there."
            ) from None
        if len(text) > MAX_SECRET_BYTES:
            raise ConfigError(
                f"{self._path}: the file {file} at `{key}` is longer than {MAX_SECRET_BYTES:,} bytes;"
                " give a file that holds only the secret."
            )
        return text.rstrip("\r\n")
