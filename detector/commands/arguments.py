"""Arguments that several verbs of `faultline` share."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detector.commands.argument_types import file_path, folder_path, number, plain_text
from detector.teaching.request import SampleRequest, TeachOptions
from detector.terminal import print_notice
from detector.timestamps import read_minute

if TYPE_CHECKING:
    from detector.signatures import SigningKey

QUARANTINED = 3
"""Exit code of the verbs that teach, if the label breaks the false-alarm budget."""

KIND_HELP = (
    "fault: raises alarms; normal: one more example of normal; ignore: harmless, raises no alarm (default: %(default)s)"
)


def add_config_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config", type=file_path, default=Path("config.yaml"), help="configuration file (default: %(default)s)"
    )


def add_json_argument(parser: argparse.ArgumentParser, *, lines: bool = False) -> None:
    """Add --json: one document, or one on each line where the verb lists things."""
    text = "print one JSON object a line" if lines else "print one JSON object instead of text"
    parser.add_argument("--json", action="store_true", help=text)


def add_sign_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--sign", type=file_path, metavar="KEY", help="file of an Ed25519 private key (PEM) to sign with"
    )


def signing_key(path: Path | None) -> "SigningKey | None":
    """Return the key to sign with, and warn where others may use it; None for no key. Raises KeyFileError."""
    if path is None:
        return None
    from detector.signatures import exposure, read_signing_key

    key = read_signing_key(path)
    warning = exposure(path)
    if warning:
        print_notice(f"warning: {warning}")
    return key


def add_alarm_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "alarm", metavar="ALARM_ID", type=plain_text, help="alarmId of the alarm, or its first characters (at least 4)"
    )


def add_episode_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cell", required=True, type=plain_text, help="name of the cell")
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
    parser.add_argument("--history", type=folder_path, help="folder of Parquet to replay instead of the input topic")
    parser.add_argument(
        "--hours",
        type=number(0, above=True),
        default=24,
        help="hours of the past to look back at (default: %(default)s)",
    )
    parser.add_argument(
        "--cell-days",
        type=number(0, above=True),
        default=150,
        help="most cell-days to replay; a larger past is replayed for a sample of its cells (default: %(default)s)",
    )


def sample_request(arguments: argparse.Namespace) -> SampleRequest:
    """Return the part of the past to replay."""
    return SampleRequest(history=arguments.history, hours=arguments.hours, cell_days=arguments.cell_days)


def add_teaching_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what every verb takes that ends with a label: text of the label, preview, publication."""
    parser.add_argument(
        "--severity", choices=("minor", "major", "critical"), help="severity of the label's alarms (default: by score)"
    )
    parser.add_argument(
        "--cause", default="", type=plain_text, help="cause of the fault, repeated in the label's alarms"
    )
    parser.add_argument("--note", default="", type=plain_text, help="note for whoever reads the list of labels")
    parser.add_argument("--by", default="", type=plain_text, help="author of the label (default: user@host)")
    add_sample_arguments(parser)
    parser.add_argument("--dry-run", action="store_true", help="print the preview and publish nothing")
    parser.add_argument(
        "--force", action="store_true", help="publish in force although the budget breaks; the label records it"
    )
    add_json_argument(parser)


def teach_options(arguments: argparse.Namespace) -> TeachOptions:
    """Return the options of a preview."""
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
