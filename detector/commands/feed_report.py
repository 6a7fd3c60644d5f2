"""Report of `faultline feed`: a verdict, findings with their remedies, and tables of what was measured."""

import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

from detector.bundle.format import read_bundle
from detector.config.schema import Config
from detector.core.features import Catalogue
from detector.feed_profile.builder import profile_feed
from detector.feed_profile.documents import FeedDocument
from detector.feed_profile.files import read_files
from detector.feed_profile.findings.rules import feed_findings
from detector.feed_profile.findings.sentences import percent
from detector.feed_profile.profile import FeatureProfile, FeedProfile
from detector.feed_profile.records import RawRecords
from detector.feed_profile.reference import feed_reference
from detector.finding import Finding
from detector.json_document import make_document
from detector.kafka.readers.feed_sample import read_feed_sample
from detector.terminal import (
    Row,
    fixed_column,
    level,
    number_column,
    print_document,
    print_line,
    print_table,
    status,
    terminal_columns,
    text_column,
)
from detector.text import printable
from detector.timestamps import write_minute

LEVEL_WIDTH, PART_WIDTH = 9, 10
"""Columns of a finding's level and part: `warning` and `features`, and spaces."""

MOST_FEATURES = 40
"""Rows of the table of features. `--json` has all."""


def print_feed(config: Config, files: Sequence[Path], records: int, *, json: bool) -> bool:
    """Print the profile of the feed; return whether nothing must be mended. Raises OperatorError."""
    bundle = read_bundle(Path(config.bundle), config.trusted_keys)
    reference = feed_reference(bundle.catalogue, bundle.baseline, config.settings_at(bundle.catalogue.period_minutes))
    with status("reading the feed"):
        profile = profile_feed(_read(config, files, records, bundle.catalogue), reference)
    findings = feed_findings(profile)
    is_good = all(finding.level != "error" for finding in findings)
    if json:
        print_document(make_document(FeedDocument, vars(profile), ok=is_good, findings=findings))
        return is_good
    _print_verdict(profile, findings)
    for finding in findings:
        _print_finding(finding)
    if profile.records.count:
        print_line()
        print_table([fixed_column("property"), text_column("seen")], _properties(profile))
        _print_features(profile)
    return is_good


def _read(config: Config, files: Sequence[Path], records: int, catalogue: Catalogue) -> RawRecords:
    return read_files(files, records, catalogue) if files else read_feed_sample(config, records)


def _print_verdict(profile: FeedProfile, findings: Sequence[Finding]) -> None:
    errors = sum(finding.level == "error" for finding in findings)
    verdict = f"{errors} to mend, {len(findings) - errors} to look at" if findings else "nothing to mend"
    print_line(level("error" if errors else "ok"), ": ", printable(profile.records.source), f": {verdict}")


def _print_finding(finding: Finding) -> None:
    """Print a finding over as many lines as it needs, its text in a column of its own."""
    indent = LEVEL_WIDTH + PART_WIDTH
    lines = textwrap.wrap(printable(finding.text, 1000), max(40, terminal_columns() - indent), break_long_words=False)
    print_line()
    print_line(
        level(finding.level), " " * (LEVEL_WIDTH - len(finding.level)), f"{finding.part:<{PART_WIDTH}}", lines[0]
    )
    for line in lines[1:]:
        print_line(" " * indent + line)


def _properties(profile: FeedProfile) -> Iterator[Row]:
    records, period, cells, keys = profile.records, profile.period, profile.cells, profile.keys
    span = "" if records.first is None else f", {write_minute(records.first)} to {write_minute(records.last or 0)} UTC"
    yield "records", f"{records.count:,} of {cells.reported:,} cells{span}"
    period_text = (
        "not seen: too few records of a cell" if period.seen_minutes is None else f"{period.seen_minutes:g} min"
    )
    yield (
        "period",
        f"{period_text}; the bundle is for {period.declared_minutes} min, times are its {period.declared_stamp}",
    )
    yield "time", ", ".join(f"{form} ({count:,})" for form, count in records.time_forms.items()) or None
    yield "delay", _delay(profile)
    known = f"{cells.known:,} of {cells.reported:,} known to the baseline, which has {cells.in_baseline:,}"
    yield "cells", known if cells.in_baseline else "the bundle has no baseline of single cells"
    as_usual = sum(not _notes(feature) for feature in profile.features)
    yield "features", f"{as_usual} of {len(profile.features)} as expected, {len(profile.new_features)} new"
    if keys.has_keys:
        wrong = keys.missing + keys.mismatched
        yield (
            "keys",
            "all equal the cell" if not wrong else f"{keys.missing:,} missing, {keys.mismatched:,} not the cell",
        )
    if keys.partitions:
        with_records = keys.partitions - keys.empty_partitions
        cells_each = f"{keys.least_cells:,} to {keys.most_cells:,} cells each"
        yield "partitions", f"{with_records} of {keys.partitions} with records, {cells_each}"
    yield "duplicates", f"{records.duplicates:,} the same, {records.restated:,} with other values"
    yield "bytes", f"{records.median_bytes:,} in the median, {records.largest_bytes:,} at most"
    refused = ", ".join(f"{reason} ({count:,})" for reason, count in records.refused.items())
    yield "refused", refused or "none"


def _delay(profile: FeedProfile) -> str:
    delay = profile.delay
    if profile.records.copied_timestamps:
        return "cannot be told: the timestamps are the records' own times"
    if not delay.count:
        return "cannot be told: there are no timestamps"
    shares = (("p50", delay.p50_minutes), ("p90", delay.p90_minutes), ("p99", delay.p99_minutes))
    quantiles = ", ".join(f"{name} {minutes:.1f}" for name, minutes in shares)
    return f"{quantiles}, at most {delay.max_minutes:.1f} min after the end of the period"


def _print_features(profile: FeedProfile) -> None:
    """Print the features that are not as expected, then the new ones."""
    renamed = {new.near: new.name for new in profile.new_features if new.near}
    rows: list[Row] = []
    for feature in profile.features:
        notes = _notes(feature) + ([f"sent as {renamed[feature.name]}, it seems"] if feature.name in renamed else [])
        if notes:
            rows.append((feature.name, percent(feature.reported), _ratio_text(feature.ratio), ", ".join(notes)))
    rows += [(new.name, percent(new.reported), None, "new") for new in profile.new_features if not new.near]
    if not rows:
        return
    if len(rows) > MOST_FEATURES:
        rows = [*rows[:MOST_FEATURES], f"and {len(rows) - MOST_FEATURES} more; --json lists all"]
    print_line()
    columns = [text_column("feature"), number_column("reported"), number_column("times usual"), text_column("note")]
    print_table(columns, rows)


def _ratio_text(ratio: float | None) -> str | None:
    """Return a ratio with two digits, as far as it is known: a baseline's mean is no better."""
    return None if ratio is None else f"{float(f'{ratio:.2g}'):,.7g}"


def _notes(feature: FeatureProfile) -> list[str]:
    """Return the properties of a feature that are not as expected."""
    notes = []
    if not feature.reported and feature.null:
        notes.append("null in all records")
    if not feature.reported and not feature.null and not feature.not_number:
        notes.append("in no record")
    if feature.unit_factor is not None:
        notes.append("another unit")
    if feature.out_of_range:
        notes.append(f"{percent(feature.out_of_range)} out of range, such as {feature.range_example:g}")
    if feature.not_number:
        notes.append(f"{percent(feature.not_number)} no number, such as {feature.not_number_example}")
    if feature.constant is not None:
        notes.append(f"always {feature.constant:g}")
    return notes
