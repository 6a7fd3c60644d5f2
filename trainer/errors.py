"""Errors of the trainer that an operator can correct."""

from detector.errors import OperatorError


class TrainingError(OperatorError):
    """Training that cannot begin or that failed."""
