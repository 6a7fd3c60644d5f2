"""Report of `faultline-trainer look`: the pictures, with a sentence about each."""

from collections.abc import Iterable
from pathlib import Path

from detector.json_document import make_document
from detector.terminal import print_document, print_line
from trainer.commands.documents import PicturesDocument


def print_pictures(pictures: Iterable[tuple[Path, str]], *, json: bool) -> None:
    """Print each picture's file and sentence."""
    if json:
        rows = [{"file": str(path), "sentence": sentence} for path, sentence in pictures]
        print_document(make_document(PicturesDocument, pictures=rows))
        return
    for path, sentence in pictures:
        print_line(f"{path}: {sentence}")
