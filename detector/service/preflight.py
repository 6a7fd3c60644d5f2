"""Preflight check: everything that a start of the daemon would refuse or warn of, without starting it."""

from collections.abc import Iterator
from pathlib import Path

from detector.bundle.format import read_bundle
from detector.bundle.verification import open_bundle
from detector.config.loader import read_config
from detector.config.period_defaults import DEFAULTS
from detector.config.schema import Config
from detector.config.trust import trust_findings
from detector.errors import OperatorError
from detector.feed_profile.builder import profile_feed
from detector.feed_profile.findings.rules import feed_findings
from detector.feed_profile.reference import feed_reference
from detector.finding import Finding
from detector.host import host_findings
from detector.kafka.cluster.checks import cluster_findings
from detector.kafka.readers.feed_sample import read_feed_sample

FEED_RECORDS = 2_000
"""Records of the feed that a check looks at: about a second. `faultline feed` looks at ten times as many."""


def check_installation(config_path: Path, offline: bool) -> Iterator[Finding]:
    """Yield the findings of each part: configuration, host, trust, bundle and, unless `offline`, cluster and feed.

    The bundle comes last, because its encoder takes seconds to start. Raises ConfigError: nothing else can be looked at
    without a configuration.
    """
    config = read_config(config_path)
    yield Finding("config", "ok", f"{config_path}: ok")
    yield from host_findings(config)
    yield from trust_findings(config)
    if not offline:
        cluster = _cluster(config)
        yield from cluster
        if all(finding.level != "error" for finding in cluster):
            yield from _feed(config)
    yield from _bundle(config)


def _cluster(config: Config) -> list[Finding]:
    try:
        return cluster_findings(config)
    except OperatorError as error:
        return [Finding("cluster", "error", str(error))]


def _feed(config: Config) -> list[Finding]:
    """Return the findings of a small sample of the feed, as warnings: a start refuses none of them."""
    try:
        bundle = read_bundle(Path(config.bundle), config.trusted_keys)
    except OperatorError:
        return []  # the bundle's own finding says it
    try:
        records = read_feed_sample(config, FEED_RECORDS)
    except OperatorError as error:
        return [Finding("feed", "warning", str(error))]
    if not len(records):
        return [Finding("feed", "ok", f"{records.source}: no record yet")]
    reference = feed_reference(bundle.catalogue, bundle.baseline, config.settings_at(bundle.catalogue.period_minutes))
    findings = [Finding("feed", "warning", finding.text) for finding in feed_findings(profile_feed(records, reference))]
    if findings:
        return [*findings, Finding("feed", "ok", f"{records.source}: `faultline feed` shows what was seen")]
    return [Finding("feed", "ok", f"{records.source}: ok (the last {len(records):,} records)")]


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
