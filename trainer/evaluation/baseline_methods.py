"""Methods that compare a window with an exemplar: the encoder, and baselines without training on faults.

Each method embeds a window as a vector; an exemplar is the mean of its windows' vectors. The benefit of the encoder is
its lead over the best baseline.
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

EMBEDDED_AT_ONCE = 256
"""Windows embedded together: MiniRocket's vectors have 40 kB each."""

WARP_MINUTES = 6
"""Largest time shift of DTW: a tenth of the series, as is usual in the literature."""

WARPED_EPISODES = 8
"""Episodes of each class on which DTW is evaluated, with one question each: a comparison takes a tenth of a
millisecond, a thousand times as long as a dot product."""

KERNELS = 10_000
"""Default of MiniRocket."""

LEAST_SPREAD = 1e-3
"""Least spread of a MiniRocket feature over normal windows; a feature below it is constant and must not dominate."""


@dataclass(frozen=True)
class Method:
    """Embedding and similarity of one method."""

    name: str
    embed: Callable[[NDArray[np.int8]], Vectors]
    """# int8 [n, 60, F] -> [n, D]"""
    compare: Callable[[Vectors, Vectors], Vectors]
    """Similarity of questions and exemplars; larger is nearer. # [q, D], [e, D] -> [q, e]"""
    per_class: int | None = None
    """Episodes of each class on which a slow method is evaluated, with one question each; None: all."""


@dataclass(frozen=True)
class MissingLibrary:
    """Method whose library is not installed."""

    name: str
    library: str


def methods(windows: EvaluationWindows, encode: Encode, rng: np.random.Generator) -> list[Method | MissingLibrary]:
    """Return all methods, the encoder first. MiniRocket's biases and scales come from this network's normal windows."""
    return [
        Method(ENCODER, lambda codes: encode(codes).direction.astype(np.float32), cosine),
        Method("clipped summary, cosine", summary, cosine),
        Method("1-NN, flat, Euclidean", _flat_deviations, closeness),
        Method("1-NN, DTW", _flat_deviations, dtw_similarity, WARPED_EPISODES)
        if find_spec("dtaidistance")
        else MissingLibrary("1-NN, DTW", "dtaidistance"),
        Method("MiniRocket, cosine", _rocket(windows.normal_windows, rng), cosine)
        if find_spec("sktime") and find_spec("numba") and len(windows.normal_windows)
        else MissingLibrary("MiniRocket, cosine", "sktime"),
    ]


def similarities(
    method: Method, windows: EvaluationWindows, questions: NDArray[np.int64], episodes: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return the similarity of these questions and these episodes' exemplars. # [q], [e] -> [q, e]"""
    bounds = np.searchsorted(windows.exemplar_episode, [episodes, episodes + 1]).T.tolist()
    exemplars = np.stack([method.embed(windows.exemplar_windows[first:last]).mean(axis=0) for first, last in bounds])
    parts = [questions[at : at + EMBEDDED_AT_ONCE] for at in range(0, len(questions), EMBEDDED_AT_ONCE)]
    return np.concatenate([method.compare(method.embed(windows.question_windows[part]), exemplars) for part in parts])


def deviations(codes: NDArray[np.int8]) -> Vectors:
    """Return the codes in spreads, clipped as for the encoder; absent values become 0. # [n, 60, F] -> [n, 60, F]"""
    return np.where(codes == ABSENT, 0, codes).astype(np.float32) / np.float32(STEPS)


def _flat_deviations(codes: NDArray[np.int8]) -> Vectors:
    return deviations(codes).reshape(len(codes), -1)


def summary(codes: NDArray[np.int8]) -> Vectors:
    """Return mean, spread, slope and extreme of clipped deviations, unit length: the plain baseline. # -> [n, 4 F]"""
    values = np.where(codes == ABSENT, 0, codes).astype(np.float32) / 16
    at = np.linspace(-1, 1, values.shape[1], dtype=np.float32)[None, :, None]
    rows = [values.mean(axis=1), values.std(axis=1), (values * at).mean(axis=1) * 3, np.abs(values).max(axis=1) * 0.3]
    joined = np.concatenate(rows, axis=1)
    return np.asarray(joined / np.maximum(np.linalg.norm(joined, axis=1, keepdims=True), 1e-6))


def closeness(queries: Vectors, supports: Vectors) -> Vectors:
    """Return the negative squared Euclidean distance. # [q, D], [s, D] -> [q, s]"""
    return 2 * queries @ supports.T - (queries**2).sum(axis=1)[:, None] - (supports**2).sum(axis=1)


def cosine(queries: Vectors, supports: Vectors) -> Vectors:
    """Return the cosine. # [q, D], [s, D] -> [q, s]"""
    lengths = np.linalg.norm(queries, axis=1)[:, None] * np.linalg.norm(supports, axis=1)
    return queries @ supports.T / (lengths + 1e-9)


def dtw_similarity(queries: Vectors, supports: Vectors) -> Vectors:
    """Return the negative DTW distance, all features warped together. # [q, 60 F], [s, 60 F] -> [q, s]

    Source: Sakoe and Chiba, 1978.
    """
    from dtaidistance import dtw_ndim

    series = [rows.reshape(len(rows), WINDOW, -1).astype(np.float64) for rows in (queries, supports)]
    return np.array(
        [
            [-dtw_ndim.distance_fast(query, support, window=WARP_MINUTES) for support in series[1]]
            for query in series[0]
        ],
        np.float32,
    )


def _rocket(normal: NDArray[np.int8], rng: np.random.Generator) -> Callable[[NDArray[np.int8]], Vectors]:
    """Return MiniRocket's random convolutions, standardised by their outputs for normal windows.

    Source: Dempster et al., 2021.
    """
    from sktime.transformations.panel.rocket import MiniRocketMultivariate

    sample = normal[:EMBEDDED_AT_ONCE]
    kernels = MiniRocketMultivariate(num_kernels=KERNELS, random_state=int(rng.integers(2**31)))

    def series(windows: NDArray[np.int8]) -> NDArray[np.float32]:
        return np.ascontiguousarray(deviations(windows).swapaxes(1, 2))

    kernels.fit(series(sample))
    outputs = kernels.transform(series(sample)).to_numpy()
    mean, spread = outputs.mean(axis=0), np.maximum(outputs.std(axis=0), LEAST_SPREAD)
    return lambda windows: ((kernels.transform(series(windows)).to_numpy() - mean) / spread).astype(np.float32)
