"""A catalogue is drafted from the newest records of the input topic, on a real broker."""

import json
from collections.abc import Iterator

import numpy as np
import pytest

from detector.config.catalogue import read_catalogue
from tests.kafka.broker import free_ports
from tests.kafka.topics import create_topics, produce
from tests.service.network import T0
from trainer.__main__ import main

CELLS = [f"C{number}" for number in range(6)]


def records() -> Iterator[tuple[bytes, bytes, None]]:
    """Records of 15 minutes, with one of each kind that is no record."""
    rng = np.random.default_rng(2)
    for sample in range(30):
        for cell in CELLS:
            features = {"rrc_att": int(rng.poisson(50)), "prb_util_pct": float(rng.uniform(0, 99)), "temp_c": None}
            body = {"cell": cell, "time": (T0 + 15 * sample) * 60, "features": features}
            yield cell.encode(), json.dumps(body).encode(), None
    yield b"C0", b"{broken", None
    yield b"C0", b"[1, 2]", None
    yield b"C0", b"\xff", None


def configuration(tmp_path, bootstrap: str, topic: str) -> list[str]:
    kafka = f"{{common: {{bootstrap.servers: '{bootstrap}'}}, reach_seconds: 5, topics: {{minutes: '{topic}'}}}}"
    (tmp_path / "config.yaml").write_text(f"bundle: none\nkafka: {kafka}\n")
    return ["catalogue", "--topic", "--config", str(tmp_path / "config.yaml")]


@pytest.mark.broker
def test_a_draft_of_the_topic_needs_no_catalogue(broker, topics, tmp_path, capsys):
    create_topics(broker.bootstrap, {f"{topics}minutes": {"partitions": 2, "config": {"retention.ms": "-1"}}})
    command = configuration(tmp_path, broker.bootstrap, f"{topics}minutes")
    assert main(command) == 2
    assert f"topic {topics}minutes: holds no record in JSON" in capsys.readouterr().err

    produce(broker.bootstrap, f"{topics}minutes", records())

    assert main([*command, "--out", str(tmp_path / "catalogue.yaml")]) == 0
    read = read_catalogue(tmp_path / "catalogue.yaml")
    assert read.period_minutes == 15
    assert [(feature.name, feature.kind, feature.unit) for feature in read.features] == [
        ("rrc_att", "counter", "1"),
        ("prb_util_pct", "ratio", "%"),
    ]
    assert "# - temp_c: not reported in the sample" in (tmp_path / "catalogue.yaml").read_text()


@pytest.mark.slow
def test_a_broker_that_does_not_answer_ends_in_one_sentence(tmp_path, capsys):
    bootstrap = f"127.0.0.1:{free_ports(1)[0]}"

    assert main(configuration(tmp_path, bootstrap, "minutes")) == 2

    assert bootstrap in capsys.readouterr().err
