"""`faultline shadow`: another bundle beside the one that serves, on the same minutes, before anyone is woken by it.

`configure` prints the configuration of the second daemon; `faultline topics --create` and `faultline run` take it. It
begins at `kafka.start`, so that with `earliest` it is asked about all the topic still holds. `report` puts its alarms
beside those of the daemon that serves.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detector.config.loader import read_config
from detector.config.schema import Config
from detector.errors import ConfigError
from detector.timestamps import read_minute, write_minute

if TYPE_CHECKING:
    from detector.alarms.shadow import ShadowComparison, ShadowEpisode

HELP = "try another bundle beside the one that serves"

SHOWN = 10
"""Differences listed, the newest first."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    ways = parser.add_subparsers(dest="way", required=True, metavar="configure|report")
    configured = ways.add_parser("configure", help="print the configuration of a daemon that only looks on")
    configured.add_argument("--bundle", type=Path, required=True, help="the one to be tried")
    reported = ways.add_parser("report", help="say where the two differ")
    reported.add_argument("--shadow", type=Path, required=True, help="the configuration that `configure` printed")
    reported.add_argument("--since", help="the first minute, UTC (default: that of the shadow's first alarm)")
    reported.add_argument("--json", action="store_true", help="for machines")
    reported.add_argument("--textfile", type=Path, metavar="FILE.prom", help="also for the node exporter's collector")
    for way in (configured, reported):
        way.add_argument("--config", type=Path, default=Path("config.yaml"), help="the knobs (default: %(default)s)")


def run(arguments: argparse.Namespace) -> int:
    config = read_config(arguments.config)
    return _configure(arguments, config) if arguments.way == "configure" else _report(arguments, config)


def _configure(arguments: argparse.Namespace, config: Config) -> int:
    from detector.alarms.shadow import shadow_knobs
    from detector.bundle.format import read_bundle
    from detector.config.loader import write_knobs

    read_bundle(arguments.bundle)
    print(write_knobs(shadow_knobs(config, arguments.config, arguments.bundle.resolve())), end="")
    return 0


def _report(arguments: argparse.Namespace, config: Config) -> int:
    from detector.alarms.shadow import compare, episodes

    shadow = read_config(arguments.shadow)
    if shadow.kafka.topics.alarms == config.kafka.topics.alarms:
        raise ConfigError(
            f"{arguments.shadow}: its alarms go where those of {arguments.config} go; make it with `faultline shadow"
            " configure`."
        )
    told, others, first, last = _told(arguments, config, shadow)
    comparison = compare(episodes(told, first, last), episodes(others, first, last))
    if arguments.textfile:
        _write_textfile(arguments.textfile, comparison)
    if arguments.json:
        import msgspec

        print(msgspec.json.encode(_machine(comparison, first, last)).decode())
    else:
        print(f"alarms raised from {write_minute(first)} to {write_minute(last)} (UTC)")
        _print(comparison)
    return 0


def _told(arguments: argparse.Namespace, config: Config, shadow: Config) -> tuple[list[Any], list[Any], int, int]:
    """The notifications of both, and the minutes that both have judged. Raises ConfigError, ClusterError."""
    from detector.kafka.readers.alarm_topic import read_notifications
    from detector.kafka.readers.group_progress import group_progress

    ends = {path: group_progress(one) for path, one in ((arguments.config, config), (arguments.shadow, shadow))}
    for path, end in ends.items():
        if end is None:
            raise ConfigError(f"{path}: its group has committed nothing yet; let `faultline run` work with it first.")
    last = min(end for end in ends.values() if end is not None)
    told, others = read_notifications(config), read_notifications(shadow)
    first = min((notice.minute for notice in others), default=last)
    return told, others, read_minute(arguments.since, "--since") if arguments.since else first, last


def _print(comparison: "ShadowComparison") -> None:
    head = f"{'both':>6}{'renamed':>9}{'serving only':>14}{'shadow only':>13}{'shadow earlier':>16}"
    print(f"{'class':<32}{head}")
    for name in comparison.classes:
        counts, earlier = comparison.counts(name), comparison.lead_minutes(name)
        soon = "" if earlier is None else f"{earlier:+.0f} min"
        renamed = counts["serving_renamed"] + counts["shadow_renamed"]
        only = f"{counts['serving_only']:>14}{counts['shadow_only']:>13}"
        print(f"{name[:31]:<32}{counts['both']:>6}{renamed:>9}{only}{soon:>16}")
    differing: list[tuple[ShadowEpisode | None, ShadowEpisode | None]] = [
        *comparison.renamed,
        *((one, None) for one in comparison.serving),
        *((None, one) for one in comparison.shadow),
    ]
    if differing:
        print(f"\n{'raised (UTC)':<18}{'cell':<22}{'serving says':<29}{'shadow says':<29}")
    for serving, shadow in sorted(differing, key=lambda pair: -_raised(*pair))[:SHOWN]:
        cell = (serving or shadow).cell  # type: ignore[union-attr]  # one of them is there
        names = [one.name if one else "nothing" for one in (serving, shadow)]
        print(f"{write_minute(_raised(serving, shadow)):<18}{cell[:21]:<22}{names[0][:28]:<29}{names[1][:28]:<29}")
    if len(differing) > SHOWN:
        print(f"{len(differing) - SHOWN} more")
    if comparison.agrees:
        print("no alarm differs" if comparison.classes else "neither raised an alarm")


def _raised(*pair: "ShadowEpisode | None") -> int:
    return min(one.raised for one in pair if one is not None)


def _machine(comparison: "ShadowComparison", first: int, last: int) -> dict[str, Any]:
    classes = {
        name: {**comparison.counts(name), "earlier": comparison.lead_minutes(name)} for name in comparison.classes
    }
    lists = {name: getattr(comparison, name) for name in ("renamed", "serving", "shadow")}
    return {"first": first, "last": last, "classes": classes, **lists}


def _write_textfile(path: Path, comparison: "ShadowComparison") -> None:
    from detector.errors import OutputError
    from detector.service.metrics import write_shadow

    try:
        write_shadow(path, {name: comparison.counts(name) for name in comparison.classes})
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}); give a folder that is there.") from None
