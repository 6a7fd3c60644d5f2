"""A run that is killed at any moment, or whose disk is full then, leaves the former output whole or the new one.

    FAULTLINE_KILLS=50 FAULTLINE_KILLS_SEED=1 python -m pytest -s -m "" tests/output/test_kills.py

strikes so many times, spread over the verbs; the seed plays it again.
"""

import os
import random
import shutil
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.parquet
import pytest

from detector.bundle.recognition import BUNDLE
from detector.labels.packs import read_pack
from detector.output.claim import claimed
from detector.output.drafts import is_draft
from detector.output.kinds import OutputKind
from tests.output.kills import BLOWS, INTERRUPTED, KILLED, REFUSED, SEED, TERMINATED, Blow, Victim, strike
from tests.output.kinds import PACK_FILE
from tests.output.surroundings import mounted
from tests.service.network import label, told
from trainer.data.parquet_sink import COLLECTED_HISTORY
from trainer.pretrained.shipped import SHIPPED
from trainer.simulation.parquet_writer import SIMULATED_HISTORY

SCENARIO = """
about: Six cells for three days.
network: {cells: 6, seed: 3}
days: 3
"""

VERBS = ("simulate", "train", "adapt", "collect", "pack")

STRIKES = int(os.environ.get("FAULTLINE_KILLS", "0"))

QUICK_STRIKES = {"simulate": 4, "train": 2, "adapt": 2, "collect": 2, "pack": 2}

DISK = "size=96m"
"""Of a run: large enough for every output here, and filled in a moment."""


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """Let the processes that are struck obey SIGINT, which a shell's background jobs ignore."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "six.yaml"
    path.write_text(SCENARIO)
    return path


@pytest.fixture
def history(scenario: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "history"
    simulating(scenario, folder).run(folder)
    return folder


@pytest.fixture
def disk() -> Iterator[Path]:
    with mounted(DISK) as folder:
        yield folder


def is_bundle(path: Path) -> bool:
    return not BUNDLE.foreign_content(path)


def no_names(_: Path) -> set[str]:
    return set()


def simulating(scenario: Path, reference: Path) -> Victim:
    """A history is whole if each of its files is one of an undisturbed run, byte by byte; the next run goes on."""

    def is_whole(path: Path) -> bool:
        files = [file for file in path.rglob("*") if file.is_file()]
        return all(file.read_bytes() == (reference / file.relative_to(path)).read_bytes() for file in files)

    words = ["simulate", str(scenario), "--out", "OUT", "--workers", "2", "--labels"]
    return Victim("trainer", words, is_whole, no_names)


def training(history: Path) -> Victim:
    words = ["train", "--out", "OUT", "--history", str(history), "--days", "1", "--faults", "synthetic"]
    words += ["--encoder", "tree", "--classes", "40", "--each", "4", "--steps", "12", "--checkpoint-minutes", "0"]
    return Victim("trainer", words, is_bundle, lambda out: {f"{out.name}.training"})


def adapting(history: Path) -> Victim:
    words = ["adapt", "--bundle", str(SHIPPED), "--history", str(history), "--out", "OUT", "--stretches", "40"]
    return Victim("trainer", [*words, "--days", "1"], is_bundle, no_names)


def collecting(config: Path) -> Victim:
    def is_whole(path: Path) -> bool:
        for file in path.rglob("*.parquet"):
            pyarrow.parquet.read_table(file)
        return not [file for file in path.rglob("*") if is_draft(file.name)]

    words = ["collect", "--config", str(config), "--out", "OUT", "--until", "now", "--file-records", "400"]
    return Victim("trainer", words, is_whole, no_names)


def exporting(config: Path) -> Victim:
    words = ["pack", "export", "--config", str(config), "OUT"]
    return Victim("detector", words, lambda path: bool(read_pack(path)), no_names)


def is_documented(blow: Blow) -> bool:
    """Return whether a run ended as it should after such a blow, or was over before it."""
    codes = {"SIGKILL": (KILLED,), "SIGTERM": TERMINATED, "SIGINT": (INTERRUPTED, -2), "full disk": (REFUSED,)}
    return blow.code == 0 or blow.code in codes[blow.name]


def strike_often(verb: str, victim: Victim, kind: OutputKind, disk: Path, record: Callable[[str], None]) -> None:
    """Strike a verb as often as it is its turn, first with nothing at its output, then with a former one."""
    rng = random.Random(f"{SEED} {verb}")
    reference = disk / "reference" / "out"
    reference.parent.mkdir()
    seconds = victim.run(reference)
    for number in range(STRIKES // len(VERBS) or QUICK_STRIKES[verb]):
        folder = disk / "struck"
        folder.mkdir()
        out = folder / "out"
        has_former = number % 2 == 1 and verb not in ("simulate", "collect")
        if has_former:
            shutil.copytree(reference, out) if reference.is_dir() else shutil.copyfile(reference, out)
        blow = strike(victim, out, BLOWS[number % len(BLOWS)], seconds, rng)
        (disk / "ballast").unlink(missing_ok=True)
        record(f"{verb} {number}: {blow.name} after {blow.seconds:.2f} of {seconds:.2f} s, rc {blow.code}, {blow.left}")
        assert is_documented(blow), blow
        assert "Traceback" not in blow.errors or blow.name in ("SIGKILL", "SIGINT"), blow  # of a half-started worker
        assert out.exists() or not has_former, blow
        assert not out.exists() or victim.is_whole(out), blow
        assert all(is_draft(name) for name in blow.left), blow
        assert not blow.left or blow.name == "SIGKILL", blow
        with claimed(out, kind):
            assert {path.name for path in folder.iterdir()} <= {"out"} | victim.allowed(out)
        shutil.rmtree(folder)


@pytest.fixture
def record() -> Iterator[Callable[[str], None]]:
    """Print what was done to a run, and the seed, which plays it again."""
    lines: list[str] = []
    yield lines.append
    print(f"\nseed {SEED}", *lines, sep="\n")
    print(Counter(line.partition("rc ")[2] for line in lines))


LIMIT = pytest.mark.timeout(7200)


@pytest.mark.slow
@LIMIT
def test_simulate_leaves_only_whole_files(
    scenario: Path, history: Path, disk: Path, record: Callable[[str], None]
) -> None:
    strike_often("simulate", simulating(scenario, history), SIMULATED_HISTORY, disk, record)


@pytest.mark.slow
@LIMIT
def test_train_leaves_the_former_bundle_or_the_new_one(
    history: Path, disk: Path, record: Callable[[str], None]
) -> None:
    strike_often("train", training(history), BUNDLE, disk, record)


@pytest.mark.slow
@LIMIT
def test_adapt_leaves_the_former_bundle_or_the_new_one(
    history: Path, disk: Path, record: Callable[[str], None]
) -> None:
    strike_often("adapt", adapting(history), BUNDLE, disk, record)


@pytest.mark.broker
@LIMIT
def test_collect_leaves_only_whole_files(stage, disk: Path, record: Callable[[str], None]) -> None:
    stage.tell(told(0, 400))
    strike_often("collect", collecting(stage.config()), COLLECTED_HISTORY, disk, record)


@pytest.mark.broker
@LIMIT
def test_pack_leaves_the_former_pack_or_the_new_one(stage, disk: Path, record: Callable[[str], None]) -> None:
    for number in range(40):
        stage.teach(label(f"class_{number}", "drops"))
    strike_often("pack", exporting(stage.config()), PACK_FILE, disk, record)
