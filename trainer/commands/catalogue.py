"""Draft a catalogue from a network's own data: kinds, transforms, units and ranges of its features, and the period.

Parquet, CSV and JSON lines are read as they are, in part where they are large. Look over what is marked `unsure`.

Examples:

    faultline-trainer catalogue measurements/ --out catalogue.yaml
    faultline-trainer catalogue monday.csv tuesday.csv --cell "Cell Name" --time "Start Time"
    faultline-trainer catalogue --topic --config config.yaml --out catalogue.yaml
"""

import argparse
from pathlib import Path

from detector.commands.argument_types import file_path, plain_text
from detector.commands.arguments import add_json_argument
from trainer.commands.requests import CatalogueRequest

HELP = "draft a catalogue of features from files, or from the input topic"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", type=file_path, nargs="*", metavar="FILES", help="files, or folders of them")
    parser.add_argument("--topic", action="store_true", help="look at the input topic of --config instead of files")
    parser.add_argument(
        "--config",
        type=file_path,
        default=Path("config.yaml"),
        help="configuration file for --topic (default: %(default)s)",
    )
    parser.add_argument("--cell", type=plain_text, help="column of the cells (default: recognised)")
    parser.add_argument("--time", type=plain_text, help="column of the times (default: recognised)")
    parser.add_argument(
        "--out",
        type=file_path,
        help="file of the draft, new or an earlier draft that nobody has edited (default: standard output)",
    )
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    request = CatalogueRequest(
        files=arguments.files,
        topic=arguments.topic,
        config=arguments.config,
        cell=arguments.cell,
        time=arguments.time,
        out=arguments.out,
    )
    from trainer.commands.catalogue_report import print_draft

    print_draft(request, json=arguments.json)
    return 0
