"""What stands in the configuration for something else: a secret of the environment, or of a file."""

import os
import re
from pathlib import Path
from typing import Any

from detector.errors import ConfigError

MOST_NODES = 100_000
"""Values of a configuration: a few lines of anchors that name each other would be more than memory."""

MOST_SECRET_BYTES = 65_536


class Interpolator:
    """Replaces ${NAME} in strings by the environment, and ${file:PATH} by a file, so that secrets need not stand in
    the configuration.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._nodes = 0

    def filled(self, node: Any, at: str) -> Any:
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise ConfigError(f"{self._path}: its anchors make more than {MOST_NODES:,} values; write it out.")
        if isinstance(node, dict):
            return {key: self.filled(value, f"{at}.{key}") for key, value in node.items()}
        if isinstance(node, list):
            return [self.filled(value, f"{at}[{place}]") for place, value in enumerate(node)]
        if not isinstance(node, str):
            return node
        return re.sub(r"\$\{(?:file:([^}]+)|(\w+))\}", lambda found: self._told(found[1], found[2], at), node)

    def _told(self, file: str | None, name: str, at: str) -> str:
        if file is not None:
            return self._read(file, at)
        if name not in os.environ:
            raise ConfigError(f"{self._path}: ${{{name}}} at `{at}` is not in the environment; export {name}.")
        return os.environ[name]

    def _read(self, file: str, at: str) -> str:
        try:
            with open(file, "rb") as secret:
                text = secret.read(MOST_SECRET_BYTES + 1).decode()
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "not UTF-8"
            raise ConfigError(f"{self._path}: {file} at `{at}` cannot be read ({why}); put the secret there.") from None
        if len(text) > MOST_SECRET_BYTES:
            raise ConfigError(
                f"{self._path}: {file} at `{at}` is longer than {MOST_SECRET_BYTES:,} bytes; no secret is."
            )
        return text.rstrip("\r\n")
