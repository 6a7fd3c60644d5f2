"""The kinds by name, and the one place where a spec becomes a network."""

from detector.core.networks.conv import CONV
from detector.core.networks.gru import GRU
from detector.core.networks.lstm import LSTM
from detector.core.networks.shared import SHARED
from detector.core.networks.spec import Network, Spec
from detector.core.networks.transformer import TRANSFORMER
from detector.core.networks.tree import TREE

NETWORKS: dict[str, Network] = {
    "tree": TREE,
    "lstm": LSTM,
    "gru": GRU,
    "conv": CONV,
    "transformer": TRANSFORMER,
    "shared": SHARED,
}


def shapes(spec: Spec) -> dict[str, tuple[int, ...]]:
    """The weights of a spec, by name: what a bundle must hold, no more and no less."""
    return NETWORKS[spec.kind].shapes(spec)


def spec_of(kind: str, features: int) -> Spec:
    """The kind at its usual size."""
    network = NETWORKS[kind]
    return Spec(features, kind, *network.widths, dimension=network.dimension(features))
