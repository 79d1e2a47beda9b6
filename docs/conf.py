"""The documentation as a site: ``make docs`` builds it, and a warning of any kind ends it."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

from rs3l_gnn import __version__

project = "rs3l_gnn"
author = "the authors of rs3l_gnn"
release = version = __version__
html_show_copyright = False
html_title = f"rs3l_gnn {__version__}"

extensions = [
    "myst_nb",  # pages in Markdown, and notebooks that run when the site is built
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
    "from_code",  # our own: keys of the configurations, help of the commands
]
html_theme = "furo"
html_theme_options = {"source_directory": "docs/"}
exclude_patterns = ["_build", "_ext", "study/*.json"]

myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 4  # links such as data.md#splits, as on a code host
suppress_warnings = [
    "myst.header",  # a page may start with a smaller heading
    "ref.python",  # :attr:`classes` of a docstring is that of its own class, whatever others are called
]

nb_execution_mode = "force"
# It wants views and trains for minutes; tests/training/test_collate.py runs it.
nb_execution_excludepatterns = ["*training_in_your_own_loop*"]
nb_execution_in_temp = True
nb_execution_timeout = 600
nb_execution_raise_on_error = True
nb_merge_streams = True

autodoc_default_options = {"members": True, "imported-members": True, "show-inheritance": True}
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_display_short_literal_types = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
