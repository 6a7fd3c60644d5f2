"""Arguments that several verbs of `faultline` share."""

import argparse
from pathlib import Path
from typing import Any

from detector.errors import LabelError
from detector.signatures import SigningKey, exposure, read_signing_key
from detector.teaching.request import SampleRequest, TeachOptions
from detector.terminal import print_notice
from detector.timestamps import read_minute

QUARANTINED = 3
"""Exit code of the verbs that teach, if the label breaks the false-alarm budget."""

KIND_HELP = (
    "fault: raises alarms; normal: one more example of normal; ignore: harmless, raises no alarm (default: %(default)s)"
)


def add_config_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config", type=Path, default=Path("config.yaml"), help="configuration file (default: %(default)s)"
    )


def add_sign_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sign", type=Path, metavar="KEY", help="file of an Ed25519 private key (PEM) to sign with")


def signing_key(path: Path | None) -> SigningKey | None:
    """Return the key to sign with, and warn where others may use it; None for no key. Raises KeyFileError."""
    if path is None:
        return None
    key = read_signing_key(path)
    warning = exposure(path)
    if warning:
        print_notice(f"warning: {warning}")
    return key


def add_alarm_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("alarm", metavar="ALARM_ID", help="alarmId of the alarm, or its first characters (at least 4)")


def add_episode_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cell", required=True, help="name of the cell")
    parser.add_argument(
        "--at", required=True, help='begin of the episode, such as "2026-11-21 10:05"; UTC unless it carries an offset'
    )
    parser.add_argument(
        "--until", help="end of the episode (default: an hour after its begin, or the cell's newest minute)"
    )


def episode_span(arguments: argparse.Namespace) -> tuple[int, int | None]:
    """Return the first minute of the episode, and the minute after its last if it was given. Raises TimeError."""
    return read_minute(arguments.at, "--at"), optional_minute(arguments.until, "--until")


def optional_minute(text: str | None, option: str) -> int | None:
    """Return the minute of a time, None for no time. Raises TimeError."""
    return read_minute(text, option) if text else None


def add_sample_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--history", type=Path, help="folder of Parquet to replay instead of the input topic")
    parser.add_argument(
        "--hours", type=float, default=24, help="hours of the past to look back at (default: %(default)s)"
    )
    parser.add_argument(
        "--cell-days",
        type=float,
        default=150,
        help="most cell-days to replay; a larger past is replayed for a sample of its cells (default: %(default)s)",
    )


def sample_request(arguments: argparse.Namespace) -> SampleRequest:
    """Return the part of the past to replay. Raises LabelError."""
    if not (arguments.hours > 0 and arguments.cell_days > 0):
        raise LabelError(
            f"--hours is {arguments.hours:g} and --cell-days is {arguments.cell_days:g}; both must be above 0."
        )
    return SampleRequest(history=arguments.history, hours=arguments.hours, cell_days=arguments.cell_days)


def add_teaching_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what every verb takes that ends with a label: text of the label, preview, publication."""
    parser.add_argument(
        "--severity", choices=("minor", "major", "critical"), help="severity of the label's alarms (default: by score)"
    )
    parser.add_argument("--cause", default="", help="cause of the fault, repeated in the label's alarms")
    parser.add_argument("--note", default="", help="note for whoever reads the list of labels")
    parser.add_argument("--by", default="", help="author of the label (default: user@host)")
    add_sample_arguments(parser)
    parser.add_argument("--dry-run", action="store_true", help="print the preview and publish nothing")
    parser.add_argument(
        "--force", action="store_true", help="publish in force although the budget breaks; the label records it"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")


def teach_options(arguments: argparse.Namespace) -> TeachOptions:
    """Return the options of a preview. Raises LabelError."""
    return TeachOptions(
        sample=sample_request(arguments), dry_run=arguments.dry_run, force=arguments.force, json=arguments.json
    )


def add_subcommand(
    subcommands: "argparse._SubParsersAction[Any]", name: str, text: str, example: str
) -> argparse.ArgumentParser:
    """Add a second word of a verb, with one line of help and an example."""
    parser: argparse.ArgumentParser = subcommands.add_parser(
        name,
        help=text,
        description=f"{text[0].upper()}{text[1:]}.\n\nExample:\n\n    {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return parser
