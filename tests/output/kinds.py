"""Every kind of output that a person can name, with a way to make one as its own writer does."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec

from detector.backtest.replay import NOTIFICATIONS, REPORT
from detector.bundle.checksums import FILES, SUMS, sums_of
from detector.bundle.recognition import BUNDLE
from detector.labels.packs import LABELS, MANIFEST, PACK_FILE, PackManifest
from detector.output.files import whole_file
from detector.output.folders import replaced_folder
from detector.output.kinds import ANY_FOLDER, OutputKind
from detector.service.metrics import SHADOW_TEXTFILE, write_shadow
from trainer.commands.evaluate_report import FIGURES
from trainer.data.cache import UNFINISHED_TRAINING, acquire
from trainer.data.parquet_sink import COLLECTED_HISTORY, Collection
from trainer.demo.__main__ import DEMO_FOLDER
from trainer.html_page import PAGE, render, write
from trainer.loss_comparison.report.writer import DATA_NAME
from trainer.loss_comparison.report.writer import FILES as COMPARISON_FILES
from trainer.plots.style import PICTURE, png_figure
from trainer.simulation.parquet_writer import SIMULATED_HISTORY
from trainer.simulation.parquet_writer import claim as mark_history
from trainer.simulator import catalogue


def fill_bundle(folder: Path, text: str = "new") -> None:
    """Fill a folder with what has the form of a bundle."""
    for name in FILES:
        (folder / name).write_text(f"{text} {name}")
    (folder / SUMS).write_text(sums_of(folder))


def write_own_bundle(path: Path) -> None:
    with replaced_folder(path, BUNDLE) as draft:
        fill_bundle(draft)


def write_demo(path: Path) -> None:
    path.mkdir()
    (path / "config.yaml").write_text("bundle: bundle\n")
    write_own_bundle(path / "bundle")


def write_collection(path: Path) -> None:
    Collection(path, "minutes", catalogue()).close()


def write_picture(path: Path) -> None:
    with png_figure(path, 100):
        pass


def write_zip(path: Path) -> None:
    manifest = msgspec.json.encode(PackManifest(format=1, catalogue="c", labels=0, sha256="0"))
    with whole_file(path) as file, zipfile.ZipFile(file, "w") as archive:
        archive.writestr(MANIFEST, manifest)
        archive.writestr(LABELS, b"")


def write_json(*keys: str) -> Callable[[Path], None]:
    return lambda path: path.write_text(json.dumps(dict.fromkeys(keys, 0)) + "\n") and None


class Writer(NamedTuple):
    """Kind of output, with a function that writes one at a path."""

    kind: OutputKind
    write: Callable[[Path], object]


FOLDERS = {
    "train, adapt": Writer(BUNDLE, write_own_bundle),
    "train: OUT.training": Writer(UNFINISHED_TRAINING, lambda path: acquire(path, {"seed": 1})),
    "simulate": Writer(SIMULATED_HISTORY, lambda path: mark_history(path, "a run")),
    "collect": Writer(COLLECTED_HISTORY, write_collection),
    "demo": Writer(DEMO_FOLDER, write_demo),
}

SHARED_FOLDER = {"evaluate, compare, look, tensorboard": Writer(ANY_FOLDER, Path.mkdir)}

FILES_WRITTEN = {
    "replay --alarms": Writer(NOTIFICATIONS, write_json("alarmId", "notificationType")),
    "replay --report": Writer(REPORT, write_json("cell_days", "false_alarms_per_1000_cell_days", "classes")),
    "pack export": Writer(PACK_FILE, write_zip),
    "shadow report --textfile": Writer(SHADOW_TEXTFILE, lambda path: write_shadow(path, {"a": {"both": 1}})),
    "evaluate.html, compare.html": Writer(PAGE, lambda path: write(path, render("page", []))),
    "evaluate.json": Writer(FIGURES, write_json("cases", "seed")),
    "compare.json": Writer(COMPARISON_FILES[DATA_NAME], write_json("facts", "rows", "gaps", "crowd_of")),
    "look": Writer(PICTURE, write_picture),
}

ALL = FOLDERS | SHARED_FOLDER | FILES_WRITTEN
