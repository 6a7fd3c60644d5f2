"""Targets of the fuzzing: one function for each door, which may return or raise OperatorError, and nothing else."""

import hashlib
import io
import json
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from hypothesis import strategies as st

from detector.alarms.explanation import explanation
from detector.alarms.journal import choose, classes_of, decode_notifications, episode, open_alarms_before
from detector.alarms.notifications import read_open_alarm
from detector.alarms.shadow import compare, episodes
from detector.alarms.unknown_clusters import cluster_unknowns
from detector.backtest.matching import read_episodes
from detector.bundle.format import Bundle, read_bundle
from detector.config.catalogue import read_catalogue
from detector.config.loader import read_config
from detector.core.ingest.checkpoint import WatermarkState, decode_claims
from detector.core.ingest.decoder import Decoder
from detector.core.ingest.samples import Records
from detector.core.vocabulary import WINDOW
from detector.errors import OperatorError
from detector.kafka.start_positions import checkpoint_from_metadata
from detector.labels.embedding import label_windows
from detector.labels.label import read_label
from detector.labels.listing import count_fired, list_labels, table
from detector.labels.packs import check_entries, read_pack
from detector.terminal import flat
from tests.fuzz.doors import check_command_line, check_request, command_lines, requests
from tests.fuzz.seeds import CHECKPOINTS, NOTIFICATIONS, OPEN_ALARMS, RECORDS
from tests.fuzz.strategies import mutated_bytes, mutated_documents, mutated_json

WIDTH = 100
"""Columns of a table."""

FIXTURE = Path(__file__).parents[1] / "fixtures" / "v0_1"


@dataclass(frozen=True)
class Target:
    """One door: the inputs to try, and the function that takes one."""

    inputs: st.SearchStrategy[Any]
    check: Callable[[Any], None]
    examples: int = 500
    """Inputs before the next target's turn."""


def tolerant(function: Callable[..., object], *arguments: object) -> None:
    """Call the function. An OperatorError is an answer, too, if its sentence can be printed on one line."""
    sentence = ""
    try:
        function(*arguments)
    except OperatorError as error:
        sentence = str(error)
    assert sentence == "" or sentence.isprintable(), repr(sentence)


@cache
def bundle() -> Bundle:
    return read_bundle(FIXTURE / "bundle")


def _with_file(function: Callable[[Path], object], name: str) -> Callable[[bytes], None]:
    def check(content: bytes) -> None:
        with tempfile.TemporaryDirectory(prefix="faultline-fuzz-") as folder:
            path = Path(folder) / name
            path.write_bytes(content)
            tolerant(function, path)

    return check


def _valid_config() -> list[Any]:
    return [yaml.safe_load((Path(__file__).parents[2] / "config.yaml").read_text())]


def _valid_catalogue() -> list[Any]:
    rows = [
        {"name": f.name, "unit": f.unit, "kind": f.kind, "transform": f.transform, "low": f.low, "high": f.high}
        for f in bundle().catalogue.features
    ]
    return [rows, {"period_minutes": 15, "stamp": "end", "features": rows}]


def _labels() -> list[Any]:
    return [json.loads(path.read_bytes()) for path in sorted((FIXTURE / "records").glob("*.json"))]


def check_label(value: bytes) -> None:
    """Read a label as the daemon, the list and a pack do."""
    tolerant(lambda: label_windows(read_label(value), bundle().catalogue))
    rows = list_labels([(b"key", value), (value[:40], value)])
    for line in flat(table(rows, {}, {}), WIDTH):
        assert line.isprintable()


def check_pack_labels(values: list[bytes]) -> None:
    """Read a pack whose container is right and whose lines are not."""
    body = b"".join(value.replace(b"\n", b" ") + b"\n" for value in values)
    manifest = {
        "format": 1,
        "catalogue": bundle().catalogue.digest,
        "labels": len(values),
        "sha256": hashlib.sha256(body).hexdigest(),
    }
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("manifest.json", json.dumps(manifest))
        archive.writestr("labels.jsonl", body)
    _with_file(_read_pack, "labels.pack")(content.getvalue())


def _read_pack(path: Path) -> object:
    return check_entries(read_pack(path), bundle().catalogue, {})


def check_notifications(values: list[bytes]) -> None:
    """Read the alarm topic as `explain`, `labels`, `unknowns`, `shadow` and `search` do."""
    notifications = list(decode_notifications(values))
    count_fired(values)
    cluster_unknowns(notifications, "b18442358547")
    compare(episodes(notifications, 0, 10**9), episodes(notifications, 0, 10**9))
    for notification in notifications:
        classes_of(notifications, notification.body.objectInstance, 0, 10**9)
        open_alarms_before(notifications, notification)
        tolerant(lambda notification=notification: _explain(notifications, notification.body.alarmId))


def _explain(notifications: list[Any], identity: str) -> None:
    records = choose(notifications, identity)
    episode(records, WINDOW)
    assert all(line.isprintable() for line in flat(explanation(records), WIDTH))


def check_open_alarm(value: bytes) -> None:
    """Read a record of the table of open alarms, under its key and under another."""
    for key in (b'["A1","backhaul_loss"]', value[:20], None):
        tolerant(read_open_alarm, key, value)


def check_checkpoint(metadata: bytes) -> None:
    """Read the metadata of a commit that something else wrote."""
    checkpoint = checkpoint_from_metadata(metadata.decode(errors="replace"))
    if checkpoint is not None:
        decode_claims(WatermarkState(checkpoint.replay_offset, checkpoint.replay_minute, checkpoint.votes))


def check_record(value: bytes) -> None:
    """Decode a record of the feed."""
    decoder = Decoder(bundle().catalogue, 65536)
    samples, rejections = decoder.decode(Records(0, np.arange(1), [value[:20]], [value]))
    assert len(samples) + len(rejections) == 1


def _lists(values: st.SearchStrategy[bytes]) -> st.SearchStrategy[list[bytes]]:
    return st.lists(values, min_size=1, max_size=4)


def _as_yaml(document: Any) -> bytes:
    return yaml.safe_dump(document, allow_unicode=True).encode("utf-8", errors="surrogatepass")


EPISODES = (
    b"cell,class,kind,begin,end,severity,effect\nA1,backhaul_loss,fault,29459700,29459760,0.5,3.1\n"
    b"B2,tilt_error,normal,29459700,29459760,0.5,\n"
)


def targets() -> dict[str, Target]:
    """Return all targets by name. Their valid inputs are read from the repository's own files."""
    pack = (FIXTURE / "labels.pack").read_bytes()
    config = mutated_bytes(mutated_documents(_valid_config()).map(_as_yaml))
    catalogue = mutated_bytes(mutated_documents(_valid_catalogue()).map(_as_yaml))
    label = mutated_json(_labels())
    return {
        "config": Target(config, _with_file(read_config, "config.yaml")),
        "catalogue": Target(catalogue, _with_file(read_catalogue, "catalogue.yaml")),
        "episodes": Target(mutated_bytes(st.just(EPISODES)), _with_file(read_episodes, "episodes.csv")),
        "labels": Target(label, check_label),
        "packs": Target(mutated_bytes(st.just(pack)), _with_file(_read_pack, "labels.pack")),
        "pack_labels": Target(_lists(label), check_pack_labels),
        "alarms": Target(_lists(mutated_json(NOTIFICATIONS)), check_notifications),
        "open_alarms": Target(mutated_json(OPEN_ALARMS), check_open_alarm),
        "checkpoints": Target(mutated_json(CHECKPOINTS), check_checkpoint),
        "records": Target(mutated_json(RECORDS), check_record),
        "requests": Target(requests(), check_request, examples=200),
        "command_lines": Target(command_lines(), check_command_line, examples=50),
    }
