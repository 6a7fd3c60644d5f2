"""Report of `faultline shadow`: a shadow's configuration, and its alarms beside those of the serving daemon."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from detector.alarms.shadow import ShadowComparison, ShadowEpisode, compare, episodes, shadow_knobs
from detector.bundle.format import read_bundle
from detector.commands.requests import ShadowReportRequest
from detector.config.loader import read_config, write_knobs
from detector.config.schema import Config
from detector.errors import ConfigError, OutputError
from detector.kafka.readers.alarm_topic import read_notifications
from detector.kafka.readers.group_progress import group_progress
from detector.service.metrics import write_shadow
from detector.timestamps import write_minute

DIFFERENCES_SHOWN = 10
"""Differing alarms that are printed, the newest first."""


@dataclass(frozen=True)
class _Comparison:
    """Two daemons' alarms over the minutes that both have judged."""

    alarms: ShadowComparison
    first: int
    last: int


def print_configuration(config_path: Path, bundle: Path) -> None:
    """Print the configuration of a shadow with another bundle. Raises ConfigError, BundleError."""
    config = read_config(config_path)
    read_bundle(bundle, config.trusted_keys)
    print(write_knobs(shadow_knobs(config, config_path, bundle.resolve())), end="")


def print_report(request: ShadowReportRequest) -> None:
    """Compare the alarms of both daemons. Raises OperatorError."""
    serving, shadow = read_config(request.config), read_config(request.shadow)
    if shadow.kafka.topics.alarms == serving.kafka.topics.alarms:
        raise ConfigError(
            f"{request.shadow}: kafka.topics.alarms is {shadow.kafka.topics.alarms}, as in {request.config}; make the"
            " shadow's configuration with `faultline shadow configure`."
        )
    comparison = _compare(request, serving, shadow)
    if request.textfile:
        _write_textfile(request.textfile, comparison.alarms)
    if request.json:
        print(msgspec.json.encode(_json_fields(comparison)).decode())
        return
    print(f"alarms raised from {write_minute(comparison.first)} to {write_minute(comparison.last)} (UTC)")
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
    columns = f"{'both':>6}{'renamed':>9}{'serving only':>14}{'shadow only':>13}{'shadow earlier':>16}"
    print(f"{'class':<32}{columns}")
    for name in comparison.classes:
        counts, earlier = comparison.counts(name), comparison.lead_minutes(name)
        lead = "" if earlier is None else f"{earlier:+.0f} min"
        renamed = counts["serving_renamed"] + counts["shadow_renamed"]
        alone = f"{counts['serving_only']:>14}{counts['shadow_only']:>13}"
        print(f"{name[:31]:<32}{counts['both']:>6}{renamed:>9}{alone}{lead:>16}")


def _print_differences(comparison: ShadowComparison) -> None:
    """Print the newest differing alarms, each with the name that either daemon gave it."""
    pairs: list[tuple[ShadowEpisode | None, ShadowEpisode | None]] = [
        *comparison.renamed,
        *((episode, None) for episode in comparison.serving),
        *((None, episode) for episode in comparison.shadow),
    ]
    if pairs:
        print(f"\n{'raised (UTC)':<18}{'cell':<22}{'serving says':<29}{'shadow says':<29}")
    for serving, shadow in sorted(pairs, key=lambda pair: -_raised(*pair))[:DIFFERENCES_SHOWN]:
        cell = (serving or shadow).cell  # type: ignore[union-attr]  # one of the two is an episode
        names = [episode.name if episode else "nothing" for episode in (serving, shadow)]
        print(f"{write_minute(_raised(serving, shadow)):<18}{cell[:21]:<22}{names[0][:28]:<29}{names[1][:28]:<29}")
    if len(pairs) > DIFFERENCES_SHOWN:
        print(f"{len(pairs) - DIFFERENCES_SHOWN} more")
    if comparison.agrees:
        print("no alarm differs" if comparison.classes else "neither daemon raised an alarm")


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
        raise OutputError(
            f"{path}: cannot be written ({error.strerror}); give a file in a folder that exists."
        ) from None
