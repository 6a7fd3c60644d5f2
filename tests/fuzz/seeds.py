"""Valid inputs that the fuzzing mutates: a notification of each kind, an open alarm, a checkpoint, a record."""

import base64
from typing import Any

import numpy as np

_EMBEDDING = base64.b64encode(np.ones(16, "<f2").tobytes()).decode()

_FEATURE = {"feature": "rrc_succ", "unit": "%", "observed": 3.0, "usual": 97.5, "spreads": -9.0, "carried": 4.0}

_NEAREST = {
    "name": "backhaul_loss",
    "kind": "fault",
    "exemplar": "2ac33809",
    "cell": "A1",
    "by": "ops@noc",
    "minute": "2026-01-05T03:30:00Z",
    "taught": "2026-01-05T05:00:00Z",
    "score": 9.0,
    "cosine": 0.9,
    "pull": 1.0,
}

_JUDGED = {
    "onset": "2026-01-05T03:00:00Z",
    "bundle": "b18442358547",
    "labels": "0f",
    "score": 9.0,
    "threshold": 5.0,
    "direction": 4.0,
    "distance": 5.0,
    "coverage": 0.9,
    "size": 3.0,
    "normal": 0.2,
    "nearest": [_NEAREST],
    "embedding": _EMBEDDING,
    "fingerprint": "00ff",
    "margin": 2.0,
    "features": [_FEATURE],
    "cause": "antenna",
    "minutes": [{"begin": "2026-01-05T03:00:00Z", "end": "2026-01-05T03:10:00Z", "carried": 3.0}],
}


def _notification(change: str, name: str, information: dict[str, Any], time: str) -> dict[str, Any]:
    return {
        "href": "/faultline/alarms/0b1f2d3c",
        "notificationId": 7,
        "notificationType": f"notify{change}Alarm",
        "eventTime": time,
        "systemDN": "faultline",
        "objectInstance": "A1",
        "alarmId": f"0b1f2d3c-{name}",
        "alarmType": "QUALITY_OF_SERVICE_ALARM",
        "probableCause": "PERFORMANCE_DEGRADED",
        "specificProblem": name,
        "perceivedSeverity": "CLEARED" if change == "Cleared" else "MAJOR",
        "additionalText": f"A1 looks like {name}.",
        "additionalInformation": information,
    }


_SHORT = {"onset": "2026-01-05T03:00:00Z", "bundle": "b18442358547", "supersededBy": "backhaul_loss"}

NOTIFICATIONS = [
    _notification("New", "backhaul_loss", _JUDGED, "2026-01-05T03:20:00Z"),
    _notification("Changed", "backhaul_loss", _JUDGED, "2026-01-05T03:25:00Z"),
    _notification("Cleared", "backhaul_loss", _SHORT, "2026-01-05T04:20:00Z"),
    _notification("New", "unknown", _JUDGED, "2026-01-05T03:20:00Z"),
    _notification("Cleared", "unknown", _SHORT, "2026-01-05T03:40:00Z"),
    _notification("New", "cell_silent", {**_SHORT, "shortened": True}, "2026-01-05T03:20:00Z"),
]

OPEN_ALARMS = [
    {
        "alarmId": "0b1f2d3c",
        "objectInstance": "A1",
        "specificProblem": "backhaul_loss",
        "perceivedSeverity": "MAJOR",
        "onsetMinute": 29460030,
    }
]

_VOTES = base64.b64encode(np.zeros(2, [("cell", "<u8"), ("minute", "<i4"), ("last_activity", "<i4")]).tobytes())

CHECKPOINTS = [
    {
        "replay_offset": 10,
        "replay_minute": 29460030,
        "frontier": 29460060,
        "voters": 2,
        "votes": _VOTES.decode(),
        "laggards": "AAA=",
    }
]

RECORDS = [
    {"cell": "A1", "time": "2026-01-05T03:00:00Z", "features": {"rrc_succ": 97.5, "thr": None}},
    {"cell": "A1", "time": 1767582000, "features": {"rrc_succ": 1}},
]
