"""The parts of the documentation that are made from the program."""

import pytest

from tests.docs.pages import DOCS, ROOT, generator, name_of


def test_the_generated_pages_are_those_of_this_program():
    stale = [name_of(page) for page in generator().outdated_pages()]

    assert not stale, "run `python docs/generate.py`"


def test_every_block_has_a_generator_and_every_generator_a_block():
    generate = generator()

    used = [found[1] for page in DOCS.rglob("*.md") for found in generate.BLOCK.findall(page.read_text())]

    assert sorted(used) == sorted(generate.BLOCKS)


def test_a_page_that_differs_is_out_of_date(tmp_path, monkeypatch):
    generate = generator()
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- generated: reasons -->\nsomething else\n<!-- end: reasons -->\nafter\n")
    monkeypatch.setattr(generate, "DOCS", tmp_path)

    (text,) = generate.outdated_pages().values()

    assert text.startswith("before\n<!-- generated: reasons -->\n| reason |")
    assert text.endswith("<!-- end: reasons -->\nafter\n")
    assert "something else" not in text


def test_what_has_no_description_is_named():
    with pytest.raises(SystemExit, match=r"things: without a description \['new'\], described but gone \['old'\]"):
        generator().described(["new"], {"old": "It was there before."}, "things")


def test_every_key_of_the_configuration_is_described():
    generate = generator()
    page = (DOCS / "reference" / "configuration.md").read_text()

    rows = {line.split("`")[1]: line for line in page.split("\n") if line.startswith("| `")}
    texts = {key: row.replace("\\|", "").split("|")[-2].strip() for key, row in rows.items()}

    for key, _, _ in generate.keys(generate.Config):
        assert len(texts[key]) > 10, key


def test_every_key_of_config_yaml_is_a_row():
    generate = generator()
    page = (DOCS / "reference" / "configuration.md").read_text()

    for key in generate.read_comments((ROOT / "config.yaml").read_text()):
        section = f"### {key}\n" in page
        assert section or f"| `{key}` |" in page or key == "kafka.common.bootstrap.servers", key
