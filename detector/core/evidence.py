"""What stands behind a verdict, for whoever reads the alarm: score, threshold, and the exemplars it came nearest to."""

from typing import Any

import numpy as np

from detector.core.alarms import Event
from detector.core.encoder import Embeddings
from detector.core.verdicts import Judge

NEAREST_SHOWN = 3
"""Exemplars named in an alarm: the winner, its rival, and one to compare with."""


def evidence(event: Event, window: Embeddings, judge: Judge) -> dict[str, Any]:
    """The score against its threshold, how far from normal, and the nearest exemplars. # window: of one"""
    library = judge.at(event.minute)
    matches = library.match(window)
    order = np.argsort(-matches.cosine[0], kind="stable")[:NEAREST_SHOWN]
    exemplars = [library.exemplars[matches.nearest[0, column]] for column in order]
    causes = [e.cause for e in exemplars if e.kind == "fault" and e.name == event.alarm.name and e.cause]
    return {
        **({"cause": causes[0]} if causes else {}),
        "score": round(event.score, 2),
        "threshold": round(judge.threshold, 2),
        "size": round(float(window.size[0]), 2),
        "normal": round(float(matches.normal[0]), 4),
        "nearest": [
            {
                "name": exemplar.name,
                "kind": exemplar.kind,
                "cosine": round(float(matches.cosine[0, column]), 4),
                "exemplar": exemplar.id,
                "cell": exemplar.cell,
            }
            for column, exemplar in zip(order, exemplars, strict=True)
        ],
    }
