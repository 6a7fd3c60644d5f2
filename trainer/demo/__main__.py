"""Demo: teach a fault once, and watch the daemon name it in other cells, with an embedded broker and simulated cells.

Example:

    python -m trainer.demo
"""

import argparse
import shutil
import socket
import sys
import time
from pathlib import Path

import numpy as np

from detector.bundle.format import read_bundle
from detector.bundle.recognition import BUNDLE
from detector.config.schema import Config
from detector.core.encoder import device
from detector.errors import OperatorError
from detector.kafka.producer import RecordProducer
from detector.labels.label import write_label
from detector.native_stderr import silence_native_stderr
from detector.output.claim import claimed
from detector.output.kinds import OutputKind
from detector.terminal import Styled, print_line, print_notice
from trainer.calibration.bundle_builder import STRETCHES, BundleParts, build_bundle
from trainer.console import timed_step
from trainer.data.baselines import fit_baseline
from trainer.demo.broker import EmbeddedBroker
from trainer.demo.harness import TOPICS, Daemon, daemon, write_configuration
from trainer.demo.labelling import label_episode
from trainer.demo.reporter import Reporter
from trainer.demo.story import CROWD, DEMO_PERIODS, SEED, TAUGHT, Story, build_story
from trainer.pretrained.shipped import SHIPPED
from trainer.simulation.record_encoder import minute_records

METRICS_SHOWN = (
    "faultline_records_total",
    "faultline_windows_scored_total",
    "faultline_verdicts_total",
    "faultline_alarms_total",
    "faultline_cells_tracked",
    "faultline_transactions_total",
)
"""Metrics that are printed at the end."""

LEAD_SAMPLES = 10
"""Samples of every cell that the feed may be ahead of the daemon: the embedded broker drops what exceeds 5 MiB a
partition."""


FILES = {"bundle", "config.yaml"}
"""Names in the demo's folder; a folder with another name in it is not removed."""


def foreign_content(folder: Path) -> str:
    """Return what in a folder no demo has written; empty for nothing."""
    foreign = sorted(entry.name for entry in folder.iterdir() if entry.name not in FILES)
    return f"holds {foreign[0]}, which no demo writes" if foreign else foreign_bundle(folder / "bundle")


def foreign_bundle(path: Path) -> str:
    """Return why the demo's bundle is something else; empty if it is a bundle, or absent."""
    if not path.exists():
        return ""
    reason = BUNDLE.foreign_content(path) if path.is_dir() else "is not a folder"
    return f"its bundle {reason}" if reason else ""


DEMO_FOLDER = OutputKind(noun="a demo", form="replaced folder", foreign_content=foreign_content)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m trainer.demo", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--bundle", type=Path, default=SHIPPED, help="bundle whose encoder is used (default: the shipped one)"
    )
    parser.add_argument(
        "--folder", type=Path, default=Path("build/demo"), help="folder for the demo's files (default: %(default)s)"
    )
    parser.add_argument(
        "--period", type=int, choices=DEMO_PERIODS, default=1, help="minutes of a record (default: %(default)s)"
    )
    arguments = parser.parse_args()
    begin = time.monotonic()
    try:
        with claimed(arguments.folder, DEMO_FOLDER, inputs=[arguments.bundle]):
            came_true = run_demo(arguments.bundle, arguments.folder, arguments.period)
    except OperatorError as error:
        print_notice(f"demo: {error}")
        return 2
    end = "The story came true" if came_true else Styled("The story did not come true", "bold red")
    print_line(end, f" in {time.monotonic() - begin:.0f} s.")
    return 0 if came_true else 1


def run_demo(encoder: Path, folder: Path, period_minutes: int = 1) -> bool:
    """Play the story from beginning to end; return whether every promise came true. Raises OperatorError."""
    story = build_story(period_minutes)
    print_line(f"A town of {story.network.cells} radio cells, simulated (seed {SEED}), and an embedded broker.")
    if period_minutes > 1:
        print_line(f"Each cell reports every {period_minutes} minutes.")
    print_line()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    make_bundle(story, encoder, folder / "bundle")
    with EmbeddedBroker(TOPICS) as broker:
        port = _free_port()
        config = write_configuration(folder, broker.bootstrap, port)
        with daemon(folder / "config.yaml", port) as running:
            with timed_step("start of the daemon, a process of its own"):
                running.wait_until_ready()
            print_line(f"  metrics on {running.url}/metrics")
            print_line()
            producer = RecordProducer(config.kafka)
            teach(story, config, producer, running)
            reporter = Reporter(story, config.kafka)
            play_evening(story, config, producer, running, reporter)
            promises = reporter.check_promises()
            reporter.close()
            print_metrics(running)
            promises.append((running.stop() == 0, "the daemon stopped at SIGTERM with exit code 0"))
    print_line()
    for came_true, promise in promises:
        print_line("  ", Styled("yes", "green") if came_true else Styled("NO ", "bold red"), f"  {promise}")
    print_line()
    return all(came_true for came_true, _ in promises)


def make_bundle(story: Story, encoder: Path, target: Path) -> None:
    """Fit baselines, normal profile and calibration to a week without a label, for an encoder that exists."""
    with timed_step("a week without labels: baselines of every cell"):
        baseline = fit_baseline(story.past)
    with timed_step("a week without labels: normal profile and calibration"):
        trained = read_bundle(encoder)
        with silence_native_stderr():
            device()
        build_bundle(
            BundleParts(
                history=story.past,
                baseline=baseline,
                spec=trained.manifest.spec,
                weights=trained.weights,
                trained_on={"history": "the demo's week", "seed": SEED},
                figures={},
                stretches=STRETCHES,
                seed=SEED,
            ),
            target,
        )


def teach(story: Story, config: Config, producer: RecordProducer, running: Daemon) -> None:
    """Publish one example of a fault and one of a harmless situation, and wait until the daemon has both."""
    baseline = read_bundle(Path(config.bundle)).baseline
    now = int(time.time() * 1000)
    for episode, kind in ((story.example, "fault"), (story.last_match, "ignore")):
        cell = story.network.names[episode.cell]
        label = label_episode(
            story.past,
            baseline,
            name=episode.fault.name,
            kind=kind,
            cell=cell,
            begin=episode.begin,
            end=episode.end,
        )
        producer.publish(config.kafka.topics.labels, [(label.id.encode(), write_label(label), now)])
        print_line("  taught once: ", Styled(label.name, "bold"), f" ({kind}), last Thursday in cell {cell}")
    deadline = time.monotonic() + 10
    while sum(value for name, value in running.metrics().items() if name.startswith("faultline_exemplars{")) < 2:
        if time.monotonic() > deadline:
            raise RuntimeError("the daemon did not read both labels within 10 s")
        time.sleep(0.1)
    print_line()


def play_evening(story: Story, config: Config, producer: RecordProducer, running: Daemon, reporter: Reporter) -> None:
    """Send the evening sample by sample, as fast as the daemon follows."""
    print_line(f"Monday evening, from 16:00: {TAUGHT} begins in three other cells, a fault never")
    print_line(f"taught in a fourth, and a match fills a stadium ({CROWD}).")
    cells = np.arange(story.network.cells)
    names, features = story.network.names, story.evening.catalogue.names
    sent = 0
    for minute in range(*story.evening.span, story.evening.period_minutes):
        values = story.evening.read(cells, np.full(len(cells), minute))
        producer.publish(config.kafka.topics.minutes, minute_records(names, minute, values, features))
        sent += len(cells)
        wait_for(running, reporter, sent - LEAD_SAMPLES * len(cells))
    wait_for(running, reporter, sent)
    reporter.listen(0.5)
    print_line()


def wait_for(running: Daemon, reporter: Reporter, records: int) -> None:
    """Print alarms until the daemon has consumed so many records."""
    deadline = time.monotonic() + 30
    while consumed(running) < records:
        reporter.listen(0.02)
        if time.monotonic() > deadline:
            raise RuntimeError(f"the daemon consumed {consumed(running):.0f} of {records} records within 30 s")
    reporter.listen()


def consumed(running: Daemon) -> float:
    return sum(value for name, value in running.metrics().items() if name.startswith("faultline_records_total"))


def print_metrics(running: Daemon) -> None:
    print_line(f"Scraped from {running.url}/metrics:")
    for name, value in running.metrics().items():
        if name.startswith(METRICS_SHOWN) and value:
            print_line(f"  {name} {value:g}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
