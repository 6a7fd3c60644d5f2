"""Progress bar of a training run."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from trainer.console import console, print_duration

if TYPE_CHECKING:  # the training is heavy, and other verbs print too
    from trainer.training.loop import StepMetrics


@contextmanager
def training_progress(text: str, steps: int) -> Iterator[Callable[["StepMetrics"], None]]:
    """A bar with the loss, the spread and the figure that matters; where no one looks, a line per examination."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    begin, shown = monotonic(), {"figure": ""}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[told]}"))
    told = Progress(*columns, TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal)
    with told as progress:
        bar = progress.add_task(text, total=steps, told="")

        def tell(moment: "StepMetrics") -> None:
            if moment.figure is not None:
                shown["figure"] = f"one-shot {moment.figure.share:.3f} ± {moment.figure.half:.3f}  "
                if not console.is_terminal:
                    console.print(f"  step {moment.step}: {_told(moment, shown['figure'])}")
            progress.update(bar, completed=moment.step, told=_told(moment, shown["figure"]))

        yield tell
    print_duration(text, begin)


def _told(moment: "StepMetrics", figure: str) -> str:
    return f"{figure}loss {moment.loss:.3f}  spread {moment.spread:.3f}"
