"""`faultline teach`: shows the daemons one episode of a cell, and gives it a name, after saying what that would cost.

Times are UTC unless an offset stands behind them. The label is a record on the labels' topic: every instance goes by
it within five seconds, until `faultline forget` retires it. Exit code 3: it would break the false-alarm budget, and was
(or, in a dry run, would be) put in quarantine.
"""

import argparse
import sys
from pathlib import Path

from detector.config import read_config
from detector.errors import LabelError
from detector.times import read_minute

HELP = "name one episode of a cell, once, for all instances; says before what it would cost"

QUARANTINED = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, default=Path("config.yaml"), help="the knobs (default: %(default)s)")
    parser.add_argument("--cell", required=True)
    parser.add_argument("--at", required=True, help='when it began: "2026-11-21 10:05", UTC unless it has an offset')
    parser.add_argument("--until", help="when it ended (default: an hour later, or the cell's newest minute)")
    parser.add_argument("--class", dest="name", required=True, help="lower case, digits and _")
    parser.add_argument("--kind", choices=("fault", "normal", "ignore"), default="fault", help="default: %(default)s")
    parser.add_argument("--severity", choices=("minor", "major", "critical"), help="of its alarms (default: by score)")
    parser.add_argument("--cause", default="", help="told in its alarms")
    parser.add_argument("--note", default="", help="for whoever reads the list of labels")
    parser.add_argument("--expires", help="of ignore and normal: from this minute of the network's time on it is over")
    parser.add_argument("--by", default="", help="who teaches (default: user@host)")
    parser.add_argument("--history", type=Path, help="Parquet to read instead of the input topic")
    parser.add_argument(
        "--hours", type=float, default=24, help="to look back at for the preview (default: %(default)s)"
    )
    parser.add_argument("--cell-days", type=float, default=150, help="of them, at most (default: %(default)s)")
    parser.add_argument("--dry-run", action="store_true", help="show the preview, and teach nothing")
    parser.add_argument("--force", action="store_true", help="also where it breaks the false-alarm budget; is recorded")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of words")


def run(arguments: argparse.Namespace) -> int:
    config = read_config(arguments.config)
    ask = _ask(arguments)
    from detector.kafka.shelf import put_on_shelf
    from detector.labels import write_label
    from detector.lesson import prepare
    from detector.looking import Sample
    from detector.telling import concluded, figures, told

    if sys.stderr.isatty():
        print(f"looking back at up to {arguments.cell_days:g} cell-days …", file=sys.stderr)
    lesson = prepare(config, ask, arguments.history, Sample(arguments.cell_days, arguments.hours))
    label = lesson.decided(arguments.force)
    if not arguments.json:
        print("\n".join(told(label, lesson.cut, lesson.forecast)))
    if not arguments.dry_run:
        put_on_shelf(config, label.id.encode(), write_label(label))
    if arguments.json:
        import msgspec

        print(msgspec.json.encode(figures(label, lesson.forecast, not arguments.dry_run)).decode())
    else:
        print(concluded(label, lesson.forecast, not arguments.dry_run))
    return QUARANTINED if label.quarantined else 0


def _ask(arguments: argparse.Namespace) -> "Ask":  # type: ignore[name-defined]  # noqa: F821
    """Everything that can be refused without looking is refused here. Raises OperatorError."""
    from detector.labels import check_name
    from detector.lesson import Ask

    check_name(arguments.name)
    if arguments.kind == "fault" and arguments.expires:
        raise LabelError("--expires is for ignore and normal; a fault is retired with `faultline forget`.")
    if not (arguments.hours > 0 and arguments.cell_days > 0):
        raise LabelError("--hours and --cell-days must be above 0.")
    return Ask(
        arguments.cell,
        arguments.name,
        arguments.kind,
        read_minute(arguments.at, "--at"),
        read_minute(arguments.until, "--until") if arguments.until else None,
        read_minute(arguments.expires, "--expires") if arguments.expires else None,
        arguments.severity or "",
        arguments.cause,
        arguments.note,
        arguments.by,
    )
