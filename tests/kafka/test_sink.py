"""Sink whose transaction another process overtakes: whichever call tells of it, it is one error."""

import pytest
from confluent_kafka import KafkaError, KafkaException

from detector.config.schema import Config
from detector.kafka import sink
from detector.kafka.transactions import Aborted, Fenced

FENCE = KafkaError(KafkaError._FENCED, fatal=True)
OVERTAKEN = KafkaError(KafkaError.UNKNOWN, "EndTxn commit failed", txn_requires_abort=True)
"""Seen where another producer took the transactional id while the commit was on its way: not fatal by itself."""


class Overtaken:
    """Transactions whose commit and abort end with these errors, or well."""

    def __init__(self, commit, abort):
        self.errors = {"commit": commit, "abort": abort}

    def begin(self):
        pass

    def fatal_cause(self, error):
        return error

    def commit(self, positions, group_metadata):
        raise KafkaException(self.errors["commit"])

    def abort(self):
        if self.errors["abort"] is not None:
            raise KafkaException(self.errors["abort"])


@pytest.mark.parametrize(
    ("commit", "abort", "raised"),
    [(FENCE, None, Fenced), (OVERTAKEN, FENCE, Fenced), (OVERTAKEN, None, Aborted)],
)
def test_a_transaction_that_is_overtaken_is_fenced_or_repeated(monkeypatch, commit, abort, raised):
    monkeypatch.setattr(sink, "Transactions", lambda *_: Overtaken(commit, abort))
    with pytest.raises(raised):
        sink.Sink(Config(bundle="b"), None, 1_000_000).publish([], [], {}, None)
