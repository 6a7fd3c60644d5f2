"""Report of `faultline-trainer compare`: one training for each loss, encoder and seed, and a page about them."""

from collections.abc import Sequence
from pathlib import Path

from detector.core.encoder import device
from detector.json_document import make_document
from detector.native_stderr import silence_native_stderr
from detector.output.claim import claimed, claimed_folder
from detector.terminal import print_document, print_line
from trainer.commands.documents import ComparisonDocument
from trainer.commands.requests import CompareRequest
from trainer.console import progress_on_stderr, timed_step
from trainer.data.cache import UNFINISHED_TRAINING
from trainer.loss_comparison.dataset import DatasetSize, simulate_dataset
from trainer.loss_comparison.experiment import run_experiment
from trainer.loss_comparison.report.summary import Report
from trainer.loss_comparison.report.writer import FILES, write_report
from trainer.loss_comparison.variants import Variant, parse_variants


def print_comparison(request: CompareRequest, *, json: bool) -> None:
    """Run the comparison, write its page and figures, and print a line for each result. Raises OperatorError."""
    variants = parse_variants(request.losses, request.encoders)
    examples = request.out / "examples"
    with (
        claimed_folder(request.out, FILES),
        claimed(examples, UNFINISHED_TRAINING),
        progress_on_stderr(json),
    ):
        report = _compare(request, variants, examples)
    rows = [
        {
            "name": row.name,
            "encoder": row.encoder,
            "state": row.state,
            "reason": row.reason,
            "share": row.unseen.share if row.unseen else None,
            "half": row.unseen.half if row.unseen else None,
        }
        for row in report.rows
    ]
    page = request.out / "compare.html"
    if json:
        print_document(make_document(ComparisonDocument, page=str(page), gap=report.gap, rows=rows))
        return
    for row in report.rows:
        result = f"{row.unseen.share:.3f} ± {row.unseen.half:.3f}" if row.unseen else f"{row.state}: {row.reason}"
        print_line(f"  {row.name:<32} {row.encoder:<12} {result}")
    print_line(f"{page}: {len(report.rows)} rows; {report.gap}")


def _compare(request: CompareRequest, variants: Sequence[Variant], examples: Path) -> Report:
    """Train every variant on the same windows, and write the page and the figures."""
    amounts = DatasetSize(request.classes, request.each, request.cells)
    dataset = simulate_dataset(amounts, examples, request.workers, timed_step)
    with silence_native_stderr():
        device()
    results = run_experiment(variants, request.seeds, dataset, request.steps, request.budget_minutes)
    return write_report(results, request.cells, request.out)
