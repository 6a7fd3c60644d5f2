"""Embedded broker for a demo without Kafka: librdkafka's mock cluster, which is inside the confluent-kafka wheel.

It runs in this process, listens on 127.0.0.1 and keeps everything in memory. Clients of any process on this machine
connect to it as to a real broker. It is a toy for a demo that starts and ends, and proves no guarantee. Tried from a
second process with librdkafka 2.16.0, one mock broker:

Topics. CreateTopics is missing (AdminClient times out waiting for a controller), and no property sets a number of
partitions. The C interface makes a topic with a chosen number, as here. A topic that a producer or `list_topics` only
asks for appears with 4 partitions; a consumer alone makes none. The start takes 0.05 s, imports included.

Retention. 5 MiB a partition, fixed, counted in bytes as they were sent, so after compression. Of 12,288 records of 1
KiB the last 4,608 were left; 48,000 well compressible ones in lz4 all stayed. The rest is dropped without notice to
the producer. A consumer that falls behind continues at the oldest record left under `auto.offset.reset=earliest`
(14,040 of 15,010 records skipped, one warning line of librdkafka, no error message or callback), jumps to the end
under `latest`, and gets the message error _AUTO_OFFSET_RESET under `error` only.

Transactions. Accepted, not kept: init 0.05 s, `send_offsets_to_transaction` 0.5-1.5 ms, commit 2-3 ms. Sent
records are seen at once under read_committed and read_uncommitted alike, whether the transaction is open or aborted
already (records aborted before they were sent are not seen). There are no commit markers: offsets are gapless.
Two producers with one transactional id both work.

Offsets. Offsets sent in a transaction are lost: `committed()` stays empty, so a restarted process begins at its reset
policy. A plain `commit()` is kept, with metadata. `offsets_for_times` and ListOffsets by timestamp answer -1 for every
time; watermarks, earliest, latest, `seek` and partition EOF are right.

Groups. The first join takes 3.1 s, and 0.1 s with the delay set to 0, as here. At every later change of a classic
group the mock waits for about a session time-out before it assigns partitions:

    classic, cooperative-sticky      session 45 s (default)    6 s       1.5 s
    static id, closed, comes back    not within 70 s           11.0 s    2.5 s
    static id, killed, comes back    not tried                 10.9 s    2.5 s
    a second member gets its half    not within 40 s           20.1 s    1.2 s

So a demo that kills its detector sets `session.timeout.ms=1500`, `heartbeat.interval.ms=500`. A `group.instance.id` is
accepted and gains nothing. `group.protocol=consumer` works too: a second member has its half after 3.0 s, a closed one
is back in 0.1 s, a killed one in 30 s.

Speed. A fetch that finds nothing is answered only after `fetch.wait.max.ms`, whatever arrives meanwhile: 0.37 s from
producing to consuming at the default of 500, 0.02 s at 50. 30,000 records of 700 B in lz4: written in 0.6 s, read in
1.1 s; a transactional loop did 20,000 of them, in 10 transactions, in 0.8 s.
"""

import ctypes
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from confluent_kafka import cimpl

_PRODUCER = 0
"""RD_KAFKA_PRODUCER, the first value of rd_kafka_type_t."""

_ERROR_BYTES = 512
"""Length of an error text in librdkafka's own examples."""

# Functions of librdkafka's rdkafka.h and rdkafka_mock.h used here: result and arguments.
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
    """Mock broker with the given topics, {name: partitions}, while the context is open.

    Clients of this and of other processes connect to `bootstrap`, "127.0.0.1:PORT".
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
        self._librdkafka.rd_kafka_destroy(self._client)  # also destroys the cluster that it started
        self._client = None

    def _open(self) -> int:
        error = ctypes.create_string_buffer(_ERROR_BYTES)
        settings = self._librdkafka.rd_kafka_conf_new()
        # Level 3 keeps the notice that this is a mock cluster off the demo's screen.
        for name, value in ((b"test.mock.num.brokers", b"1"), (b"log_level", b"3")):
            self._librdkafka.rd_kafka_conf_set(settings, name, value, error, _ERROR_BYTES)
        client: int | None = self._librdkafka.rd_kafka_new(_PRODUCER, settings, error, _ERROR_BYTES)
        if client is None:
            raise RuntimeError(f"librdkafka could not start its mock cluster: {error.value.decode()}")
        return client


def _librdkafka() -> ctypes.CDLL:
    # The copy that the wheel's own module is linked with: a symbol is also looked up in the libraries it depends on.
    library = ctypes.CDLL(cimpl.__file__)
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library
