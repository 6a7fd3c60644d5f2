"""FAISS' exact search on a GPU beside the same on the CPU."""

import time
from importlib.util import find_spec

import numpy as np

EXEMPLARS, QUERIES, NEAREST, DIMENSION = 5000, 1024, 10, 64
"""As many as a bundle's normal bank and a large library; a large batch of windows."""


def compare_search() -> dict[str, float] | None:
    """Queries per second of both, and the largest difference of a cosine; None where faiss sees no GPU."""
    if find_spec("faiss") is None:
        return None
    import faiss

    if not hasattr(faiss, "StandardGpuResources") or faiss.get_num_gpus() == 0:
        return None
    rng = np.random.default_rng(0)
    exemplars, queries = unit(rng, EXEMPLARS), unit(rng, QUERIES)
    index = faiss.IndexFlatIP(DIMENSION)
    index.add(exemplars)
    moved = faiss.index_cpu_to_gpu(faiss.StandardGpuResources(), 0, index)
    cosines = [found.search(queries, NEAREST)[0] for found in (index, moved)]
    return {
        "queries_per_second_cpu": per_second(index, queries),
        "queries_per_second_gpu": per_second(moved, queries),
        "largest_difference": float(np.abs(cosines[0] - cosines[1]).max()),
    }


def unit(rng: np.random.Generator, count: int) -> np.ndarray:
    rows = rng.normal(size=(count, DIMENSION)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def per_second(index: object, queries: np.ndarray) -> float:
    times = []
    for _ in range(20):
        begin = time.perf_counter()
        index.search(queries, NEAREST)  # type: ignore[attr-defined]  # faiss has no types
        times.append(time.perf_counter() - begin)
    return len(queries) / float(np.median(times))
