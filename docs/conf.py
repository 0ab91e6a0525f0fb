"""How Sphinx builds these pages: `make docs`, then open build/docs/index.html."""

from __future__ import annotations

from pathlib import Path

import newsletter

project = "newsletter"
author = "The newsletter authors"
project_copyright = "2026, The newsletter authors"
version = release = newsletter.__version__

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
root_doc = "index"
exclude_patterns: list[str] = []

# A heading is its own anchor, and a link to one that is not there is a warning, which ends the build.
myst_heading_anchors = 4
myst_enable_extensions = ["deflist", "fieldlist"]
nitpicky = True
# Output of the program stands in blocks that no lexer could read without a complaint.
highlight_language = "none"
smartquotes = False

html_theme = "furo"
html_title = "newsletter"
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_static_path = [str(path) for path in [Path(__file__).parent / "_static"] if path.is_dir()]
html_theme_options = {"navigation_with_keys": True}
