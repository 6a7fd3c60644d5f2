"""The programs that deploy/ is held against."""

from collections.abc import Callable

import pytest

from tests.conftest import unavailable
from tests.deploy.programs import PACKAGES, ProgramUnavailable, program


@pytest.fixture
def fetched() -> Callable[[str], str]:
    """Gives a program's path, or skips the test; in CI one that can be fetched must be there."""

    def get(name: str) -> str:
        try:
            return program(name)
        except ProgramUnavailable as reason:
            if name in PACKAGES:
                unavailable(str(reason))
            pytest.skip(str(reason))

    return get
