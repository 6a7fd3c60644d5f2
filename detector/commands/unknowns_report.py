"""Report of `faultline unknowns`: groups of unknown alarms that look alike."""

from collections.abc import Sequence

from detector.alarms.unknown_clusters import UnknownCluster
from detector.commands.documents import UnknownsDocument
from detector.config.schema import Config
from detector.json_document import make_document
from detector.teaching.feedback import read_unknowns
from detector.terminal import fixed_column, number_column, print_document, print_line, print_table, text_column
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
            print_document(make_document(UnknownsDocument, fields))
        return bool(clusters)
    if clusters:
        _print_table(clusters)
    if foreign:
        print_line(f"{foreign} more were raised by another bundle and cannot be compared")
    print_line(
        "name a group: faultline unknowns --teach N --class NAME" if clusters else "no unknown alarm is without a name"
    )
    return bool(clusters)


def _print_table(clusters: Sequence[UnknownCluster]) -> None:
    columns = [
        *map(number_column, ("", "alarms", "cells", "open")),
        *map(fixed_column, ("first (UTC)", "last (UTC)")),
        number_column("cosine"),
        text_column("typical alarm"),
    ]
    rows = []
    for number, cluster in enumerate(clusters, 1):
        onsets = [sighting.onset for sighting in cluster.sightings]
        still_open = sum(sighting.until is None for sighting in cluster.sightings)
        first, last = write_minute(min(onsets)), write_minute(max(onsets))
        typical = f"{cluster.medoid.cell}, {write_minute(cluster.medoid.onset)[5:]}"
        rows.append((number, len(onsets), cluster.cells, still_open, first, last, f"{cluster.similarity:.2f}", typical))
    print_table(columns, rows)
