"""Recipe: take an encoder to another network, without a label and without training.

Baselines, normal profile and calibration are fit_tokens to the history. The weights stay; a `shared` encoder also takes
another catalogue.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detector.bundle.format import Bundle, read_bundle
from detector.bundle.recognition import BUNDLE, expected_bytes
from detector.core.encoder import device
from detector.core.networks.spec import Spec
from detector.history.parquet import HistoryError
from detector.native_stderr import silence_native_stderr
from detector.output.claim import claimed
from detector.terminal import print_line
from trainer.calibration.budget_interval import print_budget_interval
from trainer.calibration.bundle_builder import BundleParts, build_bundle
from trainer.console import timed_step
from trainer.data.history import ParquetHistory
from trainer.data.history_checks import check_history
from trainer.pretrained.tokens import fit_tokens
from trainer.recipes.request import AdaptRequest
from trainer.recipes.steps import print_moved_link, timed_baseline


def adapt(request: AdaptRequest) -> None:
    """Write a bundle for the network of the history to `request.out`. Raises OperatorError."""
    inputs = (request.bundle, request.history)
    with claimed(request.out, BUNDLE, inputs=inputs, bytes_needed=expected_bytes(request.stretches)):
        _adapt(request)


def _adapt(request: AdaptRequest) -> None:
    source = read_bundle(request.bundle)
    history = ParquetHistory(request.history)
    check_history(history)
    spec, weights = _encoder(source, history, request)
    baseline = timed_baseline(history, request.days)
    with silence_native_stderr():
        device()
    with timed_step("normal profile and calibration"):
        bundle = build_bundle(
            BundleParts(
                history=history,
                baseline=baseline,
                spec=spec,
                weights=weights,
                trained_on={
                    **source.manifest.trained_on,
                    "encoder_of": source.digest,
                    "history": str(request.history),
                },
                figures=source.manifest.figures,
                stretches=request.stretches,
                seed=request.seed,
                loss=source.manifest.loss,
            ),
            request.out,
            request.signer,
        )
    _print_bundle(request.out, bundle, history)


def _encoder(
    source: Bundle, history: ParquetHistory, request: AdaptRequest
) -> tuple[Spec, dict[str, NDArray[np.float32]]]:
    """Return the encoder for the history's catalogue. Raises HistoryError for a catalogue that it cannot take."""
    if source.manifest.spec.kind == "shared":
        return fit_tokens(source.weights, len(history.catalogue))
    minutes = replace(source.catalogue, period_minutes=history.catalogue.period_minutes)  # an encoder serves any period
    if history.catalogue.digest != minutes.digest:
        raise HistoryError(
            f"{request.history}/catalogue.yaml: has other features than {request.bundle}; train a bundle for this"
            " network with `faultline-trainer train`."
        )
    return source.manifest.spec, source.weights


def _print_bundle(out: Path, bundle: Bundle, history: ParquetHistory) -> None:
    print_line(f"{out}: {len(bundle.catalogue)} features, {len(bundle.baseline.cells)} cells")
    print_moved_link(out)
    cell_days = float(bundle.manifest.trained_on["reported_cell_days"])
    print_budget_interval(len(bundle.normal.ends), cell_days, history.span[1] - history.span[0])
