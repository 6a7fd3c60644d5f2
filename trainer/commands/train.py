"""`faultline-trainer train`: a bundle from a simulated network: baselines, procedural classes, encoder, calibration.

It may be killed: the same command goes on from what lies in OUT.training, and ends with the same bundle.
A network of any other catalogue learns from synthetic faults in its own normal life, or takes what is shipped.
"""

import argparse
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from detector.core.networks.registry import NETWORKS, spec_of
from trainer.arguments import minutes, option, positive
from trainer.losses.registry import LOSSES
from trainer.progress import console, learning, step

if TYPE_CHECKING:
    from detector.bundle.format import Bundle
    from detector.core.features import Baseline
    from trainer.data.history import History, ParquetHistory, SimulatedHistory
    from trainer.data.labelled_episodes import Lessons
    from trainer.data.simulated_faults import Simulated
    from trainer.training.loop import Moment, Schedule

FAULTS = ("procedural", "synthetic")
"""Simulated, or shapes injected into normal windows of whatever catalogue."""

HELP = "train an encoder on procedural faults and write a bundle"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, required=True, help="the bundle's directory")
    parser.add_argument("--history", type=Path, help="the network to be watched (default: a simulated one)")
    parser.add_argument("--cells", type=positive, default=300, help="of the simulated network (default: %(default)s)")
    parser.add_argument(
        "--days", type=positive, default=7, help="of history a baseline is fitted to (default: %(default)s)"
    )
    parser.add_argument("--episodes", type=Path, help="an episodes.csv of --history: its classes are learned, too")
    parser.add_argument("--classes", type=positive, default=4000, help="to be made up (default: %(default)s)")
    parser.add_argument("--each", type=positive, default=4, help="windows of each such class (default: %(default)s)")
    parser.add_argument("--steps", type=positive, default=5000, help="of the optimiser (default: %(default)s)")
    parser.add_argument(
        "--strict",
        action="store_true",
        help="never move what the held-out classes are known by: to measure, not to use",
    )
    parser.add_argument("--encoder", choices=NETWORKS, help="its kind (default: tree; for another catalogue shared)")
    parser.add_argument("--faults", choices=FAULTS, help="to learn from (default: procedural, if the catalogue is its)")
    parser.add_argument("--loss", choices=LOSSES, default="supervised_contrastive", help="default: %(default)s")
    parser.add_argument(
        "--loss-option", type=option, action="append", default=[], metavar="NAME=VALUE", help="of that loss: margin=0.3"
    )
    parser.add_argument("--devices", type=positive, default=1, help="GPUs that share each step (default: %(default)s)")
    parser.add_argument(
        "--checkpoint-minutes", type=minutes, default=2, help="lost at most where it is killed (default: %(default)s)"
    )
    parser.add_argument("--tensorboard", type=Path, metavar="DIR", help="for event files with the training's curves")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=positive, default=2, help="processes that simulate (default: %(default)s)")


def run(arguments: argparse.Namespace) -> int:
    from trainer.data.history import START_MINUTE, ParquetHistory, SimulatedHistory
    from trainer.losses.registry import choose
    from trainer.simulator import Network

    choose(arguments.loss, dict(arguments.loss_option))  # minutes before it is needed, as all that can be refused
    span = (START_MINUTE, START_MINUTE + int(arguments.days * 1440))
    school = SimulatedHistory(Network(arguments.cells, seed=1000 + arguments.seed), span)
    given = ParquetHistory(arguments.history) if arguments.history else None
    known = given is None or given.catalogue.digest == school.catalogue.digest
    if _faults(arguments, known) == "synthetic":
        return _run_synthetic(arguments, school, given)
    return _run_procedural(arguments, school, given)


def _run_procedural(arguments: argparse.Namespace, school: "SimulatedHistory", given: "ParquetHistory | None") -> int:
    from trainer.data.cache import claim
    from trainer.data.simulated_faults import Course, simulate

    course = Course(*(getattr(arguments, name) for name in ("classes", "each", "days", "seed", "workers", "strict")))
    own = _usual(arguments, given) if given else None
    lessons = _lessons(arguments, given or school, own) if arguments.episodes else None
    folder = arguments.out.with_name(f"{arguments.out.name}.training")
    if claim(folder, {**_origin(arguments, "procedural"), **course.origin}):
        console.print(f"{folder}: an unfinished training is taken up")
    usual = _usual(arguments, school)
    simulated = simulate(course, school, usual, folder)
    bundle = _learn(arguments, simulated, lessons, given or school, own or usual, folder)
    shutil.rmtree(folder)
    _tell(arguments, bundle, given or school)
    return 0


def _learn(
    arguments: argparse.Namespace,
    simulated: "Simulated",
    lessons: "Lessons | None",
    history: "History",
    usual: "Baseline",
    folder: Path,
) -> "Bundle":
    """The encoder, its figures, and the bundle around it."""
    from detector.core.encoder import Encoder, device
    from detector.native_stderr import quiet
    from trainer.calibration.bundle_builder import STRETCHES, assemble
    from trainer.data.labelled_episodes import add_lessons
    from trainer.data.simulated_faults import named
    from trainer.metrics.one_shot import SEEN, one_shot_accuracy
    from trainer.training.loop import Watch, train_encoder

    with quiet():
        device()
    examples, names = simulated.examples, named()
    if lessons is not None:
        examples, names = add_lessons(examples, lessons, names)
    spec = spec_of(arguments.encoder or "tree", len(history.catalogue))
    with _told(arguments) as tell:
        watching = Watch(tell, simulated.watched, folder, arguments.checkpoint_minutes)
        weights = train_encoder(spec, examples, len(names), history.catalogue, _schedule(arguments), watching)
    encoder, rng = Encoder(spec, weights), np.random.default_rng([arguments.seed, 3])
    figures = {
        "one_shot_accuracy_unseen_procedural": one_shot_accuracy(encoder, simulated.exam, rng),
        "one_shot_accuracy_unseen_procedural_effect_2": one_shot_accuracy(encoder, simulated.exam, rng, SEEN),
    }
    facts = _facts(arguments, arguments.classes + len(names), len(examples.windows))
    with step("what normal is"):
        return assemble(
            history, usual, spec, weights, facts, figures, STRETCHES, arguments.seed, arguments.out, arguments.loss
        )


def _facts(arguments: argparse.Namespace, classes: int, windows: int) -> dict[str, str | int | float]:
    """What the bundle says of its training."""
    return {
        "classes": classes,
        "windows": windows,
        "steps": arguments.steps,
        "seed": arguments.seed,
        "strict": int(arguments.strict),
        "history": str(arguments.history or "simulated"),
    }


def _origin(arguments: argparse.Namespace, faults: str) -> dict[str, str | int | float]:
    """What the simulated examples follow from; all else is the checkpoint's to compare."""
    import detector

    asked = {name: getattr(arguments, name) for name in ("cells", "days", "classes", "each", "seed", "strict")}
    return {**asked, "faults": faults, "version": detector.__version__}


def _lessons(arguments: argparse.Namespace, home: "History", usual: "Baseline | None") -> "Lessons":
    from detector.backtest.matching import read_episodes
    from detector.history.parquet import HistoryError
    from trainer.data.labelled_episodes import cut_lessons

    if usual is None:
        raise HistoryError(f"--episodes {arguments.episodes} befell no simulated network; give its --history, too.")
    with step(f"lessons from {arguments.episodes}"):
        lessons = cut_lessons(home, usual, read_episodes(arguments.episodes), str(arguments.episodes))
    console.print(f"  {len(lessons.examples.label)} windows of {len(lessons.names)} classes: {' '.join(lessons.names)}")
    for told in lessons.skipped:
        console.print(f"  skipped: {told}")
    return lessons


@contextmanager
def _told(arguments: argparse.Namespace) -> "Iterator[Callable[[Moment], None]]":
    """Whoever is to hear of the training's steps: the bar, and TensorBoard's files if asked for."""
    from trainer.training.tensorboard import Curves

    curves = Curves(arguments.tensorboard) if arguments.tensorboard else None
    with learning(f"encoder, {arguments.steps} steps", arguments.steps) as bar:

        def tell(moment: "Moment") -> None:
            bar(moment)
            if curves is not None:
                curves.tell(moment)

        yield tell
    if curves is not None:
        curves.close()


def _faults(arguments: argparse.Namespace, known: bool) -> str:
    """What there is to learn from. Raises HistoryError where it is not what was asked for."""
    from detector.history.parquet import HistoryError

    learned = arguments.faults or ("procedural" if known and arguments.encoder != "shared" else "synthetic")
    if learned == "synthetic" and arguments.episodes:
        raise HistoryError(
            f"--episodes {arguments.episodes}: is learned beside simulated faults alone, and here none are; leave it"
            " away, and teach its classes as labels."
        )
    if learned == "synthetic":
        return "synthetic"
    if not known:
        raise HistoryError(
            f"{arguments.history}/catalogue.yaml: has other features than the simulated network, so no fault in it can"
            " be simulated; leave --faults away, or say --faults synthetic."
        )
    if arguments.encoder == "shared":
        raise HistoryError("--encoder shared: learns from no faults, it is shipped; leave --faults away.")
    return "procedural"


def _run_synthetic(arguments: argparse.Namespace, school: "SimulatedHistory", given: "ParquetHistory | None") -> int:
    from detector.core.encoder import device
    from detector.native_stderr import quiet
    from trainer.data.cache import claim
    from trainer.training.loop import Watch
    from trainer.unlabelled import Plan, make_unlabelled, refuse_short

    home: History = given or school
    refuse_short(home)
    with quiet():
        device()
    usual = _usual(arguments, given or school)
    folder = arguments.out.with_name(f"{arguments.out.name}.training")
    asked = Plan(arguments.encoder or "shared", arguments.classes, arguments.each, _schedule(arguments))
    if asked.kind == "shared":
        with step(f"the shipped encoder for {len(home.catalogue)} features, and what normal is"):
            bundle = make_unlabelled(home, usual, asked, arguments.out)
    else:
        if claim(folder, _origin(arguments, "synthetic")):
            console.print(f"{folder}: an unfinished training is taken up")
        with _told(arguments) as tell:
            watching = Watch(tell, folder=folder, minutes=arguments.checkpoint_minutes)
            bundle = make_unlabelled(home, usual, replace(asked, watch=watching), arguments.out)
        shutil.rmtree(folder)
    _tell(arguments, bundle, home)
    return 0


def _usual(arguments: argparse.Namespace, history: "SimulatedHistory | ParquetHistory") -> "Baseline":
    from trainer.data.baselines import fit_baseline
    from trainer.data.history import ParquetHistory

    if isinstance(history, ParquetHistory):
        with step(f"baselines of {len(history.cells)} cells"):
            return fit_baseline(history, arguments.days, history.rows_at_once)
    with step(f"baselines of {len(history.cells)} simulated cells"):
        return fit_baseline(history, arguments.days)


def _schedule(arguments: argparse.Namespace) -> "Schedule":
    from trainer.training.loop import Schedule

    return Schedule(
        steps=arguments.steps,
        seed=arguments.seed,
        loss=arguments.loss,
        loss_options=dict(arguments.loss_option),
        devices=arguments.devices,
    )


def _tell(arguments: argparse.Namespace, bundle: "Bundle", history: "History") -> None:
    from trainer.calibration.budget_interval import tell_promise

    for name, value in bundle.manifest.figures.items():
        console.print(f"  {name:<50} {value:.3f}  (chance {1 / 6:.3f})")
    console.print(f"{arguments.out}: {len(bundle.catalogue)} features, {len(bundle.baseline.cells)} cells")
    tell_promise(len(bundle.normal.ends), len(history.cells), history.span[1] - history.span[0])
