"""A labelled episode out of a history."""

import numpy as np

from detector.core.features import Baseline
from detector.errors import LabelError
from detector.labels.builder import LabelMeta, LabelWindow, build_label, label_span
from detector.labels.label import Label
from trainer.data.history import History


def label_episode(
    history: History, baseline: Baseline, name: str, kind: str, cell: str, begin: int, end: int, note: str = ""
) -> Label:
    """One exemplar of `name` from one episode of one cell. Raises LabelError."""
    if cell not in set(history.cells):
        raise LabelError(f"cell {cell!r} is not in the history; `cells` of its Parquet files lists those that are.")
    first, last = label_span(begin, min(end, history.span[1]))
    if last <= begin or first < history.span[0]:
        raise LabelError(
            f"the episode of {cell} from minute {begin} to {end} lies outside the history"
            f" ({history.span[0]} to {history.span[1]}, an hour before it included)."
        )
    minute = np.arange(first, last)
    values = history.read(np.full(len(minute), list(history.cells).index(cell)), minute)
    window = LabelWindow(values=values, catalogue=history.catalogue, baseline=baseline)
    return build_label(window, LabelMeta(name=name, kind=kind, cell=cell, begin=begin, end=last, note=note))
