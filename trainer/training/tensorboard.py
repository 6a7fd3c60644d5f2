"""TensorBoard curves of a training, as event files.

The files are written with TensorFlow's own writer: `tf.summary.scalar` needs the `tensorboard` package, which is
otherwise needed only to view the curves. `write` with the scalar plugin's name produces the same file.
"""

from pathlib import Path
from typing import Any

from trainer.training.loop import StepMetrics

EVERY = 10
"""Steps between two points of a curve; loss and spread change over hundreds of steps."""


class Curves:
    """Event file with loss, spread and rate every few steps, and one-shot accuracy at every validation run."""

    def __init__(self, folder: Path) -> None:
        import tensorflow as tf

        self._writer = tf.summary.create_file_writer(str(folder))
        plugin = tf.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars")
        self._metadata = tf.compat.v1.SummaryMetadata(plugin_data=plugin)

    def record(self, metrics: StepMetrics) -> None:
        """Write the points that are due after this step."""
        curves: dict[str, float] = {}
        if metrics.step % EVERY == 0:
            curves = {"loss": metrics.loss, "spread": metrics.spread, "rate": metrics.rate}
        if metrics.one_shot is not None:
            curves |= {"one_shot": metrics.one_shot.share, "one_shot_half_interval": metrics.one_shot.half_width}
        if curves:
            self._write(curves, metrics.step)

    def close(self) -> None:
        self._writer.close()

    def _write(self, curves: dict[str, Any], step: int) -> None:
        import tensorflow as tf

        with self._writer.as_default(step=step):
            for name, value in curves.items():
                tf.summary.write(name, tf.constant(value, tf.float32), metadata=self._metadata)
        if "one_shot" in curves:
            self._writer.flush()
