"""Links between the documents, offline: the file is there, and so is the heading."""

from pathlib import Path

import pytest

from tests.docs.pages import DOCUMENTS, ROOT, anchors, links, name_of

OUTSIDE = ("http://", "https://", "mailto:")


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_relative_links_and_anchors_lead_somewhere(document):
    broken = [link for link in links(document) if not link.startswith(OUTSIDE) and not leads_somewhere(document, link)]

    assert not broken


def test_a_broken_link_is_seen(tmp_path):
    document = tmp_path / "page.md"
    document.write_text("# Title\n\n[here](#title) [there](#nowhere) [a file](missing.md)\n")

    assert [link for link in links(document) if not leads_somewhere(document, link)] == ["#nowhere", "missing.md"]


def test_there_are_links_to_check():
    assert len(links(ROOT / "README.md")) > 20


def leads_somewhere(document: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (document.parent / path).resolve() if path else document
    return target.exists() and (not anchor or anchor in anchors(target))
