"""`faultline-trainer adapt`: an encoder made at home in another network, without a label and without training."""

import argparse
from pathlib import Path

from trainer.commands.arguments import positive

HELP = "a bundle for another network of the same features, or of any with a `shared` encoder"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--bundle", type=Path, required=True, help="whose encoder is taken over")
    parser.add_argument("--history", type=Path, required=True, help="the network to be watched")
    parser.add_argument("--out", type=Path, required=True, help="the new bundle's directory")
    parser.add_argument("--days", type=positive, default=7, help="of history (default: %(default)s)")
    parser.add_argument(
        "--stretches",
        type=positive,
        default=4800,
        help="of two hours and a half, for the calibration (default: %(default)s, 400 cell-days)",
    )
    parser.add_argument("--seed", type=int, default=0)


def run(arguments: argparse.Namespace) -> int:
    from detector.bundle.format import read_bundle
    from detector.native_stderr import silence_native_stderr
    from trainer.calibration.budget_interval import print_budget_interval
    from trainer.console import console, timed_step
    from trainer.data.baselines import fit_baseline
    from trainer.data.history import HistoryError, ParquetHistory
    from trainer.pretrained.tokens import fit_tokens

    old = read_bundle(arguments.bundle)
    history = ParquetHistory(arguments.history)
    spec, weights = old.manifest.spec, old.weights
    if spec.kind == "shared":
        spec, weights = fit_tokens(weights, len(history.catalogue))
    elif history.catalogue.digest != old.catalogue.digest:
        raise HistoryError(
            f"{arguments.history}/catalogue.yaml: has other features than {arguments.bundle};"
            " train a bundle for this network with `faultline-trainer train`."
        )
    with timed_step(f"baselines of {len(history.cells)} cells"):
        usual = fit_baseline(history, arguments.days, history.rows_at_once)
    with silence_native_stderr():
        from detector.core.encoder import device
        from trainer.calibration.bundle_builder import BundleParts, build_bundle

        device()
    with timed_step("what normal is"):
        facts = {**old.manifest.trained_on, "encoder_of": old.digest, "history": str(arguments.history)}
        figures = old.manifest.figures
        parts = BundleParts(
            history=history,
            baseline=usual,
            spec=spec,
            weights=weights,
            trained_on=facts,
            figures=figures,
            stretches=arguments.stretches,
            seed=arguments.seed,
            loss=old.manifest.loss,
        )
        bundle = build_bundle(parts, arguments.out)
    console.print(f"{arguments.out}: {len(bundle.catalogue)} features, {len(usual.cells)} cells")
    print_budget_interval(arguments.stretches, len(history.cells), history.span[1] - history.span[0])
    return 0
