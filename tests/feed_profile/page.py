"""The page that shows what `faultline feed` prints, and the folder in which it prints that."""

import gzip
import re
from dataclasses import replace
from pathlib import Path

from detector.bundle.format import read_bundle, write_bundle
from tests.docs.pages import DOCS
from tests.feed_profile.feeds import good, lines, release, usual
from trainer.pretrained.shipped import SHIPPED

PAGE = DOCS / "guides" / "feed.md"

BLOCK = re.compile(
    r"(?P<before>faultline feed (?P<file>[\w.]+)\n```\n\n```text\n)(?P<printed>.*?)(?P<after>```)", re.DOTALL
)


def write_folder(folder: Path) -> None:
    """A bundle at home in the simulated network, its configuration, and files of a good and a bad feed."""
    write_bundle(replace(read_bundle(SHIPPED), baseline=usual()), folder / "bundle")
    (folder / "config.yaml").write_text('bundle: bundle\nkafka: {common: {bootstrap.servers: "127.0.0.1:9"}}\n')
    (folder / "good.jsonl").write_text(lines(good()))
    (folder / "release.jsonl.gz").write_bytes(gzip.compress(lines(release(good())).encode()))
