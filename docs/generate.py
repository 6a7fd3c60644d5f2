"""Write the parts of the documentation that the program itself knows: commands, configuration, metrics, tables.

    python docs/generate.py            # rewrite the blocks in docs/
    python docs/generate.py --check    # change nothing; exit code 3 where a block is out of date

A block stands between `<!-- generated: NAME -->` and `<!-- end: NAME -->` in a page under docs/. Everything outside the
blocks is written by hand. A field, reason or file of the product that has no description here ends the script with its
name, so that nothing new stays undocumented.
"""

import argparse
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the checkout that the pages belong to, wherever the package is installed from

# Every import of the product stands here, so that a move of a module touches one place.
import msgspec  # noqa: E402

from detector.__main__ import VERBS  # noqa: E402
from detector.alarms.notifications import CAUSES, DEGRADED, OpenAlarm  # noqa: E402
from detector.bundle.format import FORMAT, BundleManifest  # noqa: E402
from detector.command_line import command_line, subcommands  # noqa: E402
from detector.commands.documents import DOCUMENTS, LISTS  # noqa: E402
from detector.config.catalogue_rules import RESERVED  # noqa: E402
from detector.config.checks import GUARDED  # noqa: E402
from detector.config.schema import Config  # noqa: E402
from detector.core.features import Feature  # noqa: E402
from detector.core.ingest.samples import Reason  # noqa: E402
from detector.core.vocabulary import CHANGES, SEVERITIES  # noqa: E402
from detector.errors import BUNDLE_REASONS  # noqa: E402
from detector.labels.label import Label  # noqa: E402
from detector.service.metrics import Metrics  # noqa: E402
from trainer.__main__ import VERBS as TRAINER_VERBS  # noqa: E402
from trainer.commands.documents import DOCUMENTS as TRAINER_DOCUMENTS  # noqa: E402
from trainer.losses.registry import LOSSES  # noqa: E402
from trainer.pretrained.shipped import SHIPPED  # noqa: E402
from trainer.simulator import FAULTS  # noqa: E402

DOCS = ROOT / "docs"

BLOCK = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- end: \2 -->\n)", re.DOTALL)

REASONS = {
    "tombstone": "The record has no value.",
    "empty": "The value has no bytes.",
    "too_large": "The value is longer than `limits.record_bytes`.",
    "not_utf8": "The value is not UTF-8.",
    "malformed": "The value is not JSON.",
    "wrong_shape": "The JSON is not an object with `cell` and `time`.",
    "wrong_type": "A member has another JSON type than it must have.",
    "cell_name": "The cell's name is empty or longer than 128 characters.",
    "key_mismatch": "The record's key is not the cell's name.",
    "time": "`time` is no ISO 8601 time with a zone and no unix time, or lies outside 2000 to 2099.",
    "missing_feature": "A feature of the bundle's catalogue is absent, and `limits.refuse_values` says so.",
    "unknown_feature": "A feature is not in the bundle's catalogue, and `limits.refuse_values` says so.",
    "out_of_range": "A value lies outside its range in the catalogue, and `limits.refuse_values` says so.",
    "all_null": "No feature was reported, nor anything in the place of one.",
    "too_far_ahead": "The minute is more than `minutes.ahead_minutes` ahead of the partition's watermark.",
    "too_late": "The minute is later than `minutes.late_minutes` or `minutes.behind_minutes` allow.",
    "too_many_cells": "The instance already tracks `limits.cells` cells.",
}

FEATURE_FIELDS = {
    "name": "Name of the feature, as records carry it.",
    "unit": "Unit, as alarms show it.",
    "kind": "`counter` (events of the period), `gauge` (a state) or `ratio` (a share in percent).",
    "transform": "`log1p` where the spread grows with the level (counters, delays), else `identity`.",
    "low": "Smallest possible value.",
    "high": "Largest possible value. A value outside `low` to `high` counts as not reported.",
    "alias": "Name of the measurement in 3GPP TS 28.552, where one exists.",
    "group": "Group of features that are drawn together.",
}

LABEL_FIELDS = {
    "id": "Identifier, also the record's key.",
    "name": "Class that the episode is an example of.",
    "kind": "`fault`, `normal` or `ignore`.",
    "cell": "Cell of the episode.",
    "minute": "First minute of `values`, in minutes since 1970.",
    "catalogue": "Digest of the features' names, units, transforms and order.",
    "values": "Reported minutes: float32 [m, F], little-endian, m from 60 to 1,440, NaN = not reported.",
    "baseline": "The cell's rows of the baseline, float16 [2 + 2·H, F] in little-endian bytes.",
    "note": "Text for whoever reads the list of labels.",
    "severity": "Severity of the alarms of this class; empty: by score.",
    "cause": "Text that its alarms repeat.",
    "expires": "First minute, by the network's own time, that is no longer compared with it. Never for a fault.",
    "begin": "First minute of the episode.",
    "end": "Minute after the last of the episode.",
    "alarm": "`alarmId` of the alarm that was confirmed or rejected with it.",
    "rejects": "Class that the alarm bore, where it was rejected.",
    "by": "Who taught it.",
    "taught": "When it was taught, in minutes since 1970.",
    "forecast": "New alarms per 1,000 cells and day that its preview forecast.",
    "quarantined": "True where the forecast broke the budget: recognised and counted, no alarm.",
    "forced": "True where it was taught with `--force`.",
}

OPEN_FIELDS = {
    "alarmId": "Identifier of the alarm.",
    "objectInstance": "The cell.",
    "specificProblem": "The class.",
    "perceivedSeverity": "`MINOR`, `MAJOR` or `CRITICAL`.",
    "onsetMinute": "Minute in which the episode began, in minutes since 1970.",
}

MANIFEST_FIELDS = {
    "format": "Version of the layout described here.",
    "name": "Name of the bundle.",
    "features": "The feature catalogue, in the order of every array's last axis.",
    "spec": "Kind and widths of the encoder's network.",
    "loss": "Objective it was trained with.",
    "step_minutes": "Minutes between two windows of the calibration stretches.",
    "trained_on": "Facts about the training: classes, windows, steps, seed, history.",
    "figures": "Quality as measured at the end of the training.",
    "catalogue": "Digest of the features in the order that the weights know.",
    "period_minutes": "Granularity period of the feed in minutes; 1 where it is missing.",
    "stamp": "End of the period whose time a record carries, `begin` or `end`; `begin` where it is missing.",
}

BUNDLE_FILES = {
    "manifest.json": "What the arrays are: catalogue, spec, loss, figures.",
    "weights.npz": "Weights of the encoder, float32.",
    "cells.npy": "Names of the cells that have a baseline, sorted.",
    "baseline.npy": "Baselines, float16 [cells + 1, 2 + 2·H, F], memory-mapped. The last row is the fleet's.",
    "normal.npz": "Embeddings of normal windows, and stretches of ordinary operation for the calibration.",
    "golden.npz": "Windows with the embeddings that the trainer computed for them.",
    "SHA256SUMS": "Checksums of all other files.",
}

REFUSALS = {
    "files": "A file is missing, cannot be read, or is a link out of the directory.",
    "signature": "No key under `trust` has signed it, or it was altered afterwards.",
    "checksum": "A file is not the one whose checksum lies beside it.",
    "manifest": "The manifest cannot be used by this version.",
    "arrays": "An array has another shape or type, or holds NaN.",
    "arithmetic": "The golden windows come out differently on this machine.",
    "catalogue": "The features are other than those of the serving bundle, or in another order.",
}

LOSS_SOURCES = {
    "supervised_contrastive": "Khosla et al. 2020: others of the class against the whole batch, learned temperature.",
    "triplet": "Schroff et al. 2015 (FaceNet): squared distances and a margin.",
    "soft_margin": "Hermans et al. 2017: ln(1 + exp(difference of the distances)), no margin.",
    "lossless_triplet": "Arsenault 2018: logarithms of squared distances. `beta` below the dimension is refused.",
    "contrastive": "Hadsell, Chopra, LeCun 2006: pairs of one class are pulled, others pushed to a margin.",
    "similarity": "Koch et al. 2015: binary cross-entropy of a head over |a − b|, the distance, or the concatenation.",
    "prototypical": "Snell et al. 2017: softmax over the distances to the means of the classes.",
    "multi_similarity": "Wang et al. 2019: weighted positive and negative pairs.",
}

CHECKS = {
    "feed": "Something in the feed must be mended.",
    "topics": "A topic is missing, or deviates from what the guarantees need and was not altered.",
    "teach": "The label would break the false-alarm budget and is in quarantine, or would be in a dry run.",
    "unknowns": "There is no unnamed group; with `--teach`, as `teach`.",
    "confirm": "As `teach`.",
    "reject": "As `teach`.",
    "pack": "Some labels are refused, or in quarantine.",
    "forget": "There is no such label.",
    "search": "Nothing resembles the episode.",
    "reproduce": "The verdict differs.",
}
"""The verbs that end with 3, and what it means."""

FAULT_KINDS = {"fault": "fault", "benign": "look-alike"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; 3 where a block is out of date")
    check = parser.parse_args().check
    stale = outdated_pages()
    for page, text in stale.items():
        if check:
            print(f"{page.relative_to(ROOT)} is out of date; run `python docs/generate.py`.", file=sys.stderr)
        else:
            page.write_text(text)
    return 3 if check and stale else 0


def outdated_pages() -> dict[Path, str]:
    """Pages whose blocks differ from what the program says now, with the text they should have."""
    pages = {page: page.read_text() for page in sorted(DOCS.rglob("*.md"))}
    fresh = {
        page: BLOCK.sub(lambda found: found[1] + BLOCKS[found[2]]() + found[3], text) for page, text in pages.items()
    }
    return {page: text for page, text in fresh.items() if text != pages[page]}


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table. A cell is one line; a `|` inside is escaped."""
    lines = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    head = list(header)
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *lines]) + "\n"


def described(names: Iterable[str], texts: Mapping[str, str], what: str) -> list[tuple[str, str]]:
    """Pair each name with its text. SystemExit where a text is missing or left over."""
    known = list(names)
    lost, left = [name for name in known if name not in texts], [name for name in texts if name not in known]
    if lost or left:
        raise SystemExit(f"docs/generate.py: {what}: without a description {lost}, described but gone {left}.")
    return [(name, texts[name]) for name in known]


def fields_table(struct: Any, texts: Mapping[str, str]) -> str:
    """Return name, type and description of a Struct's or dataclass's fields."""
    hints = get_type_hints(struct, include_extras=True)
    rows = described(hints, texts, struct.__name__)
    return table(("field", "type", "meaning"), ((f"`{name}`", type_name(hints[name]), text) for name, text in rows))


def type_name(hint: Any) -> str:
    if get_origin(hint) is Annotated:
        return type_name(get_args(hint)[0])
    if get_origin(hint) in (Union, UnionType):
        return " or ".join(type_name(one) for one in get_args(hint))
    names = {"str": "string", "int": "integer", "float": "number", "bool": "true or false", "bytes": "bytes"}
    plain = {"NoneType": "null", "list": "list", "dict": "object"}
    origin = get_origin(hint) or hint
    return names.get(origin.__name__) or plain.get(origin.__name__) or "object"


# Commands


def commands(program: str, package: str, verbs: Iterable[str]) -> str:
    parser = command_line(program, package, tuple(verbs))
    (choices,) = subcommands(parser)
    helps = {action.dest: action.help or "" for action in choices._choices_actions}
    summary = table(
        ("command", "what it does"),
        ((f"[`{program} {verb}`](#{slug(f'{program} {verb}')})", helps[verb]) for verb in choices.choices),
    )
    parts = [summary]
    for verb, verb_parser in choices.choices.items():
        parts.append(command(f"{program} {verb}", verb_parser))
        for nested in subcommands(verb_parser):
            texts = {action.dest: action.help or "" for action in nested._choices_actions}
            for name, sub in nested.choices.items():
                parts.append(command(f"{program} {verb} {name}", sub, texts[name]))
    return "\n".join(parts)


def command(name: str, parser: argparse.ArgumentParser, text: str = "") -> str:
    description = re.sub(r"^`[^`]+`: *", "", prose(parser.description or text or ""))
    description = description[:1].upper() + description[1:]
    lines = [f"## {name}\n", f"{description}\n" if description else ""]
    rows = []
    for action in parser._actions:
        if isinstance(action, argparse._HelpAction | argparse._SubParsersAction) or action.dest == "color":
            continue
        rows.append((argument(action), "yes" if required(action) else "", help_text(action)))
    lines.append(table(("argument", "required", "meaning"), rows) if rows else "No arguments of its own.\n")
    return "\n".join(line for line in lines if line)


def prose(text: str) -> str:
    """Return a docstring as Markdown: paragraphs on one line each, indented examples as code."""
    blocks = []
    for block in re.split(r"\n\s*\n", text.strip()):
        lines = block.split("\n")
        if all(line.startswith("    ") for line in lines):
            blocks.append("```sh\n" + "\n".join(line[4:] for line in lines) + "\n```")
        else:
            blocks.append(" ".join(line.strip() for line in lines))
    return "\n\n".join(blocks)


def argument(action: argparse.Action) -> str:
    if not action.option_strings:
        return f"`{action.metavar or action.dest}`"
    value = ""
    if action.nargs != 0:
        value = " " + str(
            action.metavar or ("|".join(map(str, action.choices)) if action.choices else action.dest.upper())
        )
    return f"`{', '.join(action.option_strings)}{value}`"


def required(action: argparse.Action) -> bool:
    return action.required if action.option_strings else action.nargs not in ("?", "*")


def help_text(action: argparse.Action) -> str:
    known = {**vars(action), "prog": ""}
    if action.choices is not None:
        known["choices"] = ", ".join(map(str, action.choices))
    return ((action.help or "") % known).replace("<", "&lt;") if action.help else ""


def slug(title: str) -> str:
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


# JSON documents


def documents(program: str, forms: Mapping[str, type[msgspec.Struct]]) -> str:
    """Return which form each command prints, and whether it is one document or one a line."""
    rows = [
        (
            f"`{program} {verb}`",
            "a document a line" if program == "faultline" and verb in LISTS else "one document",
            link,
        )
        for verb, form in forms.items()
        for link in [f"[{form.__name__}](#{slug(form.__name__)})"]
    ]
    return table(("command", "prints", "form"), rows)


def document_forms() -> str:
    """Return the JSON Schema of every form."""
    forms = {form.__name__: form for form in (*DOCUMENTS.values(), *TRAINER_DOCUMENTS.values())}
    parts = []
    for name, form in forms.items():
        schema = msgspec.json.format(msgspec.json.encode(msgspec.json.schema(form)), indent=1).decode()
        parts.append(f"### {name}\n\n{form.__doc__}\n\n```json\n{schema}\n```\n")
    return "\n".join(parts)


# Configuration


def configuration() -> str:
    """Every key of `config.yaml`: default and range from the schema, the text from the file's own comments."""
    comments = read_comments((ROOT / "config.yaml").read_text())
    parts, text = [], ""
    rows: dict[str, list[tuple[str, str, str, str]]] = {}
    for key, hint, default in keys(Config):
        text = comments[key] or text  # one comment may stand above several keys
        rows.setdefault(key.rpartition(".")[0], []).append((f"`{key}`", shown(default), allowed(key, hint), text))
    for section, lines in rows.items():
        if section:
            parts.append(f"### {section}\n")
        parts.append(table(("key", "default", "allowed", "meaning"), lines))
    return "\n".join(parts)


def read_comments(text: str) -> dict[str, str]:
    """The comment above each key of the file, or beside it, by the key's path."""
    comments: dict[str, str] = {}
    path: list[str] = []
    above: list[str] = []
    for line in text.split("\n"):
        if line.strip().startswith("#"):
            above.append(line.strip().removeprefix("#").strip())
            continue
        found = re.match(r"( *)([\w.]+):\s*[^#]*(?:#\s*(.*))?$", line)
        if found:
            path = [*path[: len(found[1]) // 2], found[2]]
            comments[".".join(path)] = " ".join(above) or found[3] or ""
        above = []
    return comments


def keys(struct: Any, prefix: str = "") -> Iterable[tuple[str, Any, Any]]:
    for field in msgspec.structs.fields(struct):
        hint = field.type
        if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
            yield from keys(hint, f"{prefix}{field.name}.")
        else:
            made = field.default_factory is not msgspec.NODEFAULT
            yield f"{prefix}{field.name}", hint, field.default_factory() if made else field.default


def shown(default: Any) -> str:
    if default is msgspec.NODEFAULT:
        return "required"
    return "`" + msgspec.json.encode(default).decode() + "`"


def allowed(key: str, hint: Any) -> str:
    if get_origin(hint) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(hint))
    if get_origin(hint) is not Annotated:
        return type_name(hint)
    kind, meta = type_name(hint), next(one for one in get_args(hint) if isinstance(one, msgspec.Meta))
    low = f"{meta.ge:,}" if meta.ge is not None else f"above {meta.gt:,}" if meta.gt is not None else ""
    high = f"{meta.le:,}" if meta.le is not None else ""
    return f"{kind}, {low} to {high}" if low and high else f"{kind}, not empty" if meta.min_length else kind


def guarded() -> str:
    return table(("librdkafka property", "why it is refused"), ((f"`{name}`", why) for name, why in GUARDED.items()))


# Metrics


def metrics() -> str:
    made = Metrics()
    labels = {one._name: one._labelnames for one in vars(made).values() if hasattr(one, "_labelnames")}
    rows = []
    for family in sorted(made.registry.collect(), key=lambda family: family.name):
        if family.name.startswith("faultline_process"):
            continue
        name = family.name + {"counter": "_total", "info": "_info"}.get(family.type, "")
        values = {
            label: sorted({s.labels[label] for s in family.samples if label in s.labels})
            for label in labels.get(family.name, ())
        }
        texts = [f"`{label}`" + (f": {', '.join(values[label])}" if values[label] else "") for label in values]
        rows.append((f"`{name}`", family.type, "; ".join(texts), family.documentation))
    return table(("metric", "type", "labels", "meaning"), rows)


# Tables


def alarm_causes() -> str:
    rows = [(f"`{name}`", *(f"`{value}`" for value in values)) for name, values in CAUSES.items()]
    taught = ("a taught class", *(f"`{value}`" for value in DEGRADED))
    return table(("specificProblem", "alarmType", "probableCause"), [*rows, taught])


def alarm_types() -> str:
    severities = ", ".join(f"`{severity.upper()}`" for severity in SEVERITIES)
    rows = [
        (f"`notify{change.capitalize()}Alarm`", "`CLEARED`" if change == "cleared" else severities)
        for change in CHANGES
    ]
    return table(("notificationType", "perceivedSeverity"), rows)


def bundle_files() -> str:
    there = sorted(path.name for path in SHIPPED.iterdir() if not path.name.startswith("_"))
    rows = described(there, BUNDLE_FILES, "files of a bundle")
    return table(("file", "content"), ((f"`{name}`", text) for name, text in rows))


def checks() -> str:
    gone = [verb for verb in CHECKS if verb not in VERBS]
    if gone:
        raise SystemExit(f"docs/generate.py: exit code 3 is described for {gone}, which are no commands.")
    return table(("command", "what 3 means"), ((f"`faultline {verb}`", text) for verb, text in CHECKS.items()))


def losses() -> str:
    rows = []
    for name, text in described(LOSSES, LOSS_SOURCES, "losses"):
        options = ", ".join(
            f"`{option}={'' if value is None else value}`" for option, value in LOSSES[name].options.items()
        )
        rows.append((f"`{name}`", text, options, ", ".join(LOSSES[name].embeddings)))
    return table(("loss", "source", "options with defaults", "embedding"), rows)


def fault_classes() -> str:
    rows = []
    for name, fault in FAULTS.items():
        duration = f"{fault.median_minutes:g}, {fault.p90_minutes:g}"
        rows.append(
            (f"`{name}`", FAULT_KINDS[fault.kind], duration, ", ".join(fault.onsets), "yes" if fault.held_out else "")
        )
    return table(("class", "kind", "minutes: median, 90 %", "onset", "held out of the training"), rows)


BLOCKS: dict[str, Callable[[], str]] = {
    "commands": lambda: commands("faultline", "detector.commands", VERBS),
    "trainer-commands": lambda: commands("faultline-trainer", "trainer.commands", TRAINER_VERBS),
    "documents": lambda: documents("faultline", DOCUMENTS),
    "trainer-documents": lambda: documents("faultline-trainer", TRAINER_DOCUMENTS),
    "document-forms": document_forms,
    "configuration": configuration,
    "guarded": guarded,
    "metrics": metrics,
    "reasons": lambda: table(
        ("reason", "what is wrong"), ((f"`{name}`", text) for name, text in described(Reason, REASONS, "rejections"))
    ),
    "reserved-names": lambda: table(("name", "is"), ((f"`{name}`", owner) for name, owner in RESERVED.items())),
    "feature-fields": lambda: fields_table(Feature, FEATURE_FIELDS),
    "label-fields": lambda: fields_table(Label, LABEL_FIELDS),
    "open-fields": lambda: fields_table(OpenAlarm, OPEN_FIELDS),
    "manifest-fields": lambda: fields_table(BundleManifest, MANIFEST_FIELDS),
    "alarm-types": alarm_types,
    "alarm-causes": alarm_causes,
    "bundle-files": bundle_files,
    "bundle-format": lambda: f"The format is version {FORMAT}.\n",
    "bundle-reasons": lambda: table(
        ("reason", "what is wrong"),
        ((f"`{name}`", text) for name, text in described(BUNDLE_REASONS, REFUSALS, "refused bundles")),
    ),
    "checks": checks,
    "losses": losses,
    "fault-classes": fault_classes,
}


if __name__ == "__main__":
    sys.exit(main())
