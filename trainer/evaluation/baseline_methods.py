"""Ways of comparing a window with an example: the encoder, and beside it what can be done without learning anything.

Each makes a vector of a window; an example is the mean of its windows' vectors. The encoder earns its keep by what it
adds to the best of the others.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from detector.core.encoder import Encode
from detector.core.features import ABSENT, STEPS, WINDOW
from trainer.evaluation.dataset import EvaluationWindows

Vectors = NDArray[np.float32]

ENCODER = "encoder"

AT_ONCE = 256
"""Windows made into vectors at a time: MiniRocket's are of 40 kB each."""

WARP_MINUTES = 6
"""How far time may be warped: the tenth of a series that is usual in the literature."""

WARPED_EPISODES = 8
"""Of a class, one question each: a comparison takes a tenth of a millisecond, a thousand times a product of vectors."""

KERNELS = 10_000
"""MiniRocket's own number."""

LEAST_SPREAD = 1e-3
"""Of a MiniRocket feature over normal windows: below it the feature is constant, and no needle."""


@dataclass(frozen=True)
class Method:
    name: str
    embed: Callable[[NDArray[np.int8]], Vectors]
    """# int8 [n, 60, F] -> [n, D]"""
    compare: Callable[[Vectors, Vectors], Vectors]
    """Similarity of questions and examples, larger is nearer. # [q, D], [e, D] -> [q, e]"""
    per_class: int | None = None
    """Episodes of a class that it can afford, one question each; None: all."""


@dataclass(frozen=True)
class MissingLibrary:
    """A method whose library is not installed."""

    name: str
    library: str


def methods(cut: EvaluationWindows, encode: Encode, rng: np.random.Generator) -> list[Method | MissingLibrary]:
    """The encoder first. MiniRocket's biases and scales come from normal windows: it, too, is at home here."""
    return [
        Method(ENCODER, lambda windows: encode(windows).direction.astype(np.float32), cosine),
        Method("clipped summary, cosine", summary, cosine),
        Method("1-NN, flat, Euclidean", lambda windows: deviations(windows).reshape(len(windows), -1), closeness),
        Method(
            "1-NN, DTW", lambda windows: deviations(windows).reshape(len(windows), -1), dtw_similarity, WARPED_EPISODES
        )
        if find_spec("dtaidistance")
        else MissingLibrary("1-NN, DTW", "dtaidistance"),
        Method("MiniRocket, cosine", _rocket(cut.normal, rng), cosine)
        if find_spec("sktime") and find_spec("numba") and len(cut.normal)
        else MissingLibrary("MiniRocket, cosine", "sktime"),
    ]


def similarities(
    method: Method, cut: EvaluationWindows, questions: NDArray[np.int64], episodes: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Of some questions and episodes of the cut. # [q], [e] -> [q, e]"""
    bounds = np.searchsorted(cut.shown_of, [episodes, episodes + 1]).T.tolist()
    examples = np.stack([method.embed(cut.shown[first:last]).mean(axis=0) for first, last in bounds])
    parts = [questions[at : at + AT_ONCE] for at in range(0, len(questions), AT_ONCE)]
    return np.concatenate([method.compare(method.embed(cut.asked[part]), examples) for part in parts])


def deviations(codes: NDArray[np.int8]) -> Vectors:
    """In spreads, clipped as the encoder's; what is not reported does not deviate. # [n, 60, F] -> [n, 60, F]"""
    return np.where(codes == ABSENT, 0, codes).astype(np.float32) / np.float32(STEPS)


def summary(codes: NDArray[np.int8]) -> Vectors:
    """The plain method to beat: mean, spread, slope and extreme of clipped deviations, unit length. # -> [n, 4 F]"""
    values = np.where(codes == ABSENT, 0, codes).astype(np.float32) / 16
    at = np.linspace(-1, 1, values.shape[1], dtype=np.float32)[None, :, None]
    rows = [values.mean(axis=1), values.std(axis=1), (values * at).mean(axis=1) * 3, np.abs(values).max(axis=1) * 0.3]
    joined = np.concatenate(rows, axis=1)
    return np.asarray(joined / np.maximum(np.linalg.norm(joined, axis=1, keepdims=True), 1e-6))


def closeness(queries: Vectors, supports: Vectors) -> Vectors:
    """Less the squared Euclidean distance. # [q, D], [s, D] -> [q, s]"""
    return 2 * queries @ supports.T - (queries**2).sum(axis=1)[:, None] - (supports**2).sum(axis=1)


def cosine(queries: Vectors, supports: Vectors) -> Vectors:
    """# [q, D], [s, D] -> [q, s]"""
    lengths = np.linalg.norm(queries, axis=1)[:, None] * np.linalg.norm(supports, axis=1)
    return queries @ supports.T / (lengths + 1e-9)


def dtw_similarity(queries: Vectors, supports: Vectors) -> Vectors:
    """Less the distance after all features together were warped in time (Sakoe and Chiba, 1978). # -> [q, s]"""
    from dtaidistance import dtw_ndim

    series = [rows.reshape(len(rows), WINDOW, -1).astype(np.float64) for rows in (queries, supports)]
    return np.array(
        [[-dtw_ndim.distance_fast(one, other, window=WARP_MINUTES) for other in series[1]] for one in series[0]],
        np.float32,
    )


def _rocket(normal: NDArray[np.int8], rng: np.random.Generator) -> Callable[[NDArray[np.int8]], Vectors]:
    """Random convolutions (MiniRocket, Dempster et al., 2021), each in the spreads of normal windows' answers."""
    from sktime.transformations.panel.rocket import MiniRocketMultivariate

    known = normal[:AT_ONCE]
    kernels = MiniRocketMultivariate(num_kernels=KERNELS, random_state=int(rng.integers(2**31)))

    def series(windows: NDArray[np.int8]) -> NDArray[np.float32]:
        return np.ascontiguousarray(deviations(windows).swapaxes(1, 2))

    kernels.fit(series(known))
    usual = kernels.transform(series(known)).to_numpy()
    mean, spread = usual.mean(axis=0), np.maximum(usual.std(axis=0), LEAST_SPREAD)
    return lambda windows: ((kernels.transform(series(windows)).to_numpy() - mean) / spread).astype(np.float32)
