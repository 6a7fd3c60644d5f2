"""Label of one episode of a history."""

import numpy as np

from detector.core.features import Baseline
from detector.errors import LabelError
from detector.labels.builder import LabelMeta, LabelWindow, build_label, label_span
from detector.labels.label import Label
from trainer.data.history import History


def label_episode(
    history: History, baseline: Baseline, *, name: str, kind: str, cell: str, begin: int, end: int, note: str = ""
) -> Label:
    """Return one exemplar of `name` from one episode of one cell, minutes since 1970. Raises LabelError."""
    if cell not in set(history.cells):
        raise LabelError(f"cell {cell!r} is not in the history; column `cell` of its Parquet files lists the cells.")
    granularity = history.catalogue.granularity
    first, last = label_span(begin, min(end, history.span[1]), granularity)
    if last <= begin or first < history.span[0]:
        raise LabelError(
            f"the episode of {cell} from minute {begin} to {end} lies outside the history"
            f" ({history.span[0]} to {history.span[1]}), or begins too soon after its start; give another one."
        )
    minute = np.arange(first, last, granularity.period_minutes)
    values = history.read(np.full(len(minute), list(history.cells).index(cell)), minute)
    return build_label(
        LabelWindow(values=values, catalogue=history.catalogue, baseline=baseline),
        LabelMeta(name=name, kind=kind, cell=cell, begin=begin, end=last, note=note),
    )
