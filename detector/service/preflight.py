"""Preflight check: everything that a start of the daemon would refuse, without starting it."""

from collections.abc import Iterator
from pathlib import Path

from detector.bundle.format import read_bundle
from detector.bundle.verification import start_encoder
from detector.config.loader import read_config
from detector.finding import Finding
from detector.kafka.topics import check_topics


def check_installation(config_path: Path, offline: bool) -> Iterator[Finding]:
    """Yield a finding for each part that is valid: configuration, bundle and, unless `offline`, topics.

    Raises OperatorError for the first part that is not.
    """
    config = read_config(config_path)
    yield Finding("config", "ok", str(config_path))
    path = Path(config.bundle)
    bundle = read_bundle(path)
    if not offline:
        check_topics(config)
        yield Finding("cluster", "ok", str(config.kafka.common["bootstrap.servers"]))
    start_encoder(bundle, path, config.runtime.threads)  # last: all else is refused without waiting for it
    cells = len(bundle.baseline.cells)
    facts = f"{bundle.digest}, {len(bundle.catalogue)} features, {cells} cells with a baseline"
    yield Finding("bundle", "ok", f"{path} ({facts})")
