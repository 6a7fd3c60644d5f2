"""The slow, obvious twin of every kind of network: one window, one number after the other, in double precision."""

from collections.abc import Callable

import numpy as np

from detector.core.features import ABSENT, STEPS
from detector.core.networks.inputs import SPREAD_SCALE, WHITENED_SCALE
from detector.core.networks.spec import Spec

Weights = dict[str, np.ndarray]


def slow_network(window: np.ndarray, spec: Spec, weights: Weights) -> tuple[np.ndarray, float, np.ndarray]:
    """Direction, size and shift of one window. # int8 [60, F]"""
    present = window != ABSENT
    deviation = np.where(present, window / STEPS, 0.0)
    fives = deviation.reshape(12, 5, -1).mean(axis=1)
    rms = np.sqrt((deviation**2).mean(axis=0) * SPREAD_SCALE**2 + 1e-3)
    numbers = np.concatenate([rms, np.abs(fives).max(axis=0) * SPREAD_SCALE, present.mean(axis=0) - 1])
    out = shared(fives, rms, weights) if spec.kind == "shared" else joined(fives, numbers, spec.kind, weights)
    half_late = whitened((fives.mean(axis=0) + fives[9:].mean(axis=0)) / 2, weights)
    shift = half_late @ weights["project"]
    size = np.sqrt((shift**2).sum() / max((weights["project"] ** 2).sum(), 1.0))
    return out / np.linalg.norm(out), float(size), shift


def joined(fives: np.ndarray, numbers: np.ndarray, kind: str, weights: Weights) -> np.ndarray:
    """Of the kinds that are given whitened steps, not yet of unit length."""
    steps = np.array([whitened(five, weights) for five in fives]) * WHITENED_SCALE
    slope = sum(steps[at] * (at - 5.5) / 3.45 / 12 for at in range(12))
    lines = np.concatenate([steps.mean(axis=0), slope, steps[9:].mean(axis=0)])
    hidden = dense(np.concatenate([SHAPES[kind](steps, weights), lines, numbers]), weights, "hidden")
    return hidden @ weights["out"] + lines @ weights["straight"] + weights["out_bias"]


def whitened(deviation: np.ndarray, weights: Weights) -> np.ndarray:
    """One feature after the other. # [F]"""
    features = range(len(deviation))
    away = [deviation[k] - weights["centre"][k] for k in features]
    return np.array([sum(away[k] * float(weights["whiten"][k, to]) for k in features) for to in features])


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


def shared(fives: np.ndarray, rms: np.ndarray, weights: Weights) -> np.ndarray:
    """One feature after the other, by the same weights; not yet of unit length."""
    means = fives * SPREAD_SCALE
    half_lives_ago = np.arange(11, -1, -1) / 2
    recent = np.average(means, axis=0, weights=0.5**half_lives_ago)
    views = [recent, means.mean(axis=0), rms, means[9:].mean(axis=0) - means[:3].mean(axis=0)]
    told = [
        (view - centre) @ whiten
        for view, centre, whiten in zip(views, weights["view_centre"], weights["view_whiten"], strict=True)
    ]
    loud = np.array([np.log(np.sqrt((view**2).mean()) + 0.1) for view in told])
    tokens = []
    for four in np.array(told).T:
        heard = four @ weights["token"] + loud @ weights["crowd"] + weights["token_bias"]
        kept = np.sign(four) * np.maximum(np.abs(four) - weights["shrink"], 0)
        tokens.append(np.maximum(heard, 0) @ weights["token_out"] + kept @ weights["mix"])
    out = np.array(tokens).T.reshape(-1)
    return out @ weights["fold"] if "fold" in weights else out


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
