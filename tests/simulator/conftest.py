import pytest

from trainer.simulator import Network


@pytest.fixture(scope="session")
def town() -> Network:
    """Small network with every kind of cell."""
    return Network(300, seed=1)
