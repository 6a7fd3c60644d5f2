"""A stage as the service's tests have it, and the programs that deploy/ is held against."""

from collections.abc import Callable

import pytest

from tests.conftest import unavailable
from tests.deploy.programs import ProgramUnavailable, program
from tests.service.conftest import bundle, other_bundle, stage

__all__ = ["bundle", "other_bundle", "stage"]


@pytest.fixture
def fetched() -> Callable[[str], str]:
    """Gives a program's path, or skips the test (in CI: fails it)."""

    def get(name: str) -> str:
        try:
            return program(name)
        except ProgramUnavailable as reason:
            unavailable(str(reason))

    return get
