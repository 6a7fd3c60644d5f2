"""What normal is, for one network: its whitening, a bank of normal directions, stretches of ordinary life.

Nothing here needs a label or a gradient: it is how an encoder is made at home in another network.
"""

import numpy as np
from numpy.typing import NDArray

from detector.core.encoder import Embeddings, Encoder
from detector.core.features import ABSENT, STEPS, Baseline
from detector.core.library import Normal
from detector.core.networks.views import SQUASH
from detector.core.turns import WINDOW
from trainer.history import History
from trainer.windows import cut_windows

BANK = 512
STEP_MINUTES = 5
STRETCH_WINDOWS = 29
"""Windows of one stretch: two hours and a smoothing before them."""

STRETCHES_AT_ONCE = 64
def normal_windows(history: History, baseline: Baseline, count: int, rng: np.random.Generator) -> NDArray[np.int8]:
    """Windows from anywhere in the history, taken as normal: what is rare in it stays rare among them."""
    cell = rng.integers(len(history.cells), size=count)
    end = rng.integers(history.span[0] + WINDOW - 1, history.span[1], size=count)
    return cut_windows(history, baseline, cell, end)


def survey(history: History, baseline: Baseline, encoder: Encoder, stretches: int, rng: np.random.Generator) -> Normal:
    """The bank and the stretches of a network, embedded."""
    bank = encoder(normal_windows(history, baseline, BANK, rng)).direction
    minutes = WINDOW + (STRETCH_WINDOWS - 1) * STEP_MINUTES
    cell = rng.permutation(np.arange(stretches) % len(history.cells))
    end = rng.integers(history.span[0] + minutes - 1, history.span[1], size=stretches)
    parts = []
    for start in range(0, stretches, STRETCHES_AT_ONCE):
        part = slice(start, start + STRETCHES_AT_ONCE)
        codes = cut_windows(history, baseline, cell[part], end[part], minutes)
        windows = np.lib.stride_tricks.sliding_window_view(codes, WINDOW, axis=1)[:, ::STEP_MINUTES]
        parts.append(encoder(np.ascontiguousarray(windows.swapaxes(2, 3)).reshape(-1, WINDOW, codes.shape[2])))
    direction = np.concatenate([part.direction for part in parts]).reshape(stretches, STRETCH_WINDOWS, -1)
    size = np.concatenate([part.size for part in parts]).reshape(stretches, STRETCH_WINDOWS)
    return Normal(bank, Embeddings(direction, size), STEP_MINUTES)
