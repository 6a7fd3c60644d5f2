"""A broker for a demonstration without Kafka: librdkafka's mock cluster, which is inside the confluent-kafka wheel.

It lives in this process, listens on 127.0.0.1 and keeps everything in memory; clients of any process on this machine
connect to it as to a real one. It is a toy: good for a demonstration that starts and ends, the proof of no guarantee.
Tried from a second process with librdkafka 2.16.0, one mock broker:

Topics. CreateTopics is not there (AdminClient times out waiting for a controller), and no property sets a number of
partitions. A topic with a chosen number is made through the C interface, as here; one that is merely asked for by a
producer or in `list_topics` appears with 4; a consumer alone makes none. Starting takes 0.05 s, imports included.

Retention. 5 MiB a partition, fixed: counted in bytes as they were sent, so in compressed ones. 12,288 records of 1 KiB
left the last 4,608; 48,000 well compressible ones in lz4 all stayed. What is over is dropped without a word to the
producer. A consumer that has fallen behind goes on at the oldest record left under `auto.offset.reset=earliest` (14,040
of 15,010 records skipped, one warning line of librdkafka, no error message or callback), jumps to the end under
`latest`, and gets the message error _AUTO_OFFSET_RESET under `error` alone.

Transactions. Accepted, not kept: init 0.05 s, `send_offsets_to_transaction` 0.5-1.5 ms, commit 2-3 ms. Records sent are
seen at once by read_committed and read_uncommitted readers alike, still open or already aborted (those aborted before
they were sent are not). No commit markers: offsets are gapless. Of two producers with one transactional id, both work.

Offsets. Those sent in a transaction are lost: `committed()` stays empty, so a process that comes back starts at its
reset policy. A plain `commit()` is kept, with metadata. `offsets_for_times` and ListOffsets by timestamp answer -1 for
every time; watermarks, earliest, latest, `seek` and partition EOF are right.

Groups. The first join takes 3.1 s, and 0.1 s with the delay set to 0, as here. At every later change of a classic group
the mock waits for about a session time-out before it hands out partitions:

    classic, cooperative-sticky      session 45 s (default)    6 s       1.5 s
    static id, closed, comes back    not within 70 s           11.0 s    2.5 s
    static id, killed, comes back    not tried                 10.9 s    2.5 s
    a second member gets its half    not within 40 s           20.1 s    1.2 s

So a demonstration that kills its detector gives it `session.timeout.ms=1500`, `heartbeat.interval.ms=500`. A
`group.instance.id` is accepted and gains nothing. `group.protocol=consumer` works too: a second member has its half
after 3.0 s, a closed one is back in 0.1 s, a killed one in 30 s.

Speed. A fetch that finds nothing is answered only when `fetch.wait.max.ms` is over, whatever arrives meanwhile: 0.37 s
from producing to consuming at the default of 500, 0.02 s at 50. 30,000 records of
700 B in lz4: written in 0.6 s, read in 1.1 s; a transactional loop did 20,000 of them, in 10 transactions, in 0.8 s.
"""

import ctypes
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from confluent_kafka import cimpl

_PRODUCER = 0
"""RD_KAFKA_PRODUCER, the first of rd_kafka_type_t."""

_ERROR_BYTES = 512
"""The room librdkafka's own examples give an error text."""

# The part of librdkafka's rdkafka.h and rdkafka_mock.h used here: result and arguments.
_SIGNATURES = {
    "rd_kafka_conf_new": (ctypes.c_void_p, ()),
    "rd_kafka_conf_set": (
        ctypes.c_int,
        (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t),
    ),
    "rd_kafka_new": (ctypes.c_void_p, (ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t)),
    "rd_kafka_destroy": (None, (ctypes.c_void_p,)),
    "rd_kafka_handle_mock_cluster": (ctypes.c_void_p, (ctypes.c_void_p,)),
    "rd_kafka_mock_cluster_bootstraps": (ctypes.c_char_p, (ctypes.c_void_p,)),
    "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, (ctypes.c_void_p, ctypes.c_int32)),
    "rd_kafka_mock_topic_create": (
        ctypes.c_int,
        (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_int),
    ),
}


class EmbeddedBroker:
    """A mock broker with the given topics, {name: partitions}, for as long as the context is open.

    `bootstrap` is where clients of this and of other processes connect, "127.0.0.1:PORT".
    """

    def __init__(self, topics: Mapping[str, int]) -> None:
        self.bootstrap = ""
        self._topics = topics
        self._client: int | None = None
        self._librdkafka = _librdkafka()

    def __enter__(self) -> Self:
        self._client = self._open()
        cluster = self._librdkafka.rd_kafka_handle_mock_cluster(self._client)
        self._librdkafka.rd_kafka_mock_group_initial_rebalance_delay_ms(cluster, 0)
        for topic, partitions in self._topics.items():
            self._librdkafka.rd_kafka_mock_topic_create(cluster, topic.encode(), partitions, 1)
        self.bootstrap = self._librdkafka.rd_kafka_mock_cluster_bootstraps(cluster).decode()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._librdkafka.rd_kafka_destroy(self._client)  # and with it the cluster it started
        self._client = None

    def _open(self) -> int:
        error = ctypes.create_string_buffer(_ERROR_BYTES)
        settings = self._librdkafka.rd_kafka_conf_new()
        # Level 3: that it is a mock cluster is said here, and need not be on the demonstration's screen.
        for name, value in ((b"test.mock.num.brokers", b"1"), (b"log_level", b"3")):
            self._librdkafka.rd_kafka_conf_set(settings, name, value, error, _ERROR_BYTES)
        client: int | None = self._librdkafka.rd_kafka_new(_PRODUCER, settings, error, _ERROR_BYTES)
        if client is None:
            raise RuntimeError(f"librdkafka did not start its mock cluster: {error.value.decode()}")
        return client


def _librdkafka() -> ctypes.CDLL:
    # The copy the wheel's own module is linked with: symbols are looked up in what a library depends on as well.
    library = ctypes.CDLL(cimpl.__file__)
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library
