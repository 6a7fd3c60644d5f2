"""Withheld alarms: alarms of the past that the labels in force keep from being published."""

from pathlib import Path

from detector.backtest.replay import polls
from detector.bundle.format import read_bundle
from detector.bundle.verification import start_encoder
from detector.config.schema import Config
from detector.core.suppression import SuppressedEpisode
from detector.history.sampling import HistorySample
from detector.kafka.readers.label_topic import read_labels
from detector.teaching.history_source import read_sample
from detector.teaching.labelled_bundle import embed_labels
from detector.teaching.request import SampleRequest
from detector.terminal import progress


def withheld_alarms(config: Config, request: SampleRequest) -> tuple[HistorySample, list[SuppressedEpisode]]:
    """Replay a sample of the past; return it with the alarms that the labels in force withhold.

    Raises OperatorError.
    """
    path = Path(config.bundle)
    bundle, records = read_bundle(path, config.trusted_keys), list(read_labels(config))
    sample = read_sample(config, bundle.catalogue, request)
    encode = start_encoder(bundle, path, config.runtime.threads)  # after all that can be refused without it
    labelled = embed_labels(config, bundle, encode, records)
    classifier = labelled.labels.classifier()
    with progress("replaying the past", sample.records, "records") as advance:
        steps = polls(sample, labelled.bundle, labelled.encode, classifier, labelled.settings, progress=advance)
        return sample, [alarm for step in steps for alarm in step.suppressed_episodes]
