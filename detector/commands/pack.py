"""`faultline pack`: labels as one file, out of one network and into another of the same features.

`export` prints the pack's SHA-256: tell it to the receiver by another way than the file. `import` says what would come
of each label and what all of them would have cost over the last hours here, and does nothing without --accept. Classes
that break the false-alarm budget are put in quarantine, or taught aloud with --force, which their labels remember. Exit
code 3: some labels are refused, or held; --accept takes the others.
"""

import argparse
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from detector.commands.arguments import add_config_argument, add_look_arguments, asked_sample
from detector.compaction import newest_values
from detector.config.loader import read_config
from detector.config.schema import Config
from detector.errors import LabelError

if TYPE_CHECKING:
    from detector.labels.label import Label
    from detector.labels.packs import PackEntry
    from detector.teaching.pack_import import PackForecast

HELP = "export labels as one file, or look at such a file and accept it"

REFUSED = 3

REFUSALS_SHOWN = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    ways = parser.add_subparsers(dest="way", required=True, metavar="export|import")
    outward = ways.add_parser("export", help="write the labels in force to a file")
    outward.add_argument("--class", dest="names", action="append", default=[], help="only these (may be given again)")
    inward = ways.add_parser("import", help="say what a file would bring and cost, and bring it with --accept")
    inward.add_argument("--sha256", help="the digest that was told; another one is refused")
    inward.add_argument("--accept", action="store_true", help="publish what is not refused")
    inward.add_argument("--force", action="store_true", help="also aloud where it breaks a budget; is recorded")
    add_look_arguments(inward)
    for way in (outward, inward):
        way.add_argument("file", type=Path)
        add_config_argument(way)
        way.add_argument("--json", action="store_true", help="one JSON object instead of words")


def run(arguments: argparse.Namespace) -> int:
    config = read_config(arguments.config)
    return _export(arguments, config) if arguments.way == "export" else _import(arguments, config)


def _export(arguments: argparse.Namespace, config: Config) -> int:
    from detector.bundle.format import read_bundle
    from detector.kafka.readers.label_topic import read_labels
    from detector.labels.label import read_label, write_label
    from detector.labels.packs import write_pack

    catalogue = read_bundle(Path(config.bundle)).catalogue
    labels, left = [], 0
    for value in newest_values(read_labels(config)).values():
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
    counts = Counter(label.name for label in labels)
    if arguments.json:
        told = {"file": str(arguments.file), "labels": len(labels), "left_out": left, "sha256": pack.digest}
        print(msgspec.json.encode({**told, "classes": dict(sorted(counts.items()))}).decode())
        return 0
    for name, count in sorted(counts.items()):
        print(f"{name[:60]:<62}{count:>6}")
    if left:
        print(f"{left} labels of other features, or that nobody can read, were left out")
    print(f"{arguments.file}: {len(pack.labels)} labels, sha256 {pack.digest}")
    return 0


def _import(arguments: argparse.Namespace, config: Config) -> int:
    from detector.bundle.format import read_bundle
    from detector.kafka.readers.label_topic import publish_labels, read_labels
    from detector.labels.label import write_label
    from detector.labels.packs import PackError, check_entries, read_pack
    from detector.teaching.pack_import import preview_pack

    sample = asked_sample(arguments)
    pack = read_pack(arguments.file)
    if arguments.sha256 and arguments.sha256.lower() != pack.digest:
        raise PackError(f"{arguments.file}: has sha256 {pack.digest}, and another was told; do not accept it.")
    taught = list(read_labels(config))
    arrived = check_entries(pack, read_bundle(Path(config.bundle)).catalogue, newest_values(taught))
    labels = [one.label for one in arrived if one.label and one.state in ("new", "replaces")]
    trial = preview_pack(config, labels, taught, arguments.history, sample) if labels else None
    decided = [trial.decided(label, arguments.force) for label in labels] if trial else []
    if arguments.accept and decided:
        publish_labels(config, *((label.id.encode(), write_label(label)) for label in decided))
    _tell(arguments, pack.digest, arrived, decided, trial)
    held = any(label.quarantined for label in decided)
    return REFUSED if held or any(one.state == "refused" for one in arrived) else 0


def _tell(
    arguments: argparse.Namespace,
    digest: str,
    arrived: "list[PackEntry]",
    decided: "list[Label]",
    trial: "PackForecast | None",
) -> None:
    """What would become of each label, what all would have cost, and what was done."""
    from detector.teaching.preview_text import pack_lines

    refused = [one for one in arrived if one.state == "refused"]
    held, forced = (sum(getattr(label, state) for label in decided) for state in ("quarantined", "forced"))
    counts = {"to_take": len(decided), "quarantined": held, "forced": forced, "refused": len(refused)}
    if arguments.json:
        told = {"sha256": digest, "published": arguments.accept, **counts, "forecast": trial}
        print(msgspec.json.encode({**told, "why": [one.reason for one in refused]}).decode())
        return
    print(f"{'class':<40}{'kind':<9}{'new':>6}{'known':>7}{'replaces':>10}{'refused':>9}")
    states = Counter((one.label.name, one.label.kind, one.state) for one in arrived if one.label)
    for name, kind in sorted({key[:2] for key in states}):
        row = [states[name, kind, state] for state in ("new", "known", "replaces", "refused")]
        print(f"{name[:39]:<40}{kind:<9}{row[0]:>6}{row[1]:>7}{row[2]:>10}{row[3]:>9}")
    for one in refused[:REFUSALS_SHOWN]:
        print(f"  line {one.line} refused: {one.reason}"[:100])
    if trial:
        print("\n".join(pack_lines(trial)))
    quiet = f", {held} held (--force: aloud)" if held else f", {forced} by force" * bool(forced)
    done = "published: live on every instance within 5 s" if arguments.accept else "nothing was published (--accept)"
    print(f"sha256 {digest}")
    print(f"{len(decided)} labels to take{quiet}, {len(refused)} refused; {done}")
