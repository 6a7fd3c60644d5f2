"""What several verbs of a terminal ask for in the same words."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from detector.errors import LabelError
from detector.timestamps import read_minute

if TYPE_CHECKING:
    from detector.history.sampling import SampleSize


def add_config_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, default=Path("config.yaml"), help="the knobs (default: %(default)s)")


def add_episode_arguments(parser: argparse.ArgumentParser) -> None:
    """One cell's episode."""
    parser.add_argument("--cell", required=True)
    parser.add_argument("--at", required=True, help='when it began: "2026-11-21 10:05", UTC unless it has an offset')
    parser.add_argument("--until", help="when it ended (default: an hour later, or the cell's newest minute)")


def asked_episode(arguments: argparse.Namespace) -> tuple[int, int | None]:
    """Its first minute, and the one after its last, where it was told. Raises TimeError."""
    return read_minute(arguments.at, "--at"), read_minute(arguments.until, "--until") if arguments.until else None


def add_look_arguments(parser: argparse.ArgumentParser) -> None:
    """How much of the past is looked at."""
    parser.add_argument("--history", type=Path, help="Parquet to look back at instead of the input topic")
    parser.add_argument("--hours", type=float, default=24, help="to look back at (default: %(default)s)")
    parser.add_argument("--cell-days", type=float, default=150, help="of them, at most (default: %(default)s)")


def asked_sample(arguments: argparse.Namespace) -> "SampleSize":
    """Raises LabelError."""
    from detector.history.sampling import SampleSize

    if not (arguments.hours > 0 and arguments.cell_days > 0):
        raise LabelError("--hours and --cell-days must be above 0.")
    return SampleSize(arguments.cell_days, arguments.hours)


def add_preview_arguments(parser: argparse.ArgumentParser) -> None:
    """What every lesson takes, whatever it begins with."""
    parser.add_argument("--severity", choices=("minor", "major", "critical"), help="of its alarms (default: by score)")
    parser.add_argument("--cause", default="", help="told in its alarms")
    parser.add_argument("--note", default="", help="for whoever reads the list of labels")
    parser.add_argument("--by", default="", help="who teaches (default: user@host)")
    add_look_arguments(parser)
    parser.add_argument("--dry-run", action="store_true", help="show the preview, and teach nothing")
    parser.add_argument("--force", action="store_true", help="also where it breaks the false-alarm budget; is recorded")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of words")
