"""Report of `faultline labels --withheld`: the alarms that labels keep from being published."""

from detector.commands.documents import WithheldDocument
from detector.config.schema import Config
from detector.json_document import make_document
from detector.teaching.preview_text import withheld_lines
from detector.teaching.request import SampleRequest
from detector.teaching.withheld import withheld_alarms
from detector.terminal import print_document, print_lines


def print_withheld(config: Config, request: SampleRequest, *, json: bool) -> None:
    """Replay the last hours and print the alarms that labels withhold. Raises OperatorError."""
    sample, alarms = withheld_alarms(config, request)
    if json:
        for alarm in alarms:
            print_document(make_document(WithheldDocument, alarm))
    else:
        print_lines(withheld_lines(sample, alarms))
