"""`make gpu`: the networks on a GPU, by whatever backend of Keras finds one: the same embeddings, and how fast.

It needs numpy, Keras and one backend. The bundle's golden windows must embed as the trainer recorded them on a CPU, and
every kind as its slow twin says, both within 1e-3. Where there is no GPU it says so and ends with 0. Leaves
build/gpu.json.
"""

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.gpu.devices import compute_exactly, find
from benchmarks.gpu.running import Embed, prepared
from benchmarks.gpu.search import compare_search
from detector.core.networks.registry import NETWORKS, RawEmbeddings, spec_of
from detector.core.networks.spec import Spec
from tests.core.networks.slow_networks import slow_network
from tests.weights import random_weights, random_windows
from trainer.pretrained.shipped import SHIPPED

RESULT = Path("build/gpu.json")
TOLERANCE = 1e-3
BATCHES = (64, 512, 1024, 8192)
"""Those of the encoder, and one in which a GPU can show what it has."""

SECONDS = 1.0
"""Of measuring, for each kind and batch."""


def main() -> int:
    backend = find()
    if backend is None:
        print("no GPU that tensorflow, torch or jax can use here: nothing was measured.")
        return 0
    os.environ["KERAS_BACKEND"] = backend
    compute_exactly(backend)
    return prove(backend, Path(sys.argv[1]) if len(sys.argv) > 1 else SHIPPED, BATCHES, SECONDS)


def prove(backend: str, bundle: Path, batches: Sequence[int], seconds: float) -> int:
    """The table; 0 when everything was as on a CPU."""
    spec, weights, golden = read(bundle)
    recorded = RawEmbeddings(golden["direction"], golden["size"], golden["shift"])
    off = difference(prepared(spec, weights)(golden["windows"]), recorded)
    print(f"{backend}: {bundle}'s {len(golden['windows'])} golden windows embed within {off:.1e} of the trainer's")
    if off > TOLERANCE:
        return refused(off)
    figures: dict[str, dict[str, float]] = {}
    print(f"\n{'':<12}" + "".join(f"{batch:>12,}" for batch in batches) + "   windows a second; off its twin; unsteady")
    windows = random_windows(np.random.default_rng(1), batches[-1], spec.features)
    for kind in NETWORKS:
        figures[kind] = measure(spec_of(kind, spec.features), windows, batches, seconds)
        rates = "".join(f"{figures[kind][str(batch)]:>12,.0f}" for batch in batches)
        print(f"{kind:<12}{rates}   {figures[kind]['off']:.1e}  {figures[kind]['unsteady']:.0f}")
    search = compare_search()
    print("\nfaiss:", json.dumps(search) if search else "no faiss-gpu here: its search was not compared.")
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps({"backend": backend, "golden": off, **figures, "faiss": search}, indent=1) + "\n")
    worst = max(*(figure["off"] for figure in figures.values()), search["largest_difference"] if search else 0.0)
    return refused(worst) if worst > TOLERANCE else 0


def refused(off: float) -> int:
    print(f"{off:.2g} away from what a CPU computes, and {TOLERANCE:g} are allowed.")
    return 1


def read(bundle: Path) -> tuple[Spec, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Spec, weights and golden windows; the detector's own reader asks for libraries that may not be here."""
    spec = Spec(**json.loads((bundle / "manifest.json").read_text())["spec"])
    with np.load(bundle / "weights.npz") as weights, np.load(bundle / "golden.npz") as golden:
        return spec, dict(weights), dict(golden)


def measure(spec: Spec, windows: np.ndarray, batches: Sequence[int], seconds: float) -> dict[str, float]:
    """One kind at its usual size: windows per second by batch, host to host; how far off; how many are unsteady."""
    weights = random_weights(spec)
    embed = prepared(spec, weights)
    told = [slow_network(window, spec, weights) for window in windows[:16]]
    off = difference(embed(windows[:64]), RawEmbeddings(*(np.array(part) for part in zip(*told, strict=True))))
    rates = {str(batch): rate(embed, windows[:batch], seconds) for batch in batches}
    return {**rates, "off": off, "unsteady": float(unsteady(embed, windows, batches))}


def difference(here: RawEmbeddings, right: RawEmbeddings) -> float:
    """The largest of a direction's coordinate, of the size's share, and of a shift's coordinate's share of the size."""
    off = [part[: len(wanted)] - wanted.astype(float) for part, wanted in zip(here, right, strict=True)]
    size = np.maximum(right.size.astype(float), TOLERANCE)
    return float(max(np.abs(off[0]).max(), (np.abs(off[1]) / size).max(), (np.abs(off[2]) / size[:, None]).max()))


def rate(embed: Embed, windows: np.ndarray, seconds: float) -> float:
    """By the median of so many seconds' batches, the first two apart: they compile."""
    times: list[float] = []
    for _ in range(2):
        embed(windows)
    while sum(times) <= seconds:
        begin = time.perf_counter()
        embed(windows)
        times.append(time.perf_counter() - begin)
    return len(windows) / float(np.median(times))


def unsteady(embed: Embed, windows: np.ndarray, batches: Sequence[int]) -> int:
    """Of 64 windows, those whose rounded bits depend on the batch they ride in."""
    alone = [part.astype(np.float16)[:64] for part in embed(windows[:64])]
    changed = np.zeros(64, bool)
    for batch in batches[:3]:
        crowd = np.concatenate([windows[64:batch], windows[:64]])
        there = [part.astype(np.float16)[-64:] for part in embed(crowd)]
        changed |= (there[1] != alone[1]) | (there[0] != alone[0]).any(axis=1) | (there[2] != alone[2]).any(axis=1)
    return int(changed.sum())


if __name__ == "__main__":
    sys.exit(main())
