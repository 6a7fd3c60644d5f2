"""Report of `faultline unknowns`: groups of unknown alarms that look alike."""

from collections.abc import Sequence

import msgspec

from detector.alarms.unknown_clusters import UnknownCluster
from detector.config.schema import Config
from detector.teaching.feedback import read_unknowns
from detector.timestamps import write_minute


def print_unknowns(config: Config, *, include_named: bool, json: bool) -> bool:
    """Print the groups; return whether there is any. Raises OperatorError."""
    clusters, foreign = read_unknowns(config, include_named)
    if json:
        for number, cluster in enumerate(clusters, 1):
            fields = {
                "number": number,
                "cells": cluster.cells,
                "alike": round(cluster.similarity, 3),
                "medoid": cluster.medoid,
                "sightings": cluster.sightings,
            }
            print(msgspec.json.encode(fields).decode())
        return bool(clusters)
    if clusters:
        _print_table(clusters)
    if foreign:
        print(f"{foreign} more were raised by another bundle and cannot be compared")
    print(
        "name a group: faultline unknowns --teach N --class NAME" if clusters else "no unknown alarm is without a name"
    )
    return bool(clusters)


def _print_table(clusters: Sequence[UnknownCluster]) -> None:
    times = f"{'first (UTC)':<17}{'last (UTC)':<17}"
    print(f"{'':>3} {'alarms':>6} {'cells':>5} {'open':>4}  {times}{'cosine':>6}  typical alarm")
    for number, cluster in enumerate(clusters, 1):
        onsets = [sighting.onset for sighting in cluster.sightings]
        still_open = sum(sighting.until is None for sighting in cluster.sightings)
        typical = f"{cluster.medoid.cell[:18]}, {write_minute(cluster.medoid.onset)[5:]}"
        print(
            f"{number:>3} {len(onsets):>6} {cluster.cells:>5} {still_open:>4}  {write_minute(min(onsets)):<17}"
            f"{write_minute(max(onsets)):<17}{cluster.similarity:>6.2f}  {typical}"
        )
