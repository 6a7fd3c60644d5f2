"""Report of `faultline explain`: the notifications of one alarm."""

import msgspec

from detector.alarms.explanation import explanation
from detector.alarms.journal import choose
from detector.config.schema import Config
from detector.kafka.readers.alarm_topic import read_notifications
from detector.terminal import print_document, print_lines


def print_explanation(config: Config, alarm_id: str, *, json: bool) -> None:
    """Print one alarm's explanation, or its notifications as they were published. Raises OperatorError."""
    notices = choose(read_notifications(config), alarm_id)
    if json:
        for notice in notices:
            print_document(msgspec.Raw(msgspec.json.format(notice.value, indent=-1)))
    else:
        print_lines(explanation(notices))
