"""Spec of a network, and the definitions that all kinds share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

DIMENSION = 64
"""Dimension of a direction, unless a kind has reasons for another."""


@dataclass(frozen=True)
class Spec:
    """Spec of a network: with it, the weights make the network. It lies in the bundle beside them."""

    features: int
    kind: str = "tree"
    first: int = 64
    second: int = 64
    """Widths of the kind's two layers; each kind's `shapes` says which."""
    hidden: int = 192
    dimension: int = DIMENSION
    shift: int = 48
    """Number of coordinates of a window's shift from normal. 48 hold 93 % of the effect of procedural faults, and no
    detection was lost against all 130."""


class Output(NamedTuple):
    """Output of every network for n windows."""

    raw: Any
    """The direction before it is of unit length. # f32 [n, D]"""
    moving_averages: dict[str, Any] = {}  # noqa: RUF012  # never written to
    """New values of the moving averages, by name; empty outside training."""


Arrays = Mapping[str, Any]

Drop = Callable[[Any], Any]
"""Dropout of the hidden layer in training."""


@dataclass(frozen=True, kw_only=True)
class NetworkDefinition:
    """Definition of one kind of network."""

    shapes: Callable[[Spec], dict[str, tuple[int, ...]]]
    """Shapes of all arrays by name: a bundle must hold these, no more and no less."""
    forward: Callable[..., Output]
    """View, weights by name, Drop in training -> Output"""
    widths: tuple[int, int]
    """Usual `first` and `second`: the network then has about the tree's number of weights."""
    untrained_arrays: frozenset[str] = field(default=frozenset({"centre", "whiten", "project"}))
    """Names of the arrays that no gradient updates: measured ones, or moving averages."""
    fold_whitening: Callable[[Arrays], Arrays] | None = None
    """Multiply the whitening into the weights, so that they take the unwhitened view; where a kind allows it."""
    whitens_input: bool = False
    """True where the network whitens its input itself; it then takes the unwhitened view."""
    dimension: Callable[[int], int] = lambda features: DIMENSION
    """Dimension of a direction, for this number of features."""
