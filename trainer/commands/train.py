"""`faultline-trainer train`: a bundle from a simulated network: baselines, procedural classes, encoder, calibration.

A network of any other catalogue learns from synthetic faults in its own normal life, or takes what is shipped.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from detector.core.networks.kinds import NETWORKS, spec_of
from trainer.arguments import positive
from trainer.losses import LOSSES
from trainer.progress import console, step

if TYPE_CHECKING:
    from trainer.history import History

ABROAD, ABROAD_CELLS = 6, 60
"""Operators drawn at random, and cells of each: one window of every class is learned in each of their networks."""

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
    parser.add_argument("--classes", type=positive, default=6000, help="procedural classes (default: %(default)s)")
    parser.add_argument("--each", type=positive, default=6, help="windows per procedural class (default: %(default)s)")
    parser.add_argument("--steps", type=positive, default=8000, help="of the optimiser (default: %(default)s)")
    parser.add_argument("--encoder", choices=NETWORKS, help="its kind (default: tree; for another catalogue shared)")
    parser.add_argument("--faults", choices=FAULTS, help="to learn from (default: procedural, if the catalogue is its)")
    parser.add_argument("--loss", choices=LOSSES, default="supervised_contrastive", help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=positive, default=2, help="processes that simulate (default: %(default)s)")


def run(arguments: argparse.Namespace) -> int:
    from trainer.baselines import fit_baseline
    from trainer.history import START_MINUTE, History, ParquetHistory, SimulatedHistory
    from trainer.simulator import FAULTS as CLASSES
    from trainer.simulator import Network, random_operator
    from trainer.windows import joined, simulate_examples, unsmoothed

    span = (START_MINUTE, START_MINUTE + int(arguments.days * 1440))
    school = SimulatedHistory(Network(arguments.cells, seed=1000 + arguments.seed), span)
    abroad = [
        SimulatedHistory(Network(ABROAD_CELLS, 2000 + seed, unsmoothed(random_operator(seed))), span, whole=True)
        for seed in range(ABROAD * arguments.seed, ABROAD * (arguments.seed + 1))
    ]
    home: History = ParquetHistory(arguments.history) if arguments.history else school  # minutes before it is needed
    if _faults(arguments, home.catalogue.digest == school.catalogue.digest) == "synthetic":
        return _run_unlabelled(arguments, home)
    with step(f"baselines of {arguments.cells} simulated cells"):
        usual = fit_baseline(school, arguments.days)
    named = [name for name, fault in CLASSES.items() if not fault.held_out]
    procedural = range(arguments.seed * 1_000_000, arguments.seed * 1_000_000 + arguments.classes)
    unseen = range(procedural.stop, procedural.stop + 120)
    with step(f"baselines of {ABROAD} other operators, {ABROAD_CELLS} cells each"):
        foreign = [fit_baseline(history, arguments.days) for history in abroad]
    with step(f"{len(procedural) + len(named)} fault classes, {arguments.each} + {ABROAD} windows each"):
        classes = [*named, *procedural]
        here = simulate_examples(school, usual, classes, arguments.each, arguments.seed, arguments.workers)
        there = [
            simulate_examples(history, baseline, classes, 1, arguments.seed + 2 + place, arguments.workers)
            for place, (history, baseline) in enumerate(zip(abroad, foreign, strict=True))
        ]
        examples = joined([here, *there])
        exam = simulate_examples(school, usual, list(unseen), 12, arguments.seed + 1, arguments.workers)

    from detector.core.encoder import Encoder, device
    from detector.quiet import quiet
    from trainer.bundles import STRETCHES, assemble
    from trainer.evaluation import SEEN, one_shot_accuracy
    from trainer.training import Schedule, train_encoder

    with quiet():
        device()
    spec = spec_of(arguments.encoder or "tree", len(school.catalogue))
    schedule = Schedule(steps=arguments.steps, seed=arguments.seed, loss=arguments.loss)
    with step(f"encoder, {arguments.steps} steps"):
        weights = train_encoder(spec, examples, len(named), school.catalogue, schedule)
    encoder = Encoder(spec, weights)
    rng = np.random.default_rng([arguments.seed, 3])
    figures = {
        "one_shot_accuracy_unseen_procedural": one_shot_accuracy(encoder, exam, rng),
        "one_shot_accuracy_unseen_procedural_effect_2": one_shot_accuracy(encoder, exam, rng, SEEN),
    }
    if home is not school:
        with step(f"baselines of {len(home.cells)} cells"):
            usual = fit_baseline(home, arguments.days)
    with step("what normal is"):
        facts: dict[str, str | int | float] = {
            "classes": len(procedural) + len(named),
            "windows": len(examples.windows),
            "steps": arguments.steps,
            "seed": arguments.seed,
            "history": str(arguments.history or "simulated"),
        }
        bundle = assemble(
            home, usual, spec, weights, facts, figures, STRETCHES, arguments.seed, arguments.out, arguments.loss
        )
    for name, value in figures.items():
        console.print(f"  {name:<50} {value:.3f}  (chance {1 / 6:.3f})")
    console.print(f"{arguments.out}: {len(bundle.catalogue)} features, {len(usual.cells)} cells")
    return 0


def _faults(arguments: argparse.Namespace, known: bool) -> str:
    """What there is to learn from. Raises HistoryError where it is not what was asked for."""
    from detector.history import HistoryError

    if arguments.faults != "procedural":
        return arguments.faults or ("procedural" if known and arguments.encoder != "shared" else "synthetic")
    if not known:
        raise HistoryError(
            f"{arguments.history}/catalogue.yaml: has other features than the simulated network, so no fault in it can"
            " be simulated; leave --faults away, or say --faults synthetic."
        )
    if arguments.encoder == "shared":
        raise HistoryError("--encoder shared: learns from no faults, it is shipped; leave --faults away.")
    return "procedural"


def _run_unlabelled(arguments: argparse.Namespace, home: "History") -> int:
    from detector.core.encoder import device
    from detector.quiet import quiet
    from trainer.baselines import fit_baseline
    from trainer.training import Schedule
    from trainer.unlabelled import Plan, make_unlabelled, refuse_short

    refuse_short(home)
    with quiet():
        device()
    with step(f"baselines of {len(home.cells)} cells"):
        usual = fit_baseline(home, arguments.days)
    schedule = Schedule(steps=arguments.steps, seed=arguments.seed, loss=arguments.loss)
    plan = Plan(arguments.encoder or "shared", arguments.classes, arguments.each, schedule)
    with step(f"the encoder {plan.kind} for {len(home.catalogue)} features, and what normal is"):
        bundle = make_unlabelled(home, usual, plan, arguments.out)
    for name, value in bundle.manifest.figures.items():
        console.print(f"  {name:<50} {value:.3f}  (chance {1 / 6:.3f})")
    console.print(f"{arguments.out}: {len(bundle.catalogue)} features, {len(usual.cells)} cells")
    return 0
