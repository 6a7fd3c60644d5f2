"""What an operator can put right: each error is one sentence with the thing, its value, the allowed, and the remedy."""


class OperatorError(Exception):
    """Ends a command with exit code 2 and its one sentence."""


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
