"""Findings of a feed's profile: what must be mended (error) or looked at (warning), each with its remedy."""

from collections.abc import Callable, Iterator, Sequence

from detector.feed_profile.findings.features import feature_findings
from detector.feed_profile.findings.sentences import listed, percent, period_text, refusal_remedy
from detector.feed_profile.profile import FeedProfile
from detector.finding import Finding

SOME = 0.01
"""Share of records from which something is a finding at all: one record in a hundred."""

MUCH = 0.1
"""Share from which it must be mended. Below it, single senders are wrong."""

FEW_UNKNOWN, MOST_UNKNOWN = 0.05, 0.5
"""Shares of cells without a baseline: above the first they are told, above the second another network reports."""

UNEVEN = 4
"""Ratio of cells in the fullest and the emptiest partition from which one worker has most of the work."""

EVEN_CELLS = 20
"""Cells per partition from which their hash spreads evenly."""


def feed_findings(profile: FeedProfile) -> list[Finding]:
    """Return the findings, errors first; none for a feed that is as the bundle and the configuration want it."""
    if not profile.records.count:
        return [Finding("records", "warning", f"{profile.records.source}: holds no record; start what sends them.")]
    rules: Sequence[Callable[[FeedProfile], Iterator[Finding]]] = (
        _refusals,
        _period,
        _stamp,
        _clock,
        _cells,
        feature_findings,
        _keys,
        _partitions,
        _repeats,
    )
    findings = [finding for rule in rules for finding in rule(profile)]
    return sorted(findings, key=lambda finding: finding.level != "error")


def _finding(part: str, share: float, text: str) -> Finding:
    return Finding(part, "error" if share >= MUCH else "warning", text)


def _refusals(profile: FeedProfile) -> Iterator[Finding]:
    records = profile.records
    for reason, count in records.refused.items():
        share = count / records.count
        remedy = refusal_remedy(reason, records.time_examples)
        yield _finding("records", share, f"{percent(share)} of the records are refused as {reason}: {remedy}")


def _period(profile: FeedProfile) -> Iterator[Finding]:
    period = profile.period
    actual, declared = period.seen_minutes, period.declared_minutes
    if actual is not None and actual != declared:
        text = f"the cells report every {period_text(actual)}, and the bundle is for {declared}-minute periods;"
        remedy = " train or adapt a bundle whose catalogue declares the period that is sent, or send the other."
        yield Finding("period", "error", text + remedy)
    elif len(period.cells_by_period) > 1:
        shares = listed([f"{minutes} min ({cells} cells)" for minutes, cells in period.cells_by_period.items()])
        others = sum(list(period.cells_by_period.values())[1:]) / max(1, sum(period.cells_by_period.values()))
        if others >= SOME:
            text = f"cells report with different periods: {shares}; let all of them send every {period_text(declared)}."
            yield _finding("period", others, text)
    if period.off_grid >= SOME:
        text = (
            f"{percent(period.off_grid)} of the times begin no {actual or declared:g}-minute period counted from 00:00;"
        )
        yield _finding("period", period.off_grid, text + " send the begin of the period as the time.")


def _stamp(profile: FeedProfile) -> Iterator[Finding]:
    if profile.period.is_end_stamp and profile.period.declared_stamp == "begin":
        yield Finding(
            "clock",
            "error",
            "records arrive before a period that begins at their time can be over, so their times are the ends of"
            " periods; declare `stamp: end` in the catalogue and adapt the bundle, or send the begins.",
        )


def _clock(profile: FeedProfile) -> Iterator[Finding]:
    delay = profile.delay
    if delay.zone_hours > 0:
        text = f"all times are ahead of Kafka's clock by up to {delay.zone_hours} h, nearly alike: local times were"
        yield Finding("clock", "error", text + " sent as UTC; send UTC, or the zone's offset with the time.")
    elif delay.zone_hours < 0:
        text = f"all records come {-delay.zone_hours} h and some minutes late, nearly alike: local times may have been"
        yield Finding("clock", "warning", text + " sent as UTC; send UTC, or the zone's offset with the time.")
    elif _is_early(profile):
        text = f"half of the records arrive {-(delay.p50_minutes or 0):g} min and more before their period is over;"
        yield Finding("clock", "error", text + " set the senders' clocks (NTP).")
    cells = max(1, profile.cells.reported)
    for clocks, word, remedy in (
        (delay.ahead, "ahead of", "their records are refused as too_far_ahead"),
        (delay.behind, "behind", "their records may be refused as too_late"),
    ):
        if clocks:
            names = listed([f"{name} by {minutes:g} min" for name, minutes in clocks.items()])
            text = f"the times of {len(clocks)} of {cells} cells are {word} the other cells': {names}; {remedy};"
            yield Finding("clock", "error" if word == "ahead of" else "warning", text + " set their senders' clocks.")


def _is_early(profile: FeedProfile) -> bool:
    """Tell whether most records come so early that no end of a period that is stamped explains it."""
    p50, period = profile.delay.p50_minutes, profile.period
    return p50 is not None and not period.is_end_stamp and p50 <= -period.declared_minutes - 1


def _cells(profile: FeedProfile) -> Iterator[Finding]:
    cells = profile.cells
    unknown = cells.reported - cells.known if cells.in_baseline else 0
    if not unknown:
        return
    share = unknown / cells.reported
    if cells.change:
        pairs = listed([f"{name} for {known}" for name, known in cells.change_examples], cells.changed, 2)
        yield Finding(
            "cells",
            "error",
            f"{cells.changed} of {cells.reported} cells have other identifiers than the baseline, by {cells.change}:"
            f" {pairs}; send the identifiers of before, or adapt the bundle to the new ones.",
        )
    elif share >= MOST_UNKNOWN or (share >= FEW_UNKNOWN and unknown > 1):
        names = listed(cells.unknown_examples, unknown)
        text = f"{unknown} of {cells.reported} cells have no baseline: {names}; they are judged by the network's"
        yield Finding(
            "cells",
            "error" if share >= MOST_UNKNOWN else "warning",
            text + " until the bundle is adapted to a history that has them.",
        )


def _keys(profile: FeedProfile) -> Iterator[Finding]:
    keys, count = profile.keys, max(1, profile.records.count)
    if keys.missing >= SOME * count:
        text = f"{percent(keys.missing / count)} of the records have no key; key each record by its cell."
        yield Finding("keys", "error", text)
    if keys.mismatched:
        share = percent(keys.mismatched / count)
        text = f"{share} of the records have another key than their cell ({keys.mismatch_example});"
        yield Finding("keys", "error", text + " key each record by its cell.")


def _partitions(profile: FeedProfile) -> Iterator[Finding]:
    keys = profile.keys
    if keys.cells_in_several_partitions:
        text = f"{keys.cells_in_several_partitions} cells lie in several partitions (such as {keys.several_example});"
        yield Finding("keys", "error", text + " choose the partition by the key alone, with one partitioner.")
    if keys.empty_partitions and profile.cells.reported >= EVEN_CELLS * keys.partitions:
        text = f"{keys.empty_partitions} of {keys.partitions} partitions have no record in the sample;"
        yield Finding("keys", "warning", text + " choose the partition by a hash of the key.")
    elif keys.most_cells > UNEVEN * keys.least_cells and keys.least_cells + keys.most_cells >= 2 * EVEN_CELLS:
        text = f"one partition has {keys.most_cells} cells and another {keys.least_cells};"
        yield Finding("keys", "warning", text + " choose the partition by a hash of the key.")


def _repeats(profile: FeedProfile) -> Iterator[Finding]:
    records = profile.records
    for count, what, remedy in (
        (records.duplicates, "repeat a cell and time that was sent", "send each once (an idempotent producer)."),
        (records.restated, "restate a cell and time with other values", "send a period once it is complete."),
    ):
        share = count / max(1, records.readable)
        if share >= SOME:
            yield Finding("records", "warning", f"{percent(share)} of the records {what}; {remedy}")
