"""A training's curves for TensorBoard, as event files.

Written with TensorFlow's own writer: `tf.summary.scalar` asks for the `tensorboard` package, which only whoever looks
at the curves needs. `write` with the scalar plugin's name comes to the same file.
"""

from pathlib import Path
from typing import Any

from trainer.training.loop import StepMetrics

EVERY = 10
"""Steps; loss and spread move over hundreds."""


class Curves:
    """Loss, spread and rate every few steps; the one-shot figure wherever there was an examination."""

    def __init__(self, folder: Path) -> None:
        import tensorflow as tf

        self._writer = tf.summary.create_file_writer(str(folder))
        plugin = tf.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars")
        self._metadata = tf.compat.v1.SummaryMetadata(plugin_data=plugin)

    def tell(self, moment: StepMetrics) -> None:
        curves: dict[str, float] = {}
        if moment.step % EVERY == 0:
            curves = {"loss": moment.loss, "spread": moment.spread, "rate": moment.rate}
        if moment.figure is not None:
            curves |= {"one_shot": moment.figure.share, "one_shot_half_interval": moment.figure.half}
        if curves:
            self._write(curves, moment.step)

    def close(self) -> None:
        self._writer.close()

    def _write(self, curves: dict[str, Any], step: int) -> None:
        import tensorflow as tf

        with self._writer.as_default(step=step):
            for name, value in curves.items():
                tf.summary.write(name, tf.constant(value, tf.float32), metadata=self._metadata)
        if "one_shot" in curves:
            self._writer.flush()
