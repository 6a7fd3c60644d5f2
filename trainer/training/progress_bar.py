"""Progress bar of a training run."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from trainer.console import console, print_duration

if TYPE_CHECKING:  # the training imports TensorFlow; commands without a training import this module too
    from trainer.training.loop import StepMetrics


@contextmanager
def training_progress(text: str, steps: int) -> Iterator[Callable[["StepMetrics"], None]]:
    """Show a bar with loss, spread and one-shot accuracy; without a terminal, print a line per validation run."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    begin, accuracy = monotonic(), {"text": ""}
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[metrics]}"),
    )
    bar = Progress(*columns, TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal)
    with bar as progress:
        task = progress.add_task(text, total=steps, metrics="")

        def show(metrics: "StepMetrics") -> None:
            if metrics.one_shot is not None:
                accuracy["text"] = f"one-shot {metrics.one_shot.share:.3f} ± {metrics.one_shot.half_width:.3f}  "
                if not console.is_terminal:
                    console.print(f"  step {metrics.step}: {_metrics_text(metrics, accuracy['text'])}")
            progress.update(task, completed=metrics.step, metrics=_metrics_text(metrics, accuracy["text"]))

        yield show
    print_duration(text, begin)


def _metrics_text(metrics: "StepMetrics", accuracy: str) -> str:
    return f"{accuracy}loss {metrics.loss:.3f}  spread {metrics.spread:.3f}"
