"""Preview of a label pack: the past is replayed without the pack's labels and with all of them.

Labels of one class are taken or quarantined together. As long as a budget is broken, the class with the most new alarms
is quarantined and the past is replayed again: a quarantined class competes with no other, so another may gain by it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from detector.backtest.alarm_intervals import (
    AlarmInterval,
    CachingEncoder,
    alarm_intervals,
    set_previous_names,
    suppressed_by,
)
from detector.backtest.matching import rate
from detector.backtest.replay import replay
from detector.bundle.format import read_bundle
from detector.bundle.verification import start_encoder
from detector.config.schema import Config
from detector.core.scoring.exemplars import Exemplar
from detector.core.settings import Settings
from detector.history.sampling import HistorySample
from detector.labels.embedding import embed_label
from detector.labels.label import Label
from detector.teaching.history_source import read_sample
from detector.teaching.labelled_bundle import LabelledBundle, LabelRecords, embed_labels
from detector.teaching.preview import is_own
from detector.teaching.request import SampleRequest
from detector.terminal import progress


@dataclass(frozen=True)
class ClassForecast:
    """Forecast for the labels of one fault class."""

    name: str
    labels: int
    episodes: int
    cells: int
    fresh: int
    """New alarms: episodes for which no alarm is raised without the pack."""
    rate: tuple[float, float, float]
    """New alarms per 1,000 cells and day, and the 95 % interval of their mean."""
    breaks: bool


@dataclass(frozen=True)
class PackForecast:
    """Forecast for all labels of a pack."""

    cells: int
    first: int
    last: int
    cell_days: float
    budget: float
    brought: list[ClassForecast]
    silenced: list[AlarmInterval]
    """Alarms that the pack suppresses, highest score first."""
    alarms_before: int
    alarms_after: int

    def decide(self, label: Label, force: bool) -> Label:
        """Return the label to publish: in quarantine if its class breaks a budget, unless `force` is set."""
        own = [forecast for forecast in self.brought if forecast.name == label.name and label.kind == "fault"]
        breaks = any(forecast.breaks for forecast in own)
        new_alarms = round(own[0].rate[0], 2) if own and self.cell_days else None
        return msgspec.structs.replace(
            label, forecast=new_alarms, quarantined=breaks and not force, forced=breaks and force
        )


def preview_pack(config: Config, labels: Sequence[Label], known: LabelRecords, request: SampleRequest) -> PackForecast:
    """Forecast the effect of the labels in addition to the known labels. Raises OperatorError."""
    path = Path(config.bundle)
    bundle = read_bundle(path, config.trusted_keys)
    sample = read_sample(config, bundle.catalogue, request)
    encode = start_encoder(bundle, path, config.runtime.threads)  # after all that can be refused without it
    return forecast_pack(labels, embed_labels(config, bundle, encode, known), sample)


def forecast_pack(labels: Sequence[Label], labelled: LabelledBundle, sample: HistorySample) -> PackForecast:
    """Replay the sample without the labels and with them. Raises LabelError, HistoryError."""
    bundle, settings = labelled.bundle, labelled.settings
    encode, days = CachingEncoder(labelled.encode), sample.cell_days
    exemplars = [embed_label(label, bundle.catalogue, labelled.encode) for label in labels]
    without_pack = labelled.labels.classifier_without(*(label.id for label in labels))
    with progress("replaying the past without the pack", sample.records, "records") as advance:
        before = alarm_intervals(replay(sample, bundle, encode, without_pack, settings, progress=advance))
    forecasts: dict[str, ClassForecast] = {}
    while True:
        broken = {name for name, forecast in forecasts.items() if forecast.breaks}
        with_pack = labelled.labels.classifier_with(*(_quarantine(exemplar, broken) for exemplar in exemplars))
        with progress("replaying the past with the pack", sample.records, "records") as advance:
            after = alarm_intervals(replay(sample, bundle, encode, with_pack, settings, progress=advance))
        set_previous_names(after, before)
        tried = _class_forecasts([label for label in labels if label.name not in broken], after, sample)
        worst = _worst(tried, days, settings)
        forecasts |= {forecast.name: forecast for forecast in tried}
        if worst is None:
            break
        forecasts[worst.name] = replace(worst, breaks=True)
    first, last = sample.span
    return PackForecast(
        cells=sample.cells,
        first=first,
        last=last,
        cell_days=round(days, 2),
        budget=settings.budget,
        brought=[forecasts[name] for name in sorted(forecasts)],
        silenced=suppressed_by(before, after),
        alarms_before=len(before),
        alarms_after=len(after),
    )


def _quarantine(exemplar: Exemplar, broken: set[str]) -> Exemplar:
    return replace(exemplar, is_quarantined=exemplar.kind == "fault" and exemplar.name in broken)


def _class_forecasts(
    labels: Sequence[Label], after: Sequence[AlarmInterval], sample: HistorySample
) -> list[ClassForecast]:
    """Return the forecast of each fault class, the episodes that the labels were cut from left out."""
    faults = [label for label in labels if label.kind == "fault"]
    days, window = sample.cell_days, sample.catalogue.granularity.window_minutes
    forecasts = []
    for name in sorted({label.name for label in faults}):
        own = [label for label in faults if label.name == name]
        named = [
            interval
            for interval in after
            if interval.name == name and not any(is_own(interval, label, window) for label in own)
        ]
        fresh = [interval for interval in named if not interval.before]
        forecasts.append(
            ClassForecast(
                name=name,
                labels=len(own),
                episodes=len(named),
                cells=len({interval.cell for interval in named}),
                fresh=len(fresh),
                rate=rate(len(fresh), days) if days else (0.0, 0.0, float("inf")),
                breaks=False,
            )
        )
    return forecasts


def _worst(forecasts: Sequence[ClassForecast], days: float, settings: Settings) -> ClassForecast | None:
    """Return the class to quarantine next, or None.

    It is a class that breaks its own budget; if none does and all together break the common budget, the class with the
    most new alarms. The low end of the interval decides, as for a label that is taught.
    """
    over = [forecast for forecast in forecasts if forecast.rate[1] > settings.budget_of(forecast.name)]
    if not over and days and rate(sum(forecast.fresh for forecast in forecasts), days)[1] > settings.budget:
        over = list(forecasts)
    return max(over, key=lambda forecast: (forecast.fresh, forecast.name), default=None)
