"""Bounded read: assigned partitions consumed up to their ends, with a deadline that each message extends."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from time import monotonic

from confluent_kafka import Consumer, KafkaError, Message

from detector.errors import ClusterError


@dataclass(frozen=True, kw_only=True)
class ReadLimits:
    """Limits of a bounded read."""

    records: int
    """Most messages of one call."""
    wait_seconds: float
    """Longest wait of one call. It returns when it has `records` messages or this is over, whichever is first."""
    deadline_seconds: float
    """Longest time without a message while a partition is unread."""


class BoundedRead:
    """Read of assigned partitions, until each has reported its end."""

    def __init__(
        self,
        consumer: Consumer,
        partitions: Iterable[int],
        limits: ReadLimits,
        *,
        on_error: Callable[[Message], None],
        timeout_error: Callable[[], ClusterError],
        is_end: Callable[[Message], bool] = lambda message: True,
        is_broker_away: Callable[[], bool] = lambda: False,
    ) -> None:
        """`on_error` raises for an error event, or accepts it. `timeout_error` makes the error of a missed deadline.

        `is_end` confirms an end-of-partition event. While `is_broker_away`, which is asked when nothing arrives, the
        deadline moves on.
        """
        self._consumer, self._limits = consumer, limits
        self._on_error, self._timeout_error = on_error, timeout_error
        self._is_end, self._is_broker_away = is_end, is_broker_away
        self.unread_partitions = set(partitions)
        """Partitions that have not reached their end. A caller that knows an end by offset removes it itself."""
        self._has_received = True
        self._deadline = 0.0

    def poll(self) -> list[Message]:
        """Return the next records, without error events. It works beyond the ends, too.

        Raises ClusterError when a partition is unread and nothing arrives before the deadline.
        """
        if self._has_received:  # here, after the last records were used: that may take longer than the next wait
            self._extend_deadline()
        messages = self._consumer.consume(self._limits.records, self._limits.wait_seconds)
        self._has_received = bool(messages)
        if not messages and self.unread_partitions:
            if self._is_broker_away():
                self._extend_deadline()
            elif monotonic() > self._deadline:
                raise self._timeout_error()
        return [message for message in messages if self._is_record(message)]

    def _extend_deadline(self) -> None:
        self._deadline = monotonic() + self._limits.deadline_seconds

    def _is_record(self, message: Message) -> bool:
        error = message.error()
        if error is None:
            return True
        if error.code() != KafkaError._PARTITION_EOF:
            self._on_error(message)
        elif self._is_end(message):
            self.unread_partitions.discard(message.partition())
        return False
