"""Metrics of the daemon, all in one list. Labels come from closed lists, and never name a cell."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector, generate_latest

from detector import __version__
from detector.core.ingest.samples import Reason
from detector.core.ingest.value_faults import ValueFault
from detector.core.lifecycle import Event
from detector.core.pipeline import PollResult
from detector.core.scoring.classifier import VERDICTS
from detector.core.vocabulary import CHANGES, KINDS, SEVERITIES, Alarm
from detector.errors import BUNDLE_REASONS
from detector.output.files import whole_file
from detector.output.kinds import begins_with, file_kind
from detector.service.feed.health import DEAF
from detector.service.latency import IGNORED
from detector.text import printable

SHADOW_TEXTFILE = file_kind("a file of shadow metrics", begins_with(b"# HELP faultline_shadow_alarms "))

STAGES = ("decode", "scale", "window", "encode", "match", "alarm", "publish")
OUTCOMES = ("in_order", "late", "duplicate", "restated", "rejected", "replayed")
TRANSACTIONS = ("committed", "aborted")
WITHHELD = ("ignored", "quarantined")
PLAYS = ("recognised", "missed")
CUTS = ("shortened", "dead_lettered")
TABLES = ("active", "labels")
"""Tables on which records of others are counted, by the key of their topic in the configuration."""

RESETS = ("retention", "made_anew")
"""Reasons why a partition does not start at its commit: the log no longer has the offset, or never had it."""

_STAGE_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_LATENCY_BUCKETS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300)
_BATCH_BUCKETS = (1, 10, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 50_000)


class Metrics:
    """All metrics, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._counters()
        self._gauges()
        self._histograms()
        build = Info("faultline_build", "Version of Faultline.", registry=self.registry)
        build.info({"version": __version__})
        self.bundle = Info("faultline_bundle", "Bundle in use.", registry=self.registry)
        ProcessCollector(namespace="faultline", registry=self.registry)  # memory, files and start time, on Linux

    def _counters(self) -> None:
        def counter(name: str, text: str, label: str | None = None, values: tuple[str, ...] = ()) -> Counter:
            metric = Counter(name, text, [label] if label else [], registry=self.registry)
            for value in values:
                metric.labels(value)
            return metric

        self.records = counter("faultline_records", "Records consumed, by outcome.", "outcome", OUTCOMES)
        self.rejections = counter("faultline_rejections", "Records refused, by reason.", "reason", tuple(Reason))
        self.value_faults = counter(
            "faultline_value_faults", "Values that count as not reported or are ignored.", "kind", tuple(ValueFault)
        )
        self.windows = counter("faultline_windows_scored", "Windows embedded and scored.")
        self.verdicts = counter("faultline_verdicts", "Decisions on cells' minutes.", "verdict", VERDICTS)
        self.alarms = Counter(
            "faultline_alarms", "Alarm notifications committed.", ["type", "severity"], registry=self.registry
        )
        for change in CHANGES:
            for severity in SEVERITIES:
                self.alarms.labels(change, severity)
        self.cut_alarms = counter("faultline_alarms_cut", "Alarms too long for their topic.", "outcome", CUTS)
        self.rebalances = counter("faultline_rebalances", "Polls in which partitions were assigned or revoked.")
        self.transactions = counter("faultline_transactions", "Kafka transactions.", "outcome", TRANSACTIONS)
        self.resets = counter(
            "faultline_partitions_reset", "Partitions whose committed offset is not in the log.", "reason", RESETS
        )
        self.withheld_alarms = counter(
            "faultline_alarms_withheld", "Episodes that were recognised and raised no alarm.", "reason", WITHHELD
        )
        self.latency_ignored = counter(
            "faultline_latency_ignored_records",
            "Live records left out of the latency, whose timestamp is absent, ahead of the clock or too old.",
            "reason",
            IGNORED,
        )
        self.label_errors = counter("faultline_labels_refused", "Labels that could not be embedded.")
        self.foreign_records = counter(
            "faultline_foreign_records",
            "Records that Faultline has not written on its own tables, skipped at each read.",
            "topic",
            TABLES,
        )
        self.canary_plays = counter("faultline_canary_plays", "Plays of the canary, by outcome.", "outcome", PLAYS)
        self.refused_bundles = counter(
            "faultline_bundle_refused", "Bundles refused while another one serves.", "reason", BUNDLE_REASONS
        )

    def _gauges(self) -> None:
        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(name, text, labels, registry=self.registry)

        self.open_alarms = gauge("faultline_alarms_open", "Alarms open now.", "severity")
        self.cells = gauge("faultline_cells_tracked", "Cells with a window in memory.")
        self.silent_cells = gauge("faultline_cells_silent", "Cells with an open alarm for silence.")
        self.partitions = gauge("faultline_partitions_assigned", "Partitions of the input topic owned.")
        self.foreign_members = gauge(
            "faultline_group_foreign_members", "Members of the consumer group that are not Faultline."
        )
        self.watermark = gauge("faultline_frontier_timestamp_seconds", "Watermark of the slowest owned partition.")
        self.lag_sum = gauge("faultline_consumer_lag_records", "Records behind the end, in all owned partitions.")
        self.lag_max = gauge("faultline_consumer_lag_records_max", "Records behind the end, in the worst partition.")
        self.exemplars = gauge("faultline_exemplars", "Labelled exemplars in use.", "kind")
        self.judged_alarms = gauge(
            "faultline_judged_alarms", "Alarms that a person confirmed or rejected, by class.", "class", "judgement"
        )
        self.quarantined_exemplars = gauge(
            "faultline_quarantined_exemplars", "Exemplars in quarantine, which raise no alarm."
        )
        self.deaf = gauge("faultline_deaf", "1 while most of what the feed sends cannot be used.", "reason")
        self.feed_period = gauge("faultline_feed_period_seconds", "Seconds between two samples of a cell; 0 = unknown.")
        self.bundle_current = gauge("faultline_bundle_current", "0 while the directory holds a refused bundle.")
        self.canary_recognised = gauge(
            "faultline_canary_recognised_timestamp_seconds",
            "Time when the bundle in use last recognised the canary's fault; 0 = not yet.",
        )
        self.canary_seconds = gauge("faultline_canary_play_seconds", "Duration of the canary's last play.")
        self.canary_period = gauge("faultline_canary_period_seconds", "Period of the canary's plays; 0 = off.")
        self.readiness = gauge("faultline_ready", "1 when partitions are assigned and their alarms are published.")
        self.certificate = gauge(
            "faultline_certificate_expiry_timestamp_seconds",
            "End of a certificate in use: of the Kafka client, its authorities, or the HTTP endpoints.",
            "certificate",
        )
        self.gpu = gauge("faultline_gpu", "1 when the encoder runs on a GPU.")
        for severity in SEVERITIES:
            self.open_alarms.labels(severity)
        for kind in KINDS:
            self.exemplars.labels(kind)
        for reason in DEAF:
            self.deaf.labels(reason)

    def _histograms(self) -> None:
        self.latency = Histogram(
            "faultline_end_to_end_latency_seconds",
            "Time from a poll's oldest record (its timestamp, where it is plausible) to the commit of its alarms.",
            registry=self.registry,
            buckets=_LATENCY_BUCKETS,
        )
        self.stage = Histogram(
            "faultline_stage_duration_seconds",
            "Time per poll and step.",
            ["stage"],
            registry=self.registry,
            buckets=_STAGE_BUCKETS,
        )
        for stage in STAGES:
            self.stage.labels(stage)
        self.batch = Histogram(
            "faultline_batch_size_records", "Records per poll.", registry=self.registry, buckets=_BATCH_BUCKETS
        )

    def set_client_certificates(self, ends: dict[str, int]) -> None:
        """Set the ends of the certificates that Kafka clients have read. A client keeps them until it is replaced."""
        for use, end in ends.items():
            self.certificate.labels(use).set(end)

    def follow_http_certificate(self, end: Callable[[], int | None]) -> None:
        """Follow the end of the endpoints' certificate, which may be renewed while the daemon runs."""
        if end() is not None:
            self.certificate.labels("http").set_function(lambda: end() or 0)

    @contextmanager
    def time_stage(self, stage: str) -> Iterator[None]:
        """Measure the time of a stage."""
        start = perf_counter()
        yield
        self.stage.labels(stage).observe(perf_counter() - start)

    def count_work(self, work: PollResult) -> None:
        """Count a poll's work, before it is published."""
        for outcome, count in work.outcomes.items():
            self.records.labels(outcome).inc(count)
        for _, rejection in work.rejections:
            self.rejections.labels(rejection.reason).inc()
        for verdict, count in work.verdicts.items():
            self.verdicts.labels(verdict).inc(count)
        for kind in ValueFault:
            self.value_faults.labels(kind).inc(work.faults.of(kind))
        self.windows.inc(work.window_count)

    def count_published(self, events: list[Event], open_alarms: list[Alarm], silent_name: str) -> None:
        """Count what was committed. `silent_name` is the class of the alarm for silence."""
        for event in events:
            self.alarms.labels(event.change, event.alarm.severity).inc()
        for severity in SEVERITIES:
            self.open_alarms.labels(severity).set(sum(alarm.severity == severity for alarm in open_alarms))
        self.silent_cells.set(sum(alarm.name == silent_name for alarm in open_alarms))


def write_shadow(path: Path, counts: Mapping[str, Mapping[str, int]]) -> None:
    """Write a shadow report's counts, {class: {raised by: alarms}}, for the node exporter's textfile collector.

    Raises OSError.
    """
    registry = CollectorRegistry()
    gauge = Gauge(
        "faultline_shadow_alarms",
        "Alarms in the minutes that two bundles scored, by the bundle that raised them.",
        ["class", "raised_by"],
        registry=registry,
    )
    for name, raised in counts.items():
        for raised_by, count in raised.items():
            gauge.labels(printable(name), raised_by).set(count)
    with whole_file(path) as file:
        file.write(generate_latest(registry))
