"""Report of `faultline explain`: the notifications of one alarm."""

from detector.alarms.explanation import explanation
from detector.alarms.journal import choose
from detector.config.schema import Config
from detector.kafka.readers.alarm_topic import read_notifications


def print_explanation(config: Config, alarm_id: str, *, json: bool) -> None:
    """Print one alarm's explanation, or its notifications as they were published. Raises OperatorError."""
    notices = choose(read_notifications(config), alarm_id)
    if json:
        for notice in notices:
            print(notice.value.decode())
    else:
        print(explanation(notices), end="")
