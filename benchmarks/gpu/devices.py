"""Which of Keras' backends sees a GPU here, and how it is made to compute in full single precision."""

from importlib.util import find_spec


def find() -> str | None:
    """The first backend, in Keras' order, that is installed and sees a GPU; None where none does."""
    return next((name for name, sees in SEES.items() if find_spec(name) and sees()), None)


def compute_exactly(backend: str) -> None:
    """Without TF32, whose products carry ten bits of each number: embeddings are compared to 1e-3."""
    if backend == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_tensor_float_32_execution(False)
    elif backend == "torch":
        import torch

        torch.set_float32_matmul_precision("highest")
    else:
        import jax

        jax.config.update("jax_default_matmul_precision", "highest")


def _tensorflow() -> bool:
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))


def _torch() -> bool:
    import torch

    return bool(torch.cuda.is_available())


def _jax() -> bool:
    import jax

    return any(device.platform == "gpu" for device in jax.devices())


SEES = {"tensorflow": _tensorflow, "torch": _torch, "jax": _jax}
