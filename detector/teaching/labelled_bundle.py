"""Labelled bundle: a bundle with its running encoder and the labels in force, as in a serving instance."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from detector.bundle.format import Bundle
from detector.bundle.verification import open_bundle
from detector.config.schema import Config
from detector.core.encoder import Encode
from detector.core.settings import Settings
from detector.labels.store import LabelStore
from detector.terminal import Meter, progress

LabelRecords = Iterable[tuple[bytes, bytes | None]]
"""Records of the labels' topic, in their order."""


@dataclass(frozen=True)
class LabelledBundle:
    """A bundle, its encoder and the labels that the encoder has embedded."""

    bundle: Bundle
    encode: Encode
    labels: LabelStore
    settings: Settings


def embed_labels(config: Config, bundle: Bundle, encode: Encode, records: LabelRecords) -> LabelledBundle:
    """Embed the labels with a bundle that is open already."""
    settings = config.settings_at(bundle.catalogue.period_minutes)
    labels = LabelStore(bundle, encode, settings, config.runtime.threads)
    with progress("embedding the labels", None, "labels") as advance:
        labels.put_all(_counted(records, advance))
    return LabelledBundle(bundle, encode, labels, settings)


def _counted(records: LabelRecords, advance: Meter) -> LabelRecords:
    for record in records:
        yield record
        advance()


def open_labelled_bundle(config: Config, records: LabelRecords) -> LabelledBundle:
    """Open the configured bundle and embed the labels. Raises BundleError.

    The records are read first: a topic that does not answer is refused before the encoder starts.
    """
    records = list(records)
    bundle, encode = open_bundle(Path(config.bundle), config.runtime.threads, config.trusted_keys)
    return embed_labels(config, bundle, encode, records)
