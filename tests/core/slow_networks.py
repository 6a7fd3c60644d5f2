"""The slow, obvious twin of every kind of network: one window, one number after the other, in double precision."""

from collections.abc import Callable

import numpy as np

from detector.core.features import ABSENT, STEPS
from detector.core.networks.spec import Spec
from detector.core.networks.views import SQUASH

Weights = dict[str, np.ndarray]


def slow_network(window: np.ndarray, spec: Spec, weights: Weights) -> tuple[np.ndarray, float]:
    """Direction and size of one window. # int8 [60, F]"""
    present = window != ABSENT
    deviation = np.where(present, window * (SQUASH / STEPS), 0.0)
    means = deviation.reshape(12, 5, -1).mean(axis=1)
    slope = (means * ((np.arange(12) - 5.5) / 3.45 / 12)[:, None]).sum(axis=0)
    rms = np.sqrt((deviation**2).mean(axis=0) + 1e-3)
    numbers = [
        means.mean(axis=0), rms, slope, np.abs(means).max(axis=0), means[9:].mean(axis=0), present.mean(axis=0) - 1
    ]  # fmt: skip
    shape = SHAPES[spec.kind](means, weights)
    hidden = dense(np.concatenate([shape, np.concatenate(numbers)]), weights, "hidden")
    out = hidden @ weights["out"] + weights["out_bias"]
    return out / np.linalg.norm(out), float(np.linalg.norm((numbers[0] - weights["centre"]) @ weights["whiten"]))


def dense(values: np.ndarray, weights: Weights, name: str) -> np.ndarray:
    return np.maximum(values @ weights[name] + weights[f"{name}_bias"], 0)


def tree(means: np.ndarray, weights: Weights) -> np.ndarray:
    return dense(dense(means.reshape(4, -1), weights, "first").reshape(-1), weights, "second")


def lstm(means: np.ndarray, weights: Weights) -> np.ndarray:
    return batch_normalised(lstm_layer(lstm_layer(means, weights, "first"), weights, "second")[-1], weights)


def gru(means: np.ndarray, weights: Weights) -> np.ndarray:
    return batch_normalised(gru_layer(gru_layer(means, weights, "first"), weights, "second")[-1], weights)


def lstm_layer(steps: np.ndarray, weights: Weights, name: str) -> np.ndarray:
    units = len(weights[f"{name}_state"])
    state, memory, states = np.zeros(units), np.zeros(units), []
    for step in steps:
        gates = step @ weights[name] + weights[f"{name}_bias"] + state @ weights[f"{name}_state"]
        take, forget, give, candidate = gates.reshape(4, units)
        memory = sigmoid(forget + 1) * memory + sigmoid(take) * np.tanh(candidate)
        state = sigmoid(give) * np.tanh(memory)
        states.append(state)
    return np.array(states)


def gru_layer(steps: np.ndarray, weights: Weights, name: str) -> np.ndarray:
    units = len(weights[f"{name}_state"])
    state, states = np.zeros(units), []
    for step in steps:
        keep, reset, candidate = (step @ weights[name] + weights[f"{name}_bias"]).reshape(3, units)
        more_keep, more_reset, remembered = (state @ weights[f"{name}_state"]).reshape(3, units)
        kept = sigmoid(keep + more_keep)
        state = kept * state + (1 - kept) * np.tanh(candidate + sigmoid(reset + more_reset) * remembered)
        states.append(state)
    return np.array(states)


def conv(means: np.ndarray, weights: Weights) -> np.ndarray:
    return convolved(convolved(means, weights, "first", 1), weights, "second", 2).max(axis=0)


def convolved(steps: np.ndarray, weights: Weights, name: str, apart: int) -> np.ndarray:
    nothing = np.zeros(steps.shape[1])
    seen = [
        [steps[there] if 0 <= (there := at + k * apart) < 12 else nothing for k in (-1, 0, 1)] for at in range(12)
    ]  # fmt: skip
    return np.array([dense(np.concatenate(three), weights, name) for three in seen])


def transformer(means: np.ndarray, weights: Weights) -> np.ndarray:
    steps = means @ weights["step"] + weights["step_bias"] + weights["place"]
    for block in ("block_0", "block_1"):
        asked = row_normalised(steps, weights, f"{block}_before") @ weights[f"{block}_ask"]
        query, key, value = np.split(asked, 3, axis=1)
        heads = [slice(head * 12, head * 12 + 12) for head in range(4)]
        seen = [softmax(query[:, head] @ key[:, head].T / np.sqrt(12)) @ value[:, head] for head in heads]
        steps = steps + np.concatenate(seen, axis=1) @ weights[f"{block}_answer"]
        wide = dense(row_normalised(steps, weights, f"{block}_between"), weights, f"{block}_wide")
        steps = steps + wide @ weights[f"{block}_narrow"] + weights[f"{block}_narrow_bias"]
    return row_normalised(steps, weights, "last").mean(axis=0)


def batch_normalised(values: np.ndarray, weights: Weights) -> np.ndarray:
    scaled = (values - weights["norm_mean"]) / np.sqrt(weights["norm_variance"] + 1e-3)
    return scaled * weights["norm_scale"] + weights["norm_offset"]


def row_normalised(rows: np.ndarray, weights: Weights, name: str) -> np.ndarray:
    scaled = (rows - rows.mean(axis=1, keepdims=True)) / np.sqrt(rows.var(axis=1, keepdims=True) + 1e-3)
    return scaled * weights[f"{name}_scale"] + weights[f"{name}_offset"]


def softmax(rows: np.ndarray) -> np.ndarray:
    return np.exp(rows) / np.exp(rows).sum(axis=1, keepdims=True)


def sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))


SHAPES: dict[str, Callable[[np.ndarray, Weights], np.ndarray]] = {
    "tree": tree, "lstm": lstm, "gru": gru, "conv": conv, "transformer": transformer
}  # fmt: skip
