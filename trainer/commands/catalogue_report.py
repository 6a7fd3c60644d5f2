"""Report of `faultline-trainer catalogue`: the draft in a file or on standard output, and how much of it is unsure."""

from contextlib import nullcontext

from detector.config.loader import read_config
from detector.errors import ConfigError
from detector.json_document import make_document
from detector.output.claim import claimed
from detector.terminal import print_document, print_line, print_lines
from trainer.catalogue_draft.draft import CatalogueDraft, draft_catalogue
from trainer.catalogue_draft.files import sample_files
from trainer.catalogue_draft.writer import DRAFT, draft_yaml, write_draft
from trainer.commands.documents import CatalogueDocument
from trainer.commands.requests import CatalogueRequest


def print_draft(request: CatalogueRequest, *, json: bool) -> None:
    """Draft the catalogue, then write or print it. Raises OperatorError."""
    if request.topic == bool(request.files):
        raise ConfigError("the data is missing or ambiguous; give either files or --topic.")
    # The catalogue of a history lies in its folder, so only files are inputs that --out must not be.
    files = [path for path in request.files if path.is_file()]
    with claimed(request.out, DRAFT, inputs=files) if request.out else nullcontext():
        draft = _draft(request)
        if request.out:
            write_draft(draft, request.out)
    if json:
        print_document(_document(request, draft))
    elif request.out:
        unsure = sum(bool(feature.unsure) for feature in draft.features)
        print_line(
            f"{request.out}: {len(draft.features)} features of {draft.cells:,} cells, a sample every"
            f" {draft.period_minutes} min; {unsure} are marked `unsure`, {len(draft.left_out)} columns are left out"
        )
    else:
        print_lines(draft_yaml(draft))


def _draft(request: CatalogueRequest) -> CatalogueDraft:
    if request.topic:
        from trainer.catalogue_draft.topic import sample_topic  # Kafka's client, which files need not

        return draft_catalogue(sample_topic(read_config(request.config)), request.cell, request.time)
    return draft_catalogue(sample_files(request.files), request.cell, request.time)


def _document(request: CatalogueRequest, draft: CatalogueDraft) -> CatalogueDocument:
    return make_document(
        CatalogueDocument,
        out=str(request.out) if request.out else None,
        cell=draft.cell,
        time_column=draft.time,
        period_minutes=draft.period_minutes,
        stamp=draft.catalogue.stamp,
        records=draft.records,
        cells=draft.cells,
        features=[{"feature": part.feature, "unsure": part.unsure} for part in draft.features],
        left_out=[{"column": name, "reason": reason} for name, reason in draft.left_out],
        unsure=draft.unsure,
    )
