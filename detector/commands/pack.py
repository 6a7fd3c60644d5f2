"""`faultline pack`: labels as one file, out of one network and into another of the same features.

`export` prints the pack's SHA-256: tell it to the receiver by another way than the file. `import` says what would come
of each label, and does nothing without --accept. Exit code 3: some labels are refused; --accept takes the others.
"""

import argparse
from collections import Counter
from pathlib import Path

from detector.config import Config, read_config

HELP = "export labels as one file, or look at such a file and accept it"

REFUSED = 3

REFUSALS_SHOWN = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    ways = parser.add_subparsers(dest="way", required=True, metavar="export|import")
    outward = ways.add_parser("export", help="write the labels in force to a file")
    outward.add_argument("--class", dest="names", action="append", default=[], help="only these (may be given again)")
    inward = ways.add_parser("import", help="say what a file would bring, and bring it with --accept")
    inward.add_argument("--sha256", help="the digest that was told; another one is refused")
    inward.add_argument("--accept", action="store_true", help="publish what is not refused")
    for way in (outward, inward):
        way.add_argument("file", type=Path)
        way.add_argument("--config", type=Path, default=Path("config.yaml"), help="the knobs (default: %(default)s)")


def run(arguments: argparse.Namespace) -> int:
    config = read_config(arguments.config)
    return _export(arguments, config) if arguments.way == "export" else _import(arguments, config)


def _known(config: Config) -> dict[bytes, bytes]:
    from detector.kafka.shelf import read_shelf

    known: dict[bytes, bytes] = {}
    for key, value in read_shelf(config):
        known.pop(key, None)
        if value is not None:
            known[key] = value
    return known


def _export(arguments: argparse.Namespace, config: Config) -> int:
    from detector.bundle import read_bundle
    from detector.errors import LabelError
    from detector.labels import read_label, write_label
    from detector.packs import write_pack

    catalogue = read_bundle(Path(config.bundle)).catalogue
    labels, left = [], 0
    for value in _known(config).values():
        try:
            label = read_label(value)
        except LabelError:
            left += 1
            continue
        if arguments.names and label.name not in arguments.names:
            continue
        if label.catalogue == catalogue.digest:
            labels.append(label)
        else:
            left += 1
    if not labels:
        raise LabelError("there is no label to export; `faultline labels` lists what is there.")
    pack = write_pack(arguments.file, [write_label(label) for label in labels], catalogue.digest)
    for name, count in sorted(Counter(label.name for label in labels).items()):
        print(f"{name[:60]:<62}{count:>6}")
    if left:
        print(f"{left} labels of other features, or that nobody can read, were left out")
    print(f"{arguments.file}: {len(pack.labels)} labels, sha256 {pack.digest}")
    return 0


def _import(arguments: argparse.Namespace, config: Config) -> int:
    from detector.bundle import read_bundle
    from detector.kafka.shelf import put_on_shelf
    from detector.labels import write_label
    from detector.packs import PackError, arrivals, read_pack

    pack = read_pack(arguments.file)
    if arguments.sha256 and arguments.sha256.lower() != pack.digest:
        raise PackError(f"{arguments.file}: has sha256 {pack.digest}, and another was told; do not accept it.")
    arrived = arrivals(pack, read_bundle(Path(config.bundle)).catalogue, _known(config))
    states = Counter((one.label.name, one.label.kind, one.state) for one in arrived if one.label)
    print(f"{'class':<40}{'kind':<9}{'new':>6}{'known':>7}{'replaces':>10}{'refused':>9}")
    for name, kind in sorted({key[:2] for key in states}):
        counts = [states[name, kind, state] for state in ("new", "known", "replaces", "refused")]
        print(f"{name[:39]:<40}{kind:<9}{counts[0]:>6}{counts[1]:>7}{counts[2]:>10}{counts[3]:>9}")
    refused = [one for one in arrived if one.state == "refused"]
    for one in refused[:REFUSALS_SHOWN]:
        print(f"  line {one.number} refused: {one.why}"[:100])
    accepted = [one.label for one in arrived if one.label and one.state in ("new", "replaces")]
    if arguments.accept:
        for label in accepted:
            put_on_shelf(config, label.id.encode(), write_label(label))
    done = "published: live on every instance within 5 s" if arguments.accept else "nothing was published (--accept)"
    print(f"sha256 {pack.digest}")
    print(f"{len(accepted)} labels to take, {len(refused)} refused; {done}")
    return REFUSED if refused else 0
