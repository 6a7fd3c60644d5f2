"""Report of `faultline-trainer collect` for a program: the records that were written and refused."""

from pathlib import Path

from detector.json_document import make_document
from detector.terminal import print_document
from trainer.commands.documents import CollectionDocument
from trainer.data.collector import CollectionCounts


def print_collection(out: Path, counts: CollectionCounts) -> None:
    """Print the counts as a JSON document."""
    refused = dict(sorted(counts.refused.items()))
    print_document(make_document(CollectionDocument, out=str(out), records=counts.written, refused=refused))
