"""Preflight check: everything that a start of the daemon would refuse, without starting it."""

from collections.abc import Iterator
from pathlib import Path

from detector.bundle.verification import open_bundle
from detector.config.loader import read_config
from detector.config.trust import trust_findings
from detector.kafka.topics import check_topics


def check_installation(config_path: Path, offline: bool) -> Iterator[str]:
    """Yield one line for each part that is valid: configuration, bundle and, unless `offline`, topics.

    Raises OperatorError for the first part that is not.
    """
    config = read_config(config_path)
    yield f"config   {config_path}: ok"
    yield from (f"trust    {finding.level}: {finding.text}" for finding in trust_findings(config))
    path = Path(config.bundle)
    bundle, _ = open_bundle(path, config.runtime.threads, config.trusted_keys)
    cells = len(bundle.baseline.cells)
    yield f"bundle   {path}: ok ({bundle.digest}, {len(bundle.catalogue)} features, {cells} cells with a baseline)"
    if not offline:
        check_topics(config)
        yield f"cluster  {config.kafka.common['bootstrap.servers']}: ok"
