"""Packs, YAML and labels of a stranger: nothing of them is executed, nothing of them is larger in memory than it may
be, and the answer is one sentence."""

import hashlib
import json
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from confluent_kafka import Producer

from detector.config.catalogue import read_catalogue
from detector.config.loader import read_config
from detector.errors import ConfigError, LabelError
from detector.labels.label import read_label, write_label
from detector.labels.packs import LABELS, MANIFEST, PackError, read_pack
from tests.kafka.topics import QUIET
from tests.service.hostile import one_sentence, put_members
from tests.service.network import label, told
from tests.service.stage import serving

ROOM_BYTES = 400_000_000
"""What a hostile file may cost in memory, all in all; a bomb of five megabytes unpacks to a thousand."""


@pytest.fixture
def mark(tmp_path):
    return tmp_path / "executed"


# --- a pack ---------------------------------------------------------------------------------------------------------


def packed(path: Path, body: bytes, labels: int = 1, **more: bytes) -> Path:
    told_of = {"format": 1, "catalogue": "x", "labels": labels, "sha256": hashlib.sha256(body).hexdigest()}
    content = {MANIFEST: json.dumps(told_of).encode(), LABELS: body, **more}
    put_members(path, content, zipfile.ZIP_DEFLATED)
    return path


def test_a_bomb_is_not_unpacked(tmp_path):
    """In a process of its own that may take little: one endless label, and very many."""
    packed(tmp_path / "long", bytes(1_000_000_000))
    packed(tmp_path / "many", b"{}\n" * 30_000_000, 30_000_000)
    lines = (b"0" * 7_000_000 + b"\n") * 60
    packed(tmp_path / "much", lines, 60)
    for name, why in (
        ("long", "longer than 8,000,000 bytes"),
        ("many", "more than 20,000 labels"),
        ("much", "unpacks"),
    ):
        assert (tmp_path / name).stat().st_size < 5_000_000
        said = in_little_room(f"from detector.labels.packs import read_pack; read_pack(Path({str(tmp_path / name)!r}))")
        assert why in said


def in_little_room(statement: str) -> str:
    """The sentence by which it ends."""
    code = (
        "import resource; from pathlib import Path; from detector.errors import OperatorError\n"
        "import detector.labels.packs, detector.kafka.compacted_table\n"
        f"resource.setrlimit(resource.RLIMIT_DATA, ({2 * ROOM_BYTES}, {2 * ROOM_BYTES}))\n"
        f"try:\n    {statement}\nexcept OperatorError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return one_sentence(done.stdout.strip())


@pytest.mark.parametrize(
    "name", ["../../etc/cron.d/x", "/etc/passwd", "labels.jsonl/../x", "\x1b]0;owned\x07.json", "a\nb"]
)
def test_a_pack_with_another_members_name_is_refused_and_nothing_is_written(tmp_path, name):
    path = packed(tmp_path / "pack", b"", 0, **{name: b"x"})
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(PackError, match="is no pack: it holds") as raised:
        read_pack(path)
    one_sentence(str(raised.value))
    assert sorted(tmp_path.rglob("*")) == before


def test_whatever_bits_of_a_pack_are_turned_the_answer_is_a_sentence(tmp_path):
    seed = int.from_bytes(os.urandom(4), "big")
    print(f"seed {seed}")
    rng = np.random.default_rng(seed)
    content = packed(tmp_path / "pack", write_label(label("drop_storm", "drops")) + b"\n").read_bytes()
    for _ in range(400):
        changed = bytearray(content)
        for _ in range(rng.integers(1, 4)):
            changed[int(rng.integers(len(content)))] = rng.integers(256)
        (tmp_path / "pack").write_bytes(changed)
        try:
            read_pack(tmp_path / "pack")
        except PackError as error:
            one_sentence(str(error))


# --- YAML -----------------------------------------------------------------------------------------------------------

TAGS = (
    "!!python/object/apply:os.system ['touch {mark}']",
    "!!python/object/new:os.system ['touch {mark}']",
    "!!python/name:os.system",
    "!!python/module:os",
    "!!python/object:detector.config.schema.Config {{}}",
)


@pytest.mark.parametrize("tag", TAGS)
def test_a_tag_that_makes_an_object_makes_none(tmp_path, mark, tag):
    written = tag.format(mark=mark)
    config, catalogue = tmp_path / "config.yaml", tmp_path / "catalogue.yaml"
    config.write_text(f"bundle: {written}\nkafka: {{common: {{bootstrap.servers: x}}}}\n")
    catalogue.write_text(f"- {written}\n")
    for read, path in ((read_config, config), (read_catalogue, catalogue)):
        with pytest.raises(ConfigError, match=r"line 1, column \d+: the tag `!!python/\S+` is not allowed") as raised:
            read(path)
        one_sentence(str(raised.value))
    assert not mark.exists()


LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
)
"""A thousand million x in a kilobyte."""


@pytest.mark.parametrize("text", [LAUGHS + "bundle: *a8\n", "[" * 10_000, "bundle: " + "x" * 2_000_000, "a: &a [*a]\n"])
def test_a_file_that_would_grow_or_never_end_is_refused(tmp_path, text):
    path = tmp_path / "any.yaml"
    path.write_text(text)
    for read in (read_config, read_catalogue):
        with pytest.raises(ConfigError) as raised:
            read(path)
        one_sentence(str(raised.value))


# --- a label --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [b"x" * 100_000_000, b"[" * 1_000_000, b'{"id":' + b"[" * 1_000_000, b"\xff", b"null", pickle.dumps(Path)],
    ids=["100 MB", "deep", "deep inside", "no text", "null", "a pickle"],
)
def test_a_label_that_is_none_is_refused_in_a_sentence(value):
    with pytest.raises(LabelError) as raised:
        read_label(value)
    one_sentence(str(raised.value))


@pytest.mark.broker
def test_a_label_of_100_mb_on_the_topic_is_refused_and_the_others_are_in_force(bare_stage):
    """As long as a broker takes it by default, where its topic is told to."""
    longest = {"cleanup.policy": "compact", "max.message.bytes": "104000000"}
    stage = bare_stage.create_topics(labels={"partitions": 1, "config": longest})
    stage.teach(label("drop_storm", "drops"))
    producer = Producer({"bootstrap.servers": stage.bootstrap, "message.max.bytes": 104_000_000, **QUIET})
    failed = []
    producer.produce(stage.topic("labels"), b"x" * 100_000_000, b"huge", on_delivery=lambda e, _: failed.append(e))
    assert not producer.flush(60)
    assert failed == [None]
    records = told(0, 5)
    stage.tell(records)
    with serving(stage.config()) as service:
        stage.wait_taken(len(records))
        assert service.metrics()["faultline_labels_refused_total"] == 1
        assert service.metrics()['faultline_exemplars{kind="fault"}'] == 1
        (line,) = [line for line in service.log.above_info() if "label" in line]
        assert "a label has 100,000,000 bytes, and at most 8,000,000 are allowed; retire its key" in line
