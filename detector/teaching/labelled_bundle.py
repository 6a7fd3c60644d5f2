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
    labels = LabelStore(bundle, encode, config.settings, config.runtime.threads)
    labels.put_all(records)
    return LabelledBundle(bundle, encode, labels, config.settings)


def open_labelled_bundle(config: Config, records: LabelRecords) -> LabelledBundle:
    """Open the configured bundle and embed the labels. Raises BundleError."""
    bundle, encode = open_bundle(Path(config.bundle), config.runtime.threads, config.trusted_keys)
    return embed_labels(config, bundle, encode, records)
