"""The page "Where is …?": its answers are files that exist, and together they name every package."""

import re

import pytest

from tests.docs.pages import DOCS, ROOT

PAGE = (DOCS / "where.md").read_text()
PATHS = sorted(set(re.findall(r"`((?:detector|trainer|tests|deploy)/[\w/.]*)`", PAGE)))


@pytest.mark.parametrize("path", PATHS)
def test_a_path_that_is_named_exists(path):
    assert (ROOT / path).exists()


def test_at_least_ten_questions_are_answered():
    questions = [line for line in PAGE.splitlines() if line.startswith("| Where ")]

    assert len(questions) >= 10
    assert all("`" in question for question in questions)


def test_every_package_is_named():
    packages = {
        f"{init.parent.relative_to(ROOT)}/"
        for top in ("detector", "trainer")
        for init in ROOT.glob(f"{top}/*/__init__.py")
    }

    assert packages - set(PATHS) == set()
