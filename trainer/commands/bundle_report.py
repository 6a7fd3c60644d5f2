"""Report of `faultline-trainer train` and `adapt` for a program: the bundle that was written."""

from pathlib import Path

from detector.bundle.format import read_bundle
from detector.json_document import make_document
from detector.terminal import print_document
from trainer.commands.documents import BundleDocument


def print_bundle_document(folder: Path) -> None:
    """Print a bundle as a JSON document. Raises BundleError."""
    bundle = read_bundle(folder)
    document = make_document(
        BundleDocument,
        out=str(folder),
        bundle=bundle.digest,
        encoder=bundle.manifest.spec.kind,
        features=len(bundle.catalogue),
        cells=len(bundle.baseline.cells),
        figures=bundle.manifest.figures,
    )
    print_document(document)
