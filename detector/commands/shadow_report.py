"""Report of `faultline shadow`: a shadow's configuration, and its alarms beside those of the serving daemon."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detector.alarms.shadow import ShadowComparison, ShadowEpisode, compare, episodes, shadow_knobs
from detector.bundle.format import read_bundle
from detector.commands.documents import ShadowReportDocument
from detector.commands.requests import ShadowReportRequest
from detector.config.loader import read_config, write_knobs
from detector.config.schema import Config
from detector.errors import ConfigError
from detector.json_document import make_document
from detector.kafka.readers.alarm_topic import read_notifications
from detector.kafka.readers.group_progress import group_progress
from detector.output.claim import claimed_files
from detector.output.judgement import unwritable
from detector.service.metrics import SHADOW_TEXTFILE, write_shadow
from detector.terminal import (
    fixed_column,
    number_column,
    print_document,
    print_line,
    print_lines,
    print_table,
    text_column,
)
from detector.timestamps import write_minute

DIFFERENCES_SHOWN = 10
"""Differing alarms that are printed, the newest first."""


@dataclass(frozen=True)
class _Comparison:
    """Two daemons' alarms over the minutes that both have judged."""

    alarms: ShadowComparison
    first: int
    last: int


def print_configuration(config_path: Path, bundle: Path, *, json: bool) -> None:
    """Print the configuration of a shadow with another bundle. Raises ConfigError, BundleError."""
    config = read_config(config_path)
    read_bundle(bundle, config.trusted_keys)
    knobs = shadow_knobs(config, config_path, bundle.resolve())
    if json:
        print_document(knobs)
    else:
        print_lines(write_knobs(knobs))


def print_report(request: ShadowReportRequest) -> None:
    """Compare the alarms of both daemons. Raises OperatorError."""
    serving, shadow = read_config(request.config), read_config(request.shadow)
    if shadow.kafka.topics.alarms == serving.kafka.topics.alarms:
        raise ConfigError(
            f"{request.shadow}: kafka.topics.alarms is {shadow.kafka.topics.alarms}, as in {request.config}; make the"
            " shadow's configuration with `faultline shadow configure`."
        )
    textfiles = [(request.textfile, SHADOW_TEXTFILE)] if request.textfile else []
    with claimed_files(textfiles, inputs=(request.config, request.shadow)):
        comparison = _compare(request, serving, shadow)
        for path, _ in textfiles:
            _write_textfile(path, comparison.alarms)
    if request.json:
        print_document(make_document(ShadowReportDocument, _json_fields(comparison)))
        return
    print_line(f"alarms raised from {write_minute(comparison.first)} to {write_minute(comparison.last)} (UTC)")
    _print_classes(comparison.alarms)
    _print_differences(comparison.alarms)


def _compare(request: ShadowReportRequest, serving: Config, shadow: Config) -> _Comparison:
    """Return the comparison over the minutes that both have judged. Raises ConfigError, ClusterError."""
    last = min(_progress(request.config, serving), _progress(request.shadow, shadow))
    notices, shadow_notices = read_notifications(serving), read_notifications(shadow)
    first = request.since
    if first is None:
        first = min((notice.minute for notice in shadow_notices), default=last)
    alarms = compare(episodes(notices, first, last), episodes(shadow_notices, first, last))
    return _Comparison(alarms, first, last)


def _progress(path: Path, config: Config) -> int:
    minute = group_progress(config)
    if minute is None:
        raise ConfigError(
            f"{path}: group {config.kafka.group} has committed no offset yet; run `faultline run` with it first."
        )
    return minute


def _print_classes(comparison: ShadowComparison) -> None:
    titles = ("both", "renamed", "serving only", "shadow only", "shadow earlier")
    rows = []
    for name in comparison.classes:
        counts, earlier = comparison.counts(name), comparison.lead_minutes(name)
        lead = "" if earlier is None else f"{earlier:+.0f} min"
        renamed = counts["serving_renamed"] + counts["shadow_renamed"]
        rows.append((name, counts["both"], renamed, counts["serving_only"], counts["shadow_only"], lead))
    print_table([text_column("class"), *map(number_column, titles)], rows)


def _print_differences(comparison: ShadowComparison) -> None:
    """Print the newest differing alarms, each with the name that either daemon gave it."""
    pairs: list[tuple[ShadowEpisode | None, ShadowEpisode | None]] = [
        *comparison.renamed,
        *((episode, None) for episode in comparison.serving),
        *((None, episode) for episode in comparison.shadow),
    ]
    rows = []
    for serving, shadow in sorted(pairs, key=lambda pair: -_raised(*pair))[:DIFFERENCES_SHOWN]:
        cell = (serving or shadow).cell  # type: ignore[union-attr]  # one of the two is an episode
        names = [episode.name if episode else "nothing" for episode in (serving, shadow)]
        rows.append((write_minute(_raised(serving, shadow)), cell, *names))
    if rows:
        print_line()
        titles = ("cell", "serving says", "shadow says")
        print_table([fixed_column("raised (UTC)"), *map(text_column, titles)], rows)
    if len(pairs) > DIFFERENCES_SHOWN:
        print_line(f"{len(pairs) - DIFFERENCES_SHOWN} more")
    if comparison.agrees:
        print_line("no alarm differs" if comparison.classes else "neither daemon raised an alarm")


def _raised(*pair: ShadowEpisode | None) -> int:
    return min(episode.raised for episode in pair if episode is not None)


def _json_fields(comparison: _Comparison) -> dict[str, Any]:
    alarms = comparison.alarms
    classes = {name: {**alarms.counts(name), "earlier": alarms.lead_minutes(name)} for name in alarms.classes}
    lists = {name: getattr(alarms, name) for name in ("renamed", "serving", "shadow")}
    return {"first": comparison.first, "last": comparison.last, "classes": classes, **lists}


def _write_textfile(path: Path, comparison: ShadowComparison) -> None:
    """Write the counts for the node exporter. Raises OutputError."""
    try:
        write_shadow(path, {name: comparison.counts(name) for name in comparison.classes})
    except OSError as error:
        raise unwritable(path, SHADOW_TEXTFILE, error) from None
