"""A bundle from its parts: an encoder, and the network it is to watch."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detector.bundle.format import FORMAT, Bundle, BundleManifest, Golden, write_bundle
from detector.bundle.verification import verify_encoder
from detector.core.encoder import BATCHES, Encoder
from detector.core.features import Baseline
from detector.core.networks.spec import Spec
from trainer.calibration.normal_profile import measure_weights, normal_windows, sample_normal
from trainer.data.history import History

WHITENED = 4000
"""Normal windows whose covariance is taken: some 30 for each of 130 features."""

STRETCHES = 1200
"""Of two hours and a half each: 100 cell-days. Fewer, and the false-alarm budget is a guess; see the README."""


def build_bundle(
    history: History,
    baseline: Baseline,
    spec: Spec,
    weights: dict[str, NDArray[np.float32]],
    manifest: dict[str, str | int | float],
    figures: dict[str, float],
    stretches: int,
    seed: int,
    path: Path,
    loss: str = "supervised_contrastive",
) -> Bundle:
    """Surveys the network's normal life with these weights, and writes the proven bundle to `path`."""
    rng = np.random.default_rng([seed, 7])
    windows = normal_windows(history, baseline, WHITENED, rng)
    weights = {**weights, **measure_weights(spec, windows)}
    encoder = Encoder(spec, weights)
    normal = sample_normal(history, baseline, encoder, stretches, rng)
    golden = windows[: BATCHES[0]]
    bundle = Bundle(
        BundleManifest(
            format=FORMAT,
            name=path.name,
            features=list(history.catalogue.features),
            spec=replace(spec),
            loss=loss,
            step_minutes=normal.step_minutes,
            trained_on=manifest,
            figures=figures,
        ),
        weights,
        baseline,
        normal,
        Golden(golden, encoder(golden)),
    )
    verify_encoder(bundle, encoder, path)
    write_bundle(bundle, path)
    return bundle
