import pytest

from trainer.simulator import Network


@pytest.fixture(scope="session")
def town() -> Network:
    """A small network, large enough for every kind of cell to be in it."""
    return Network(300, seed=1)
