"""The page of the catalogue: its examples are read, its lists are those of the program, its mistakes are told so."""

import re

import pytest

from detector.config.catalogue import read_catalogue
from detector.config.catalogue_rules import KINDS, LONGEST_NAME, TRANSFORMS
from detector.core.vocabulary import PERIODS, STAMPS
from detector.errors import ConfigError
from tests.docs.pages import DOCS

PAGE = (DOCS / "reference" / "catalogue.md").read_text()
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("number", "features"), [(0, 4), (1, 2)])
def test_an_example_of_the_page_is_read(tmp_path, number, features):
    (tmp_path / "c.yaml").write_text(EXAMPLES[number])

    assert len(read_catalogue(tmp_path / "c.yaml")) == features
    assert len(EXAMPLES) == 2


def test_the_words_of_the_page_are_those_of_the_program():
    words = ", ".join(f"`{word}`" for word in STAMPS)

    assert f"| `period_minutes` | {', '.join(map(str, PERIODS))} | 1 |" in PAGE
    assert f"| `stamp` | {words} | `{STAMPS[0]}` |" in PAGE
    assert f"**`kind`** is {', '.join(f'`{kind}`' for kind in KINDS[:-1])} or `{KINDS[-1]}`" in PAGE
    assert f"**`transform`** is {' or '.join(f'`{transform}`' for transform in TRANSFORMS)}" in PAGE
    assert f"at most {LONGEST_NAME} characters" in PAGE


def test_the_mistakes_of_the_page_are_told_so(tmp_path):
    shown = " ".join(PAGE.split("```text\n")[1].split("```")[0].split()).removeprefix("faultline-trainer: ")
    feature = '{{name: {}, unit: "1", kind: counter, transform: {}, low: 0, high: 1}}'
    lines = ["period_minutes: 900", "stamp: begin", "features:", f"- {feature.format('rrc_succ', 'log')}"]
    lines += [f"- {feature.format(name, 'log1p')}" for name in "abcd"]
    path = tmp_path / "catalogue.yaml"
    path.write_text("\n".join([*lines, f"- {feature.format('minute', 'log1p')}"]))

    with pytest.raises(ConfigError) as refused:
        read_catalogue(path)

    assert str(refused.value).replace(f"{path}", "catalogue.yaml") == shown
