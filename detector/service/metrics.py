"""Every metric there is, in one list. One call per step; labels come from closed lists, and never name a cell."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector, write_to_textfile

from detector import __version__
from detector.core.ingest.samples import Reason
from detector.core.lifecycle import CHANGES, SEVERITIES, Alarm, Event
from detector.core.pipeline import PollResult
from detector.core.scoring.classifier import VERDICTS
from detector.core.scoring.exemplars import KINDS
from detector.errors import BUNDLE_REASONS

STAGES = ("decode", "scale", "window", "encode", "match", "alarm", "publish")
OUTCOMES = ("in_order", "late", "duplicate", "restated", "rejected", "replayed")
TRANSACTIONS = ("committed", "aborted")
WITHHELD = ("ignored", "quarantined")
HALTS = ("poison",)
PLAYS = ("recognised", "missed")
CUTS = ("shortened", "dead_lettered")
RESETS = ("retention", "made_anew")
"""What the log no longer has, or never had."""

_STAGE_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_LATENCY_BUCKETS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300)
_BATCH_BUCKETS = (1, 10, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 50_000)


class Metrics:
    """The catalogue, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._counters()
        self._gauges()
        self._histograms()
        build = Info("faultline_build", "Version of Faultline.", registry=self.registry)
        build.info({"version": __version__})
        self.bundle = Info("faultline_bundle", "The bundle that judges.", registry=self.registry)
        ProcessCollector(namespace="faultline", registry=self.registry)  # memory, files, start: of Linux

    def _counters(self) -> None:
        def counter(name: str, text: str, label: str | None = None, values: tuple[str, ...] = ()) -> Counter:
            made = Counter(name, text, [label] if label else [], registry=self.registry)
            for value in values:
                made.labels(value)
            return made

        self.records = counter("faultline_records", "Records taken, by what became of them.", "outcome", OUTCOMES)
        self.rejections = counter("faultline_rejections", "Records refused, by reason.", "reason", tuple(Reason))
        self.windows = counter("faultline_windows_scored", "Windows embedded and compared.")
        self.verdicts = counter("faultline_verdicts", "Verdicts on cells' minutes.", "verdict", VERDICTS)
        self.alarms = Counter(
            "faultline_alarms", "Alarm notifications committed.", ["type", "severity"], registry=self.registry
        )
        for change in CHANGES:
            for severity in SEVERITIES:
                self.alarms.labels(change, severity)
        self.alarms_cut = counter("faultline_alarms_cut", "Alarms too long for their topic.", "outcome", CUTS)
        self.rebalances = counter("faultline_rebalances", "Polls in which partitions came or went.")
        self.transactions = counter("faultline_transactions", "Kafka transactions.", "outcome", TRANSACTIONS)
        self.resets = counter(
            "faultline_partitions_reset", "Partitions whose commit the log no longer has.", "reason", RESETS
        )
        self.withheld = counter(
            "faultline_alarms_withheld", "Episodes that were recognised and raised no alarm.", "reason", WITHHELD
        )
        self.label_errors = counter("faultline_labels_refused", "Labels that could not be embedded.")
        self.canary_plays = counter(
            "faultline_canary_plays", "Times the canary was played, by what became of it.", "outcome", PLAYS
        )
        self.bundle_refused = counter(
            "faultline_bundle_refused", "Bundles refused while another serves.", "reason", BUNDLE_REASONS
        )

    def _gauges(self) -> None:
        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(name, text, labels, registry=self.registry)

        self.open_alarms = gauge("faultline_alarms_open", "Alarms open now.", "severity")
        self.cells = gauge("faultline_cells_tracked", "Cells with a window.")
        self.silent = gauge("faultline_cells_silent", "Cells whose silence is an open alarm.")
        self.partitions = gauge("faultline_partitions_assigned", "Partitions of the input topic owned.")
        self.frontier = gauge(
            "faultline_frontier_timestamp_seconds", "Minute that the slowest owned partition has reached."
        )
        self.lag_sum = gauge("faultline_consumer_lag_records", "Records behind the end, all owned partitions.")
        self.lag_max = gauge("faultline_consumer_lag_records_max", "Records behind the end, the worst partition.")
        self.exemplars = gauge("faultline_exemplars", "Labelled exemplars in use.", "kind")
        told = "Alarms that a person confirmed or rejected, by what they were called."
        self.judged = Gauge("faultline_judged_alarms", told, ["class", "judgement"], registry=self.registry)
        self.quarantined = gauge("faultline_quarantined_exemplars", "Of the exemplars, those that raise no alarm.")
        self.halted = gauge("faultline_halted", "1 while consumption is stopped on purpose.", "reason")
        self.bundle_current = gauge("faultline_bundle_current", "0 while another bundle, a refused one, lies there.")
        self.canary_recognised = gauge(
            "faultline_canary_recognised_timestamp_seconds",
            "When the bundle in office last recognised the canary's fault; 0 = not yet.",
        )
        self.canary_seconds = gauge("faultline_canary_play_seconds", "What the last play of the canary took.")
        self.canary_period = gauge("faultline_canary_period_seconds", "From play to play of the canary; 0 = off.")
        self.ready = gauge("faultline_ready", "1 when assigned, replayed and judging.")
        self.certificate = gauge(
            "faultline_certificate_expiry_timestamp_seconds",
            "When a certificate in use ends: Kafka's client's, its authorities', the endpoints'.",
            "certificate",
        )
        self.gpu = gauge("faultline_gpu", "1 when the encoder runs on a GPU.")
        for severity in SEVERITIES:
            self.open_alarms.labels(severity)
        for kind in KINDS:
            self.exemplars.labels(kind)
        for reason in HALTS:
            self.halted.labels(reason)

    def _histograms(self) -> None:
        self.latency = Histogram(
            "faultline_end_to_end_latency_seconds",
            "From the oldest record of a poll (its timestamp) to the commit of its alarms.",
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

    def certificates(self, ends: dict[str, int]) -> None:
        """Of those that clients of Kafka have read, which they keep until they are made anew."""
        for use, end in ends.items():
            self.certificate.labels(use).set(end)

    def shown_certificate(self, end: Callable[[], int | None]) -> None:
        """Of the endpoints', which may be renewed meanwhile."""
        if end() is not None:
            self.certificate.labels("http").set_function(lambda: end() or 0)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        start = perf_counter()
        yield
        self.stage.labels(stage).observe(perf_counter() - start)

    def worked(self, work: PollResult) -> None:
        """Counts what a poll came to, before it is published."""
        for outcome, count in work.outcomes.items():
            self.records.labels(outcome).inc(count)
        for _, rejection in work.rejections:
            self.rejections.labels(rejection.reason).inc()
        for verdict, count in work.verdicts.items():
            self.verdicts.labels(verdict).inc(count)
        self.windows.inc(work.window_count)

    def published(self, events: list[Event], open_alarms: list[Alarm], silent_name: str) -> None:
        """Counts what was committed."""
        for event in events:
            self.alarms.labels(event.change, event.alarm.severity).inc()
        for severity in SEVERITIES:
            self.open_alarms.labels(severity).set(sum(alarm.severity == severity for alarm in open_alarms))
        self.silent.set(sum(alarm.name == silent_name for alarm in open_alarms))


def write_shadow(path: Path, counts: Mapping[str, Mapping[str, int]]) -> None:
    """What a report said, for the text file collector of Prometheus' node exporter: {class: {raised by: alarms}}.

    Raises OSError.
    """
    registry = CollectorRegistry()
    gauge = Gauge(
        "faultline_shadow_alarms",
        "Alarms of the minutes that two bundles judged, by who raised them.",
        ["class", "raised_by"],
        registry=registry,
    )
    for name, raised in counts.items():
        for raised_by, count in raised.items():
            gauge.labels(name, raised_by).set(count)
    write_to_textfile(str(path), registry)
