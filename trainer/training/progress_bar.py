"""Progress bar of a training run."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from detector.terminal import print_line, progress
from trainer.console import print_duration

if TYPE_CHECKING:  # the training imports TensorFlow; commands without a training import this module too
    from trainer.training.loop import StepMetrics


@contextmanager
def training_progress(text: str, steps: int) -> Iterator[Callable[["StepMetrics"], None]]:
    """Show a bar with loss, spread and one-shot accuracy; without a terminal, print a line per validation run."""
    begin, accuracy = monotonic(), {"text": ""}
    with progress(text, steps, "steps") as advance:

        def show(metrics: "StepMetrics") -> None:
            if metrics.one_shot is not None:
                accuracy["text"] = f"one-shot {metrics.one_shot.share:.3f} ± {metrics.one_shot.half_width:.3f}  "
                if not sys.stdout.isatty():
                    print_line(f"  step {metrics.step}: {_metrics_text(metrics, accuracy['text'])}")
            advance.note = _metrics_text(metrics, accuracy["text"])
            advance(metrics.step - advance.done)

        yield show
    print_duration(text, begin)


def _metrics_text(metrics: "StepMetrics", accuracy: str) -> str:
    return f"{accuracy}loss {metrics.loss:.3f}  spread {metrics.spread:.3f}"
