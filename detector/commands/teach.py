"""`faultline teach`: shows the daemons one episode of a cell, and gives it a name, after saying what that would cost.

Times are UTC unless an offset stands behind them. The label is a record on the labels' topic: every instance goes by
it within five seconds, until `faultline forget` retires it. Exit code 3: it would break the false-alarm budget, and was
(or, in a dry run, would be) put in quarantine.
"""

import argparse
import sys
from typing import TYPE_CHECKING

from detector.commands.arguments import (
    add_config_argument,
    add_episode_arguments,
    add_preview_arguments,
    asked_episode,
    asked_sample,
)
from detector.config.loader import read_config
from detector.errors import LabelError
from detector.timestamps import read_minute

if TYPE_CHECKING:
    from detector.teaching.request import TeachRequest

HELP = "name one episode of a cell, once, for all instances; says before what it would cost"

QUARANTINED = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_argument(parser)
    add_episode_arguments(parser)
    parser.add_argument("--class", dest="name", required=True, help="lower case, digits and _")
    parser.add_argument("--kind", choices=("fault", "normal", "ignore"), default="fault", help="default: %(default)s")
    parser.add_argument("--expires", help="of ignore and normal: from this minute of the network's time on it is over")
    add_preview_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    return teach(arguments, _ask(arguments))


def teach(arguments: argparse.Namespace, ask: "TeachRequest") -> int:
    """The lesson, with its preview before it: also of who judges an alarm, or names an unknown thing."""
    config = read_config(arguments.config)
    from detector.kafka.readers.label_topic import publish_labels
    from detector.labels.label import write_label
    from detector.teaching.preview_text import conclusion, figures, preview_lines
    from detector.teaching.request import prepare

    sample = asked_sample(arguments)
    if sys.stderr.isatty():
        print(f"looking back at up to {arguments.cell_days:g} cell-days …", file=sys.stderr)
    lesson = prepare(config, ask, arguments.history, sample)
    label = lesson.decided(arguments.force)
    if not arguments.json:
        print("\n".join(preview_lines(label, lesson.cut, lesson.forecast)))
    if not arguments.dry_run:
        publish_labels(config, (label.id.encode(), write_label(label)))
    if arguments.json:
        import msgspec

        print(msgspec.json.encode(figures(label, lesson.forecast, not arguments.dry_run)).decode())
    else:
        print(conclusion(label, lesson.forecast, not arguments.dry_run))
    return QUARANTINED if label.quarantined else 0


def _ask(arguments: argparse.Namespace) -> "TeachRequest":
    """Everything that can be refused without looking is refused here. Raises OperatorError."""
    from detector.labels.label import check_name
    from detector.teaching.request import TeachRequest

    check_name(arguments.name)
    if arguments.kind == "fault" and arguments.expires:
        raise LabelError("--expires is for ignore and normal; a fault is retired with `faultline forget`.")
    return TeachRequest(
        arguments.cell,
        arguments.name,
        arguments.kind,
        *asked_episode(arguments),
        read_minute(arguments.expires, "--expires") if arguments.expires else None,
        arguments.severity or "",
        arguments.cause,
        arguments.note,
        arguments.by,
    )
