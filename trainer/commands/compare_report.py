"""Report of `faultline-trainer compare`: one training for each loss, encoder and seed, and a page about them."""

from collections.abc import Sequence
from pathlib import Path

from detector.core.encoder import device
from detector.native_stderr import silence_native_stderr
from detector.output.claim import claimed, claimed_folder
from trainer.commands.requests import CompareRequest
from trainer.console import console, timed_step
from trainer.data.cache import UNFINISHED_TRAINING
from trainer.loss_comparison.dataset import DatasetSize, simulate_dataset
from trainer.loss_comparison.experiment import run_experiment
from trainer.loss_comparison.report.writer import FILES, write_report
from trainer.loss_comparison.variants import Variant, parse_variants


def print_comparison(request: CompareRequest) -> None:
    """Run the comparison, write its page and figures, and print a line for each result. Raises OperatorError."""
    variants = parse_variants(request.losses, request.encoders)
    examples = request.out / "examples"
    with claimed_folder(request.out, FILES), claimed(examples, UNFINISHED_TRAINING):
        _compare(request, variants, examples)


def _compare(request: CompareRequest, variants: Sequence[Variant], examples: Path) -> None:
    amounts = DatasetSize(request.classes, request.each, request.cells)
    dataset = simulate_dataset(amounts, examples, request.workers, timed_step)
    with silence_native_stderr():
        device()
    results = run_experiment(variants, request.seeds, dataset, request.steps, request.budget_minutes)
    report = write_report(results, request.cells, request.out)
    for row in report.rows:
        result = f"{row.unseen.share:.3f} ± {row.unseen.half:.3f}" if row.unseen else f"{row.state}: {row.reason}"
        console.print(f"  {row.name:<32} {row.encoder:<12} {result}", markup=False)
    console.print(f"{request.out / 'compare.html'}: {len(report.rows)} rows; {report.gap}", markup=False)
