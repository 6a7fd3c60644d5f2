"""`faultline unknowns`: what was met that nobody has named yet, and how often; --teach names one of it.

Teaching takes the sighting that lies nearest to all others of its kind, and goes the way of `faultline teach`, preview
and exit codes included. Without --teach: 0 where there is something to name, 3 where there is nothing.
"""

import argparse
from pathlib import Path

from detector.commands.arguments import add_config_argument, add_preview_arguments
from detector.commands.teach import teach
from detector.config.loader import read_config
from detector.config.schema import Config
from detector.errors import LabelError
from detector.timestamps import write_minute

HELP = "gather unknown alarms into things that look alike, and name one"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_argument(parser)
    parser.add_argument("--all", action="store_true", help="also those that all have got a name since")
    parser.add_argument("--teach", type=int, metavar="N", help="name the thing of this number in the list")
    parser.add_argument("--class", dest="name", default="", help="its name: lower case, digits and _")
    parser.add_argument("--kind", choices=("fault", "normal", "ignore"), default="fault", help="default: %(default)s")
    add_preview_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    if (arguments.teach is None) != (not arguments.name):
        raise LabelError("--teach N and --class NAME go together: which thing, and what it is to be called.")
    listed, foreign = _listed(read_config(arguments.config), arguments.all)
    if arguments.teach is not None:
        return _teach(arguments, listed)
    if arguments.json:
        import msgspec

        for number, thing in enumerate(listed, 1):
            told = {"number": number, "cells": thing.cells, "alike": round(thing.similarity, 3), "medoid": thing.medoid}
            print(msgspec.json.encode({**told, "sightings": thing.sightings}).decode())
        return 0 if listed else 3
    if listed:
        times = f"{'first (UTC)':<17}{'last (UTC)':<17}"
        print(f"{'':>3} {'seen':>5} {'cells':>5} {'open':>4}  {times}{'alike':>5}  best seen")
    for number, thing in enumerate(listed, 1):
        onsets = [one.onset for one in thing.sightings]
        still = sum(one.until is None for one in thing.sightings)
        best = f"{thing.medoid.cell[:18]}, {write_minute(thing.medoid.onset)[5:]}"
        print(
            f"{number:>3} {len(onsets):>5} {thing.cells:>5} {still:>4}  {write_minute(min(onsets)):<17}"
            f"{write_minute(max(onsets)):<17}{thing.similarity:>5.2f}  {best}"
        )
    if foreign:
        print(f"{foreign} more were met by another bundle, and cannot be compared")
    print("name one: faultline unknowns --teach N --class NAME" if listed else "nothing unknown was met")
    return 0 if listed else 3


def _listed(config: Config, everything: bool) -> "tuple[list[Thing], int]":  # type: ignore[name-defined]  # noqa: F821
    from detector.alarms.unknown_clusters import cluster_unknowns
    from detector.bundle.format import read_bundle
    from detector.kafka.readers.alarm_topic import read_notifications

    found, foreign = cluster_unknowns(read_notifications(config), read_bundle(Path(config.bundle)).digest)
    return [one for one in found if everything or not all(seen.named for seen in one.sightings)], foreign


def _teach(arguments: argparse.Namespace, listed: "list[Thing]") -> int:  # type: ignore[name-defined]  # noqa: F821
    from detector.labels.label import check_name
    from detector.teaching.request import TeachRequest

    check_name(arguments.name)
    if not 1 <= arguments.teach <= len(listed):
        raise LabelError(f"--teach {arguments.teach}: the list has {len(listed)} things; see `faultline unknowns`.")
    seen = listed[arguments.teach - 1].medoid
    ask = TeachRequest(
        seen.cell,
        arguments.name,
        arguments.kind,
        seen.onset,
        severity=arguments.severity or "",
        cause=arguments.cause,
        note=arguments.note,
        by=arguments.by,
    )
    return teach(arguments, ask)
