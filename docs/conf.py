"""Sphinx configuration of the documentation. `make docs` builds it; a warning is an error."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

project = "Faultline"
author = "The Faultline maintainers"
copyright = "the Faultline maintainers, Apache-2.0"
version = release = re.search(r'__version__ = "([^"]+)"', (ROOT / "detector" / "__init__.py").read_text())[1]

extensions = ["myst_parser", "sphinx_copybutton"]
exclude_patterns = ["_build"]
myst_heading_anchors = 4
myst_enable_extensions = ["deflist"]

html_theme = "furo"
html_title = f"Faultline {release}"
html_static_path = ["_static"]
html_copy_source = False
html_show_sphinx = False

# A reader copies the command, not its comment or the prompt.
copybutton_prompt_text = "$ "
copybutton_only_copy_prompt_lines = False

highlight_language = "text"


def link_pages(app, relative_path, parent, content):
    """SECURITY.md links to files of the checkout; inside the documentation the same files are pages."""
    links = {"](deploy/runbook.md)": "](runbook.md)", "](docs/operations/trust.md)": "](trust.md)"}
    for there, here in links.items():
        content[0] = content[0].replace(there, here)


def setup(app):
    app.connect("include-read", link_pages)
