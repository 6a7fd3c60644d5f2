"""Carry labels to another network of the same features, as one file that is previewed first.

`export` prints the pack's SHA-256; send it to the receiver by another way than the file. With
--sign it signs the pack; an import whose configuration trusts keys takes no other packs. `import`
prints what each label would do here and the new alarms of all of them, and publishes nothing
without --accept. Classes that break the false-alarm budget are put in quarantine, unless --force is
given, which their labels record. Exit code 3: some labels are refused or in quarantine; --accept
publishes the others.

Examples:

    faultline pack export labels.pack --class backhaul_loss
    faultline pack import labels.pack --sha256 1f0c5b
    faultline pack import labels.pack --sha256 1f0c5b --accept
"""

import argparse
from pathlib import Path

from detector.commands.argument_types import file_path, plain_text
from detector.commands.arguments import (
    add_config_argument,
    add_json_argument,
    add_sample_arguments,
    add_sign_argument,
    add_subcommand,
    sample_request,
    signing_key,
)
from detector.commands.requests import PackExportRequest, PackImportRequest

HELP = "export labels as one file, or preview such a file and accept it"

REFUSED = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    ways = parser.add_subparsers(dest="way", required=True, metavar="export|import")
    exported = add_subcommand(
        ways, "export", "write the labels in force to a file", "faultline pack export labels.pack"
    )
    exported.add_argument(
        "--class",
        dest="names",
        type=plain_text,
        action="append",
        default=[],
        help="class to export; may be repeated (default: all)",
    )
    add_sign_argument(exported)
    imported = add_subcommand(
        ways,
        "import",
        "preview the labels of a file, and publish them with --accept",
        "faultline pack import labels.pack --sha256 1f0c5b --accept",
    )
    imported.add_argument("--sha256", help="digest that the sender gave; a file with another digest is refused")
    imported.add_argument("--accept", action="store_true", help="publish the labels that are not refused")
    imported.add_argument(
        "--force", action="store_true", help="publish in force although a budget breaks; the labels record it"
    )
    add_sample_arguments(imported)
    for way, text in ((exported, "file to write the pack to"), (imported, "file with the pack")):
        way.add_argument("file", type=file_path, help=text)
        add_config_argument(way)
        add_json_argument(way)


def run(arguments: argparse.Namespace) -> int:
    from detector.commands.pack_report import export_pack, import_pack
    from detector.config.loader import read_config
    from detector.labels.packs import PACK_FILE
    from detector.output.claim import claimed

    config = read_config(arguments.config)
    if arguments.way == "export":
        request = PackExportRequest(
            file=arguments.file, classes=arguments.names, signer=signing_key(arguments.sign), json=arguments.json
        )
        with claimed(arguments.file, PACK_FILE, inputs=(arguments.config, Path(config.bundle), arguments.sign)):
            export_pack(config, request)
        return 0
    imported = PackImportRequest(
        file=arguments.file,
        sha256=arguments.sha256,
        accept=arguments.accept,
        force=arguments.force,
        sample=sample_request(arguments),
        json=arguments.json,
    )
    return 0 if import_pack(config, imported) else REFUSED
