"""`make demo`: the whole story in one terminal, with an embedded broker and a simulated town."""

import argparse
import shutil
import socket
import sys
import time
from pathlib import Path

import numpy as np

from detector.bundle.format import read_bundle
from detector.config.schema import Config
from detector.core.encoder import device
from detector.errors import OperatorError
from detector.kafka.producer import RecordProducer
from detector.labels.label import write_label
from detector.native_stderr import silence_native_stderr
from trainer.calibration.bundle_builder import STRETCHES, BundleParts, build_bundle
from trainer.console import console, timed_step
from trainer.data.baselines import fit_baseline
from trainer.demo.broker import EmbeddedBroker
from trainer.demo.harness import TOPICS, Daemon, daemon, write_configuration
from trainer.demo.labelling import label_episode
from trainer.demo.reporter import Reporter
from trainer.demo.story import CELLS, CROWD, EVENING, MINUTES, SEED, TAUGHT, Story, write_plot
from trainer.pretrained.shipped import SHIPPED
from trainer.simulation.record_encoder import minute_records

SHOWN = (
    "faultline_records_total",
    "faultline_windows_scored_total",
    "faultline_verdicts_total",
    "faultline_alarms_total",
    "faultline_cells_tracked",
    "faultline_transactions_total",
)
"""Of the metrics, what is printed in the end."""

LEAD_MINUTES = 10
"""How far the feed may run ahead of the daemon: the embedded broker forgets what is over 5 MiB a partition."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m trainer.demo", description=__doc__)
    parser.add_argument("--bundle", type=Path, default=SHIPPED, help="whose encoder is used")
    parser.add_argument("--folder", type=Path, default=Path("build/demo"), help="for the demo's own files")
    arguments = parser.parse_args()
    begin = time.monotonic()
    try:
        came_true = tell(arguments.bundle, arguments.folder)
    except OperatorError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2
    console.print(f"{'The story came true' if came_true else '[bold red]The story did not come true[/]'}", end=" ")
    console.print(f"in {time.monotonic() - begin:.0f} s.")
    return 0 if came_true else 1


def tell(encoder: Path, folder: Path) -> bool:
    """The story from beginning to end; False where a part of it did not come true."""
    console.print(f"A town of {CELLS} radio cells, simulated (seed {SEED}), and an embedded broker.\n")
    plot = write_plot()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    learn(plot, encoder, folder / "bundle")
    with EmbeddedBroker(TOPICS) as broker:
        port = _free_port()
        config = write_configuration(folder, broker.bootstrap, port)
        with daemon(folder / "config.yaml", port) as running:
            with timed_step("the daemon starts as a process of its own"):
                running.wait_until_ready()
            console.print(f"  metrics on {running.url}/metrics\n")
            publisher = RecordProducer(config.kafka)
            teach(plot, config, publisher, running)
            narrator = Reporter(plot, config.kafka)
            play(plot, config, publisher, running, narrator)
            verdict = narrator.verdict()
            narrator.close()
            show_metrics(running)
            verdict.append((running.stop() == 0, "the daemon ended at SIGTERM, with 0"))
    console.print()
    for kept, promise in verdict:
        console.print(f"  {'[green]yes[/]' if kept else '[bold red]NO [/]'}  {promise}")
    console.print()
    return all(kept for kept, _ in verdict)


def learn(plot: Story, encoder: Path, target: Path) -> None:
    """A week of normal, without a label: baselines, what normal looks like, and what a false alarm would cost."""
    with timed_step("a week of normal: baselines of every cell and feature"):
        baseline = fit_baseline(plot.past)
    with timed_step("a week of normal: what it looks like to the encoder"):
        trained = read_bundle(encoder)
        with silence_native_stderr():
            device()
        facts: dict[str, str | int | float] = {"history": "the demo's week", "seed": SEED}
        parts = BundleParts(
            history=plot.past,
            baseline=baseline,
            spec=trained.manifest.spec,
            weights=trained.weights,
            trained_on=facts,
            figures={},
            stretches=STRETCHES,
            seed=SEED,
        )
        build_bundle(parts, target)


def teach(plot: Story, config: Config, publisher: RecordProducer, running: Daemon) -> None:
    """One example of a fault, and one of what is none."""
    baseline = read_bundle(Path(config.bundle)).baseline
    now = int(time.time() * 1000)
    for episode, kind in ((plot.example, "fault"), (plot.last_match, "ignore")):
        cell = plot.network.names[episode.cell]
        label = label_episode(plot.past, baseline, episode.fault.name, kind, cell, episode.begin, episode.end)
        publisher.publish(config.kafka.topics.labels, [(label.id.encode(), write_label(label), now)])
        console.print(f"  shown once: [bold]{label.name}[/] ({kind}), last Thursday in cell {cell}")
    deadline = time.monotonic() + 10
    while sum(value for name, value in running.metrics().items() if name.startswith("faultline_exemplars{")) < 2:
        if time.monotonic() > deadline:
            raise RuntimeError("the daemon did not take up the labels within 10 s")
        time.sleep(0.1)
    console.print()


def play(plot: Story, config: Config, publisher: RecordProducer, running: Daemon, narrator: Reporter) -> None:
    """The evening, minute by minute, as fast as the daemon follows."""
    console.print(f"Monday evening, from 16:00: {TAUGHT} begins in three other cells, something else in a fourth,")
    console.print(f"and there is a match on ({CROWD}).")
    cells = np.arange(CELLS)
    names, features = plot.network.names, plot.evening.catalogue.names
    for minute in range(EVENING, EVENING + MINUTES):
        values = plot.evening.read(cells, np.full(CELLS, minute))
        publisher.publish(config.kafka.topics.minutes, minute_records(names, minute, values, features))
        sent = (minute - EVENING + 1) * CELLS
        wait_for(running, narrator, sent - LEAD_MINUTES * CELLS)
    wait_for(running, narrator, MINUTES * CELLS)
    narrator.listen(0.5)
    console.print()


def wait_for(running: Daemon, narrator: Reporter, records: int) -> None:
    """Until the daemon has taken so many records."""
    deadline = time.monotonic() + 30
    while taken(running) < records:
        narrator.listen(0.02)
        if time.monotonic() > deadline:
            raise RuntimeError(f"the daemon took {taken(running)} of {records} records and then none for 30 s")
    narrator.listen()


def taken(running: Daemon) -> float:
    return sum(value for name, value in running.metrics().items() if name.startswith("faultline_records_total"))


def show_metrics(running: Daemon) -> None:
    console.print(f"Scraped from {running.url}/metrics:")
    for name, value in running.metrics().items():
        if name.startswith(SHOWN) and value:
            console.print(f"  {name} {value:g}", markup=False)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
