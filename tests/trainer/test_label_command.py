"""`faultline-trainer label`: one exemplar on the topic, as every detector will read it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from detector.bundle.format import read_bundle
from detector.config.loader import read_config, write_catalogue
from detector.core.encoder import Encoder
from detector.kafka.compacted_table import Table
from detector.labels.label import embed_label, read_label
from tests.kafka.broker import Broker, ExternalBroker
from tests.kafka.topics import create_topics
from tests.trainer.files import write_day
from trainer.__main__ import main
from trainer.data.history import START_MINUTE, SimulatedHistory
from trainer.demo.labelling import label_episode

BEGIN, END = START_MINUTE + 100, START_MINUTE + 160


@pytest.fixture(scope="module")
def folder(town: SimulatedHistory, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four hours of two of the town's cells."""
    out = tmp_path_factory.mktemp("histories")
    minute = np.tile(START_MINUTE + np.arange(240), 2)
    cell = np.repeat([1, 3], 240)
    names = [town.cells[number] for number in cell]
    write_catalogue(town.catalogue, out / "catalogue.yaml")
    write_day(out, "2026-01-05", names, minute, town.read(cell, minute), town.catalogue.names)
    return out


def teach(config: Path, folder: Path, cell: str, name: str = "backhaul_loss", *more: str) -> int:
    episode = ["--begin", str(BEGIN), "--end", str(END)]
    return main(
        ["label", "--config", str(config), "--history", str(folder), "--cell", cell, "--class", name, *episode, *more]
    )


@pytest.mark.broker
def test_a_label_is_published_once_and_embeds_where_it_is_read(
    broker: Broker | ExternalBroker,
    topics: str,
    configuration: Callable[..., Path],
    folder: Path,
    town: SimulatedHistory,
    encode: Encoder,
) -> None:
    create_topics(broker.bootstrap, {f"{topics}labels": {"partitions": 1, "config": {"cleanup.policy": "compact"}}})
    config = configuration(broker.bootstrap, f"{topics}labels")

    codes = [teach(config, folder, town.cells[3], "backhaul_loss", "--note", "ticket 7") for _ in range(2)]

    read = read_config(config)
    table = Table(read.kafka, read.kafka.topics.labels)
    rows = table.read([0])[0]
    table.close()
    assert codes == [0, 0]
    ((key, value),) = rows.items()
    label, bundle = read_label(value), read_bundle(Path(read.bundle))
    assert key == label.id.encode()
    expected = label_episode(town, bundle.baseline, "backhaul_loss", "fault", town.cells[3], BEGIN, END, "ticket 7")
    assert label == expected
    exemplar = embed_label(label, bundle.catalogue, encode)
    assert (exemplar.name, exemplar.kind, exemplar.cell) == ("backhaul_loss", "fault", town.cells[3])
    assert np.linalg.norm(exemplar.direction.astype(float)) == pytest.approx(1, abs=2e-3)


@pytest.mark.parametrize(
    ("cell", "name", "sentence"),
    [
        ("nowhere", "backhaul_loss", "cell 'nowhere' is not in the history"),
        ("A00001-1", "Backhaul Loss", "name"),
        ("A00001-1", "unknown", "unknown is what Faultline itself says"),
    ],
)
def test_what_the_detectors_would_refuse_is_refused_before_it_is_published(
    configuration: Callable[..., Path],
    folder: Path,
    town: SimulatedHistory,
    capfd: pytest.CaptureFixture[str],
    cell: str,
    name: str,
    sentence: str,
) -> None:
    assert town.cells[3] == "A00001-1"

    assert teach(configuration(), folder, cell, name) == 2

    told = capfd.readouterr().err
    assert sentence in told
    assert told.startswith("faultline-trainer: ")
    assert told.count("\n") == 1
