"""What many labels cost: to embed at a start, to keep, and to compare every window with."""

import resource
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from detector.bundle.format import Bundle, read_bundle
from detector.config.schema import Config
from detector.core.encoder import BATCHES, Encoder
from detector.core.features import STEPS, WINDOW
from detector.core.scoring.classifier import Classifier
from detector.labels.builder import LabelMeta, LabelWindow, build_label, label_span, longest_minutes
from detector.labels.label import write_label
from detector.labels.store import LabelStore
from trainer.pretrained.shipped import SHIPPED

LABELS, CLASSES, AGAIN = 20_000, 40, 10
ROUNDS = 9

ROAD_MICROSECONDS = 33
"""Of a window, all of the road on two cores: the table of docs/operations/cost.md."""


def measure_labels() -> dict[str, float]:
    """In a process of its own; times are of the processor, which a busy machine does not stretch."""
    bundle = read_bundle(SHIPPED)
    encoder = Encoder(bundle.manifest.spec, bundle.weights, 1)
    encoder.count_unsteady_windows(bundle.golden.windows)
    few, many = (LabelStore(bundle, encoder, Config(bundle="").settings_at(1), 1) for _ in range(2))
    few.put_all(told(bundle, CLASSES))
    prepared, before = list(told(bundle, LABELS // AGAIN)), resident_bytes()
    embedding = sum(cpu(partial(many.put_all, renamed(prepared, part))) for part in range(AGAIN))
    kept = (resident_bytes() - before) / LABELS
    judging = cpu(many.classifier)
    each = microseconds(encoder, few.classifier(), many.classifier(), len(bundle.catalogue))
    figures = {
        "cpu_seconds_to_embed_20000_labels": embedding,
        "cpu_seconds_to_make_their_judge": judging,
        "resident_bytes_per_label": kept,
        **{f"microseconds_per_window_{name}": value for name, value in each.items()},
        "added_share_of_the_road": (each["match_20000_labels"] - each["match_40_labels"]) / ROAD_MICROSECONDS,
    }
    return {name: round(value, 3) for name, value in figures.items()}


def told(bundle: Bundle, count: int) -> Iterator[tuple[bytes, bytes]]:
    """Labels of 40 classes, each of another cell and each of other minutes."""
    rng = np.random.default_rng(3)
    features, begin = len(bundle.catalogue), 30_000_000
    end = begin + longest_minutes(bundle.catalogue.granularity)
    first, last = label_span(begin, end, bundle.catalogue.granularity)
    usual = rng.lognormal(size=(last - first, features)).astype(np.float32)
    for number in range(count):
        values = usual * rng.lognormal(0, 0.5, features).astype(np.float32)
        name = f"class_{number % CLASSES}"
        label = build_label(
            LabelWindow(values=values, catalogue=bundle.catalogue, baseline=bundle.baseline),
            LabelMeta(name=name, kind="fault", cell=f"c{number}", begin=begin, end=end),
        )
        yield label.id.encode(), write_label(label)


def renamed(records: list[tuple[bytes, bytes]], part: int) -> Iterator[tuple[bytes, bytes]]:
    """The same under other keys: to make 20,000 different ones would take longer than to embed them."""
    return ((b"%d-%s" % (part, key), value) for key, value in records)


def microseconds(encoder: Encoder, few: Classifier, many: Classifier, features: int) -> dict[str, float]:
    """Of one core, per window."""
    drawn = np.random.default_rng(4).normal(size=(BATCHES[-1], WINDOW, features))
    windows = np.rint(drawn * STEPS).clip(-127, 127).astype(np.int8)
    embeddings = encoder(windows)
    works: dict[str, Callable[[], object]] = {
        "encode": partial(encoder, windows),
        "match_40_labels": partial(few.decide, embeddings),
        "match_20000_labels": partial(many.decide, embeddings),
    }
    times = [{name: cpu(work) for name, work in works.items()} for _ in range(ROUNDS)]
    return {name: statistics.median(one[name] for one in times) / len(windows) * 1e6 for name in works}


def cpu(work: Callable[[], object]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
