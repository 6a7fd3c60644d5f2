"""Short form of the fuzzing: every target, a few hundred inputs."""

import pytest

from tests.fuzz.__main__ import run
from tests.fuzz.targets import targets

SEED = 20261130
"""Constant, so that a failure in CI is found again."""


@pytest.mark.slow
@pytest.mark.parametrize("name", targets())
def test_a_strangers_bytes_end_in_a_value_or_in_a_sentence(name: str) -> None:
    target = targets()[name]
    assert run(name, target, SEED, target.examples // 2)
