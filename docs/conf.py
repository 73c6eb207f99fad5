"""How Sphinx builds these pages: `make docs`."""

from __future__ import annotations

import truetier

project = "truetier"
author = "The truetier authors"
project_copyright = author
version = release = truetier.__version__

extensions = ["myst_parser"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
nitpicky = True

html_theme = "furo"
html_title = f"truetier {version}"
html_copy_source = False
