"""`faultline-trainer collect`: the input topic as a history, on a real broker."""

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from detector.config.catalogue import read_catalogue
from detector.core.features import Catalogue
from detector.core.ingest.decoder import Decoder
from detector.core.ingest.samples import Records
from detector.history.parquet import HistoryFiles
from tests.eventually import eventually
from tests.kafka.broker import ROOT, Broker, ExternalBroker, die_with_parent, free_ports
from tests.kafka.topics import create_topics, produce
from tests.service.network import CATALOGUE, CELLS, NAMES, T0, Record, record, told, value
from tests.trainer.files import write_catalogue
from trainer.__main__ import main
from trainer.data.history import ParquetHistory
from trainer.data.parquet_sink import Collection

pytestmark = pytest.mark.usefixtures("kept_process")

Rows = Counter[tuple[str, int, tuple[float, ...]]]

MIDNIGHT = -(-T0 // 1440) * 1440 - T0
"""Minutes from T0 to the next day."""

KEPT = {"partitions": 2, "config": {"retention.ms": "-1"}}
"""What is told lies in the past: a broker would delete it by its time stamps."""


class Topic:
    """An input topic, and the command for it."""

    def __init__(self, bootstrap: str, name: str, folder: Path) -> None:
        self.bootstrap, self.name, self.folder, self.out = bootstrap, name, folder, folder / "history"
        self.config = folder / "config.yaml"
        kafka = f"{{common: {{bootstrap.servers: '{bootstrap}'}}, reach_seconds: 5, batch_records: 100"
        self.config.write_text(f"bundle: none\nkafka: {kafka}, topics: {{minutes: '{name}'}}}}\n")
        self.catalogue = folder / "features.yaml"
        write_catalogue(CATALOGUE, self.catalogue)

    def tell(self, records: list[Record]) -> None:
        produce(self.bootstrap, self.name, records)

    def command(self, *more: str) -> list[str]:
        files = ["--config", str(self.config), "--out", str(self.out), "--catalogue", str(self.catalogue)]
        return ["collect", *files, *more]

    def collect(self, *more: str) -> int:
        return main(self.command("--until", "now", *more))

    def rows(self) -> Rows:
        return rows(self.out)

    def wait_for_files(self, count: int) -> None:
        eventually(lambda: len(list(self.out.glob("day=*/*.parquet"))) >= count, f"{count} files are written")


@pytest.fixture
def topic(broker: Broker | ExternalBroker, topics: str, tmp_path: Path) -> Topic:
    create_topics(broker.bootstrap, {f"{topics}minutes": KEPT})
    return Topic(broker.bootstrap, f"{topics}minutes", tmp_path)


@pytest.fixture
def nowhere(tmp_path: Path) -> Topic:
    """On a port where nobody listens."""
    return Topic(f"127.0.0.1:{free_ports(1)[0]}", "minutes", tmp_path)


def rows(folder: Path) -> Rows:
    """Every row of every file, however often."""
    found: Rows = Counter()
    for path in HistoryFiles(folder).paths:
        for row in pyarrow.parquet.ParquetFile(path).read().to_pylist():
            assert path.parent.name == f"day={np.datetime64(row['minute'] * 60, 's').astype('datetime64[D]')}"
            found[row["cell"], row["minute"], tuple(row[name] for name in NAMES)] += 1
    return found


def expected(records: list[Record]) -> Rows:
    keys, values = [key for key, *_ in records], [body for _, body, *_ in records]
    samples, _ = Decoder(CATALOGUE, 10_000).decode(Records(0, np.arange(len(records)), keys, values))
    return Counter(zip(samples.cells, samples.minute.tolist(), map(tuple, samples.values.tolist()), strict=True))


@pytest.mark.broker
def test_what_was_told_lies_in_the_folder_as_a_history(topic: Topic, capfd: pytest.CaptureFixture[str]) -> None:
    records = told(MIDNIGHT - 30, MIDNIGHT + 30)
    topic.tell(records)

    assert topic.collect() == 0

    assert topic.rows() == expected(records)
    assert read_catalogue(topic.out / "catalogue.yaml") == CATALOGUE
    history = ParquetHistory(topic.out)
    assert list(history.cells) == list(CELLS)
    assert history.span == (T0 + MIDNIGHT - 30, T0 + MIDNIGHT + 30)
    assert len(list(topic.out.glob("day=*/*.parquet"))) == 2
    assert f"{len(records):,} records, 0 refused" in capfd.readouterr().out


@pytest.mark.broker
@pytest.mark.parametrize("kills", [1, 3])
def test_whoever_is_killed_goes_on_and_every_record_is_there_once(topic: Topic, kills: int) -> None:
    records = told(MIDNIGHT - 100, MIDNIGHT + 100)  # some rolls are two files
    for part in range(kills):
        topic.tell(records[part::kills] if kills == 1 else records[part * 400 : (part + 1) * 400])
        before = len(list(topic.out.glob("day=*/*.parquet")))
        command = [*die_with_parent(), sys.executable, "-m", "trainer", *topic.command("--file-records", "50")]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
            try:
                topic.wait_for_files(before + 2)
            finally:
                process.kill()
    topic.tell([] if kills == 1 else records[kills * 400 :])

    assert topic.collect() == 0
    assert topic.collect() == 0  # and there is nothing left

    assert topic.rows() == expected(records)


@pytest.mark.broker
def test_a_roll_of_which_a_crash_left_half_is_read_again(topic: Topic) -> None:
    # Given two rolls, the second of two files, of which the second did not become visible,
    early, late = told(MIDNIGHT - 30, MIDNIGHT - 10), told(MIDNIGHT - 10, MIDNIGHT + 10)
    topic.tell(early)
    assert topic.collect() == 0
    topic.tell(late)
    assert topic.collect() == 0
    _, second = sorted(topic.out.glob("day=*/minutes-00000001.parquet"))
    second.rename(second.with_name(f".{second.name}"))

    assert topic.collect() == 0

    assert topic.rows() == expected([*early, *late])
    assert not list(topic.out.rglob(".minutes-*"))


@pytest.mark.broker
def test_of_two_versions_of_a_minute_the_later_counts(topic: Topic) -> None:
    wrong, right = (record(CELLS[0], 5, value(CELLS[0], 5, np.full(len(NAMES), level))) for level in (1.0, 2.0))
    topic.tell([wrong, right])
    assert topic.collect("--file-records", "1") == 0

    values = ParquetHistory(topic.out).read(np.zeros(1, int), np.array([T0 + 5]))

    np.testing.assert_array_equal(values, np.full((1, len(NAMES)), 14, np.float32))


@pytest.mark.broker
def test_a_refused_record_is_counted_by_its_reason_and_ends_nothing(
    topic: Topic, capfd: pytest.CaptureFixture[str]
) -> None:
    records = told(0, 5)
    topic.tell([record(CELLS[0], 0, b"{"), *records, record(CELLS[1], 9, None), record(CELLS[1], 9, b"{}")])

    assert topic.collect() == 0

    assert topic.rows() == expected(records)
    said = capfd.readouterr().out
    assert f"{len(records)} records, 3 refused (malformed 1, tombstone 1, wrong_shape 1)" in said


@pytest.mark.broker
def test_asked_to_end_it_writes_what_it_has(topic: Topic) -> None:
    records = told(0, 40)
    topic.tell(records)
    command = [*die_with_parent(), sys.executable, "-m", "trainer", *topic.command("--file-records", "200")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        topic.wait_for_files(1)
        process.terminate()
        assert process.wait(20) == 0
    before = topic.rows()

    assert topic.collect() == 0

    assert before <= topic.rows() == expected(records)


Refusal = Callable[..., str]


@pytest.fixture
def refusal(capfd: pytest.CaptureFixture[str]) -> Refusal:
    """Runs the command, which must end with 2; gives its one sentence."""

    def run(topic: Topic, *more: str) -> str:
        capfd.readouterr()
        assert topic.collect(*more) == 2
        said = capfd.readouterr().err
        assert said.startswith("faultline-trainer: ")
        assert said.count("\n") == 1
        return said

    return run


@pytest.mark.broker
def test_another_catalogue_is_refused(topic: Topic, refusal: Refusal) -> None:
    topic.tell(told(0, 2))
    assert topic.collect() == 0
    write_catalogue(Catalogue(CATALOGUE.features[:3]), topic.catalogue)

    assert "catalogue.yaml: has the feature catalogue" in refusal(topic)

    (topic.out / "catalogue.yaml").unlink()
    (file,) = topic.out.glob("day=*/*.parquet")
    assert f"{file}: has the feature catalogue" in refusal(topic)


@pytest.mark.broker
def test_a_topic_that_is_not_there_is_named(broker: Broker | ExternalBroker, tmp_path: Path, refusal: Refusal) -> None:
    said = refusal(Topic(broker.bootstrap, "no-such-topic", tmp_path))

    assert "topic no-such-topic does not exist; create it with `faultline topics --create`." in said


@pytest.mark.broker
def test_a_topic_that_was_made_anew_is_not_taken_for_the_old_one(topic: Topic, refusal: Refusal) -> None:
    topic.tell(told(0, 2))
    collection = Collection(topic.out, topic.name, CATALOGUE)
    samples, _ = Decoder(CATALOGUE, 10_000).decode(Records(0, np.arange(1), [b"cell-0"], [told(0, 1)[0][1]]))
    collection.write([samples], {0: 1_000_000})
    collection.close()

    said = refusal(topic)

    assert "partition 0 ends at offset" in said
    assert "but it was read to 1000000 before, so the topic was recreated" in said


@pytest.mark.broker
def test_what_the_topic_no_longer_had_is_told(topic: Topic, capfd: pytest.CaptureFixture[str]) -> None:
    records = told(0, 10)
    topic.tell(records)
    assert topic.collect() == 0
    topic.tell(told(10, 20))
    delete_before(topic, 0, 50)
    delete_before(topic, 1, 50)

    assert topic.collect() == 0

    assert "partition 0: offsets 40 to 50 were deleted by retention before they were read" in capfd.readouterr().err
    assert max(topic.rows().values()) == 1
    assert topic.rows().total() == 140


def delete_before(topic: Topic, partition: int, offset: int) -> None:
    admin = AdminClient({"bootstrap.servers": topic.bootstrap})
    for done in admin.delete_records([TopicPartition(topic.name, partition, offset)]).values():
        done.result()


def test_a_broker_that_does_not_answer_is_named(nowhere: Topic, refusal: Refusal) -> None:
    said = refusal(nowhere)

    assert f"Kafka at {nowhere.bootstrap}: " in said
    assert said.endswith("check kafka.common.bootstrap.servers, and that the broker runs.\n")


def test_a_folder_that_cannot_be_written_is_named(nowhere: Topic, refusal: Refusal) -> None:
    nowhere.out.write_text("a file")

    assert f"{nowhere.out}: cannot be written" in refusal(nowhere)


def test_a_folder_with_another_history_is_left_alone(nowhere: Topic, refusal: Refusal) -> None:
    (nowhere.out / "day=2026-01-05").mkdir(parents=True)
    path = nowhere.out / "day=2026-01-05" / "any.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"cell": ["a"]}), path)

    assert f"{path}: holds no offsets: not collected from a topic" in refusal(nowhere)
    assert [path.name for path in nowhere.out.rglob("*.parquet")] == ["any.parquet"]


def test_two_at_once_in_one_folder_are_one_too_many(nowhere: Topic, refusal: Refusal) -> None:
    held = Collection(nowhere.out, "minutes", CATALOGUE)

    assert "another process collects into this folder" in refusal(nowhere)

    held.close()
    assert "that the broker runs" in refusal(nowhere)


def test_another_topics_folder_is_refused(nowhere: Topic, refusal: Refusal) -> None:
    collection = Collection(nowhere.out, "other", CATALOGUE)
    samples, _ = Decoder(CATALOGUE, 10_000).decode(Records(0, np.arange(1), [b"cell-0"], [told(0, 1)[0][1]]))
    assert collection.write([samples], {0: 1}) == 1
    collection.close()

    assert "is of topic other, not of minutes. Give another folder." in refusal(nowhere)
