"""Report of `faultline pack`: an exported pack, or the preview and publication of an imported one."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from detector.bundle.format import read_bundle
from detector.commands.documents import PackExportDocument, PackImportDocument
from detector.commands.requests import PackExportRequest, PackImportRequest
from detector.compaction import newest_values
from detector.config.schema import Config
from detector.errors import LabelError
from detector.json_document import make_document
from detector.kafka.cluster.checks import check_labels_topic
from detector.kafka.readers.label_topic import publish_labels, read_labels
from detector.labels.label import Label, read_label, write_label
from detector.labels.packs import PackEntry, PackError, check_classes, check_entries, read_pack, write_pack
from detector.terminal import level, number_column, print_document, print_line, print_lines, print_table, text_column

if TYPE_CHECKING:
    from detector.teaching.pack_import import PackForecast

REFUSALS_SHOWN = 10

STATES = ("new", "known", "replaces", "refused")


@dataclass(frozen=True)
class _ImportOutcome:
    """A previewed pack: its digest, the import state of each entry, and the labels that were or would be published."""

    digest: str
    entries: Sequence[PackEntry]
    labels: Sequence[Label]
    forecast: "PackForecast | None"

    @property
    def refused(self) -> list[PackEntry]:
        return [entry for entry in self.entries if entry.state == "refused"]

    @property
    def quarantined(self) -> int:
        return sum(label.quarantined for label in self.labels)

    @property
    def forced(self) -> int:
        return sum(label.forced for label in self.labels)


def export_pack(config: Config, request: PackExportRequest) -> None:
    """Write the labels in force to a file, and print its SHA-256. Raises OperatorError."""
    catalogue = read_bundle(Path(config.bundle), config.trusted_keys).catalogue
    labels, left_out = _exportable(config, catalogue.digest, request.classes)
    if not labels:
        raise LabelError("no label can be exported; `faultline labels` prints the labels in force.")
    pack = write_pack(request.file, [write_label(label) for label in labels], catalogue.digest, request.signer)
    counts = dict(sorted(Counter(label.name for label in labels).items()))
    if request.json:
        fields = {"file": str(request.file), "labels": len(labels), "left_out": left_out, "sha256": pack.digest}
        print_document(make_document(PackExportDocument, fields, classes=counts))
        return
    print_table([text_column("class"), number_column("labels")], counts.items())
    if left_out:
        print_line(f"{left_out} labels were left out: they have other features, or cannot be read")
    signed = f", signed by key {request.signer.id}" if request.signer else ""
    print_line(f"{request.file}: {len(pack.labels)} labels, sha256 {pack.digest}{signed}")


def import_pack(config: Config, request: PackImportRequest) -> bool:
    """Preview a pack and, if it is accepted, publish it; return whether no label is refused or in quarantine.

    Raises OperatorError.
    """
    from detector.teaching.pack_import import preview_pack  # not with the module: an export must not wait for it

    pack = read_pack(request.file, config.trusted_keys)
    if request.sha256 and request.sha256.lower() != pack.digest:
        raise PackError(
            f"{request.file}: has sha256 {pack.digest}, and --sha256 is {request.sha256}; do not accept this file, ask"
            " its sender."
        )
    catalogue = read_bundle(Path(config.bundle), config.trusted_keys).catalogue
    if request.accept:
        check_labels_topic(config)
    known = list(read_labels(config))
    entries = check_entries(pack, catalogue, newest_values(known))
    labels = [entry.label for entry in entries if entry.label and entry.state in ("new", "replaces")]
    forecast = preview_pack(config, labels, known, request.sample) if labels else None
    decided = [forecast.decide(label, request.force) for label in labels] if forecast else []
    if request.accept and decided:
        publish_labels(config, *((label.id.encode(), write_label(label)) for label in decided))
    outcome = _ImportOutcome(pack.digest, entries, decided, forecast)
    if request.json:
        _print_json(outcome, published=request.accept)
    else:
        _print_text(outcome, published=request.accept)
    return not (outcome.quarantined or outcome.refused)


def _exportable(config: Config, catalogue: str, classes: Sequence[str]) -> tuple[list[Label], int]:
    """Return the labels of these classes, and the number of labels that have other features or cannot be read."""
    readable, left_out = [], 0
    for value in newest_values(read_labels(config)).values():
        try:
            readable.append(read_label(value))
        except LabelError:
            left_out += 1
    check_classes(classes, (label.name for label in readable))
    wanted = [label for label in readable if not classes or label.name in classes]
    labels = [label for label in wanted if label.catalogue == catalogue]
    return labels, left_out + len(wanted) - len(labels)


def _print_json(outcome: _ImportOutcome, *, published: bool) -> None:
    fields = {
        "sha256": outcome.digest,
        "published": published,
        "to_take": len(outcome.labels),
        "quarantined": outcome.quarantined,
        "forced": outcome.forced,
        "refused": len(outcome.refused),
        "forecast": outcome.forecast,
        "why": [entry.reason for entry in outcome.refused],
    }
    print_document(make_document(PackImportDocument, fields))


def _print_text(outcome: _ImportOutcome, *, published: bool) -> None:
    from detector.teaching.preview_text import pack_lines

    counts = Counter((entry.label.name, entry.label.kind, entry.state) for entry in outcome.entries if entry.label)
    rows = [(*key, *(counts[*key, state] for state in STATES)) for key in sorted({key[:2] for key in counts})]
    print_table([text_column("class"), text_column("kind"), *map(number_column, STATES)], rows)
    for entry in outcome.refused[:REFUSALS_SHOWN]:
        print_line(f"  line {entry.line} ", level("refused"), f": {entry.reason}")
    if outcome.forecast:
        print_lines(pack_lines(outcome.forecast))
    print_line(f"sha256 {outcome.digest}")
    print_line(_conclusion(outcome, published=published))


def _conclusion(outcome: _ImportOutcome, *, published: bool) -> str:
    limits = ""
    if outcome.quarantined:
        limits = f", {outcome.quarantined} in quarantine (--force: in force)"
    elif outcome.forced:
        limits = f", {outcome.forced} by force"
    state = "published: in force within 5 s" if published else "nothing was published (--accept)"
    return f"{len(outcome.labels)} labels to import{limits}, {len(outcome.refused)} refused; {state}"
