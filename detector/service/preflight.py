"""Preflight check: everything that a start of the daemon would refuse or warn of, without starting it."""

from collections.abc import Iterator
from pathlib import Path

from detector.bundle.verification import open_bundle
from detector.config.loader import read_config
from detector.config.period_defaults import DEFAULTS
from detector.config.schema import Config
from detector.config.trust import trust_findings
from detector.errors import OperatorError
from detector.finding import Finding
from detector.host import host_findings
from detector.kafka.cluster.checks import cluster_findings


def check_installation(config_path: Path, offline: bool) -> Iterator[Finding]:
    """Yield the findings of each part: configuration, host, trust, bundle and, unless `offline`, cluster.

    The bundle comes last, because its encoder takes seconds to start. Raises ConfigError: nothing else can be looked at
    without a configuration.
    """
    config = read_config(config_path)
    yield Finding("config", "ok", f"{config_path}: ok")
    yield from host_findings(config)
    yield from trust_findings(config)
    if not offline:
        yield from _cluster(config)
    yield from _bundle(config)


def _cluster(config: Config) -> list[Finding]:
    try:
        return cluster_findings(config)
    except OperatorError as error:
        return [Finding("cluster", "error", str(error))]


def _bundle(config: Config) -> list[Finding]:
    path = Path(config.bundle)
    try:
        bundle, _ = open_bundle(path, config.runtime.threads, config.trusted_keys)
    except OperatorError as error:
        return [Finding("bundle", "error", str(error))]
    cells = len(bundle.baseline.cells)
    content = f"{bundle.digest}, {len(bundle.catalogue)} features, {cells} cells with a baseline"
    return [Finding("bundle", "ok", f"{path}: ok ({content})"), _minutes(config, bundle.catalogue.period_minutes)]


def _minutes(config: Config, period_minutes: int) -> Finding:
    """Return the minutes that the knobs mean at the period of the bundle."""
    settings = config.settings_at(period_minutes)
    knobs = ", ".join(f"{name} {getattr(settings, name)}" for name in DEFAULTS)
    unit = "minute" if period_minutes == 1 else "minutes"
    return Finding("minutes", "ok", f"a sample stands for {period_minutes} {unit}: {knobs}")
