"""`python -m trainer.pretrained.shipped FROM`: replace the shipped bundle by the encoder of a trained bundle."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from msgspec import structs

from detector.bundle.format import Bundle, write_bundle
from detector.bundle.recognition import BUNDLE
from detector.bundle.verification import open_bundle
from detector.core.features import Baseline
from detector.core.scoring.exemplars import NormalProfile
from detector.output.claim import claimed
from trainer.pretrained.shipped import SHIPPED

STRETCHES = 64
"""Normal stretches of the shipped bundle: a bundle must have some."""


def strip_network(bundle: Bundle) -> Bundle:
    """Return the same encoder, without the network that it was trained for."""
    fleet = Baseline(np.empty(0, bundle.baseline.cells.dtype), np.array(bundle.baseline.table[-1:]))
    normal = bundle.normal
    few = NormalProfile(normal.bank, normal.stretches[:STRETCHES], normal.ends[:STRETCHES], normal.step_samples)
    return replace(bundle, manifest=structs.replace(bundle.manifest, name=SHIPPED.name), baseline=fleet, normal=few)


def main() -> int:
    source = Path(sys.argv[1])
    with claimed(SHIPPED, BUNDLE, inputs=[source]):
        bundle, _ = open_bundle(source, 0)
        write_bundle(strip_network(bundle), SHIPPED)
    return 0


if __name__ == "__main__":
    sys.exit(main())
