"""What an operator can put right: each error is one sentence with the thing, its value, the allowed, and the remedy."""


class OperatorError(Exception):
    """Ends a command with exit code 2 and its one sentence.

    What a stranger's file put into the sentence is shown, never done: a control character would begin a line of its
    own in the log, or recolour the terminal.
    """

    def __init__(self, sentence: str) -> None:
        super().__init__("".join(c if c.isprintable() else ascii(c)[1:-1] for c in sentence))


class ConfigError(OperatorError):
    """The configuration file."""


BUNDLE_REASONS = ("files", "checksum", "manifest", "arrays", "arithmetic", "catalogue")


class BundleError(OperatorError):
    """The bundle that the trainer handed over. `reason` is one of BUNDLE_REASONS."""

    def __init__(self, sentence: str, reason: str = "arrays") -> None:
        super().__init__(sentence)
        self.reason = reason


class LabelError(OperatorError):
    """A labelled episode."""


class TimeError(OperatorError):
    """A time, or a stretch of it, that was asked for."""


class OutputError(OperatorError):
    """A file that was to be written."""


class ClusterError(OperatorError):
    """What the Kafka cluster lacks: a topic, a permission, an address that answers."""
