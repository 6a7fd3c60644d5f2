"""Bundle builder: makes a bundle from an encoder's weights and the history of the network that it will watch."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detector.bundle.format import FORMAT, Bundle, BundleManifest, Golden, write_bundle
from detector.bundle.verification import verify_encoder
from detector.core.encoder import BATCHES, Encoder
from detector.core.features import Baseline
from detector.core.networks.spec import Spec
from detector.signatures import SigningKey
from trainer.calibration.normal_profile import (
    measure_weights,
    normal_windows,
    reported_cell_days,
    sample_normal,
)
from trainer.data.history import History

WHITENED = 4000
"""Normal windows whose covariance is taken: some 30 for each of 130 features."""

STRETCHES = 1200
"""Stretches of two hours and a half each: 100 cell-days.

With fewer, the alarm budget is a guess; see docs/concepts/recognition.md.
"""


@dataclass(frozen=True, kw_only=True)
class BundleParts:
    """Parts of a bundle that exist before its calibration."""

    history: History
    """Past of the network that the bundle is calibrated on."""
    baseline: Baseline
    spec: Spec
    weights: Mapping[str, NDArray[np.float32]]
    """Trained weights; those measured on the network are added or replaced."""
    trained_on: dict[str, str | int | float]
    """Facts of the training, as the manifest holds them."""
    figures: dict[str, float]
    """Measured accuracies, as the manifest holds them."""
    stretches: int
    """Stretches of normal life in the normal profile."""
    seed: int
    loss: str = "supervised_contrastive"


def build_bundle(parts: BundleParts, out: Path, signer: SigningKey | None = None) -> Bundle:
    """Calibrate the encoder on the network's normal windows, verify the bundle, sign it and write it to `out`.

    The same parts give the same bundle. Raises BundleError if the encoder does not reproduce the golden windows.
    """
    rng = np.random.default_rng([parts.seed, 7])
    windows = normal_windows(parts.history, parts.baseline, WHITENED, rng)
    weights = {**parts.weights, **measure_weights(parts.spec, windows)}
    encoder = Encoder(parts.spec, weights)
    normal = sample_normal(parts.history, parts.baseline, encoder, parts.stretches, rng)
    golden = windows[: BATCHES[0]]
    manifest = BundleManifest(
        format=FORMAT,
        name=out.name,
        features=list(parts.history.catalogue.features),
        spec=replace(parts.spec),
        loss=parts.loss,
        step_minutes=normal.step_samples * parts.history.catalogue.period_minutes,
        trained_on={**parts.trained_on, "reported_cell_days": round(reported_cell_days(parts.history), 1)},
        figures=parts.figures,
        period_minutes=parts.history.catalogue.period_minutes,
        stamp=parts.history.catalogue.stamp,
    )
    bundle = Bundle(manifest, weights, parts.baseline, normal, Golden(golden, encoder(golden)))
    verify_encoder(bundle, encoder, out)
    write_bundle(bundle, out, signer)
    return bundle
