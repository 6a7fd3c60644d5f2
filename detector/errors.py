"""Errors that an operator can correct. The text is one sentence: the thing, its value, what is allowed, the remedy."""

from detector.text import printable

LONGEST = 4000
"""Longest sentence that is printed whole: a list of thirty mistakes in a configuration has some 3,000 characters."""


class OperatorError(Exception):
    """Error that ends a command with exit code 2 and its sentence.

    The sentence may contain text from a foreign file. Control characters are escaped, because they would begin a new
    line in the log or recolour the terminal.
    """

    def __init__(self, sentence: str) -> None:
        super().__init__(printable(sentence, LONGEST))


class ConfigError(OperatorError):
    """Error in the configuration file."""


BUNDLE_REASONS = ("files", "signature", "checksum", "manifest", "arrays", "arithmetic", "catalogue")


class BundleError(OperatorError):
    """Error in a bundle. `reason` is one of BUNDLE_REASONS."""

    def __init__(self, sentence: str, reason: str = "arrays") -> None:
        super().__init__(sentence)
        self.reason = reason


class LabelError(OperatorError):
    """Error in a labelled episode."""


class ForeignRecordError(LabelError):
    """Error in a record of one of Faultline's own topics that Faultline has not written."""


class TimeError(OperatorError):
    """Error in a time, or in a period, that was requested."""


class OutputError(OperatorError):
    """Error in writing an output file."""


class ClusterError(OperatorError):
    """Error of the Kafka cluster: a missing topic, a missing permission, an address that does not answer."""
