"""How Sphinx builds the documentation site from docs/. site/build.sh calls it and sets the variables that are read here."""

import os
import pathlib
import re
import sys

here = pathlib.Path(__file__).parent
root = here.parent
sys.path.insert(0, str(here))
sys.path.insert(0, os.environ["OMPQ_SITE_PYTHON"])

project = "ompq"
author = "the ompq authors"
copyright = "the ompq authors, Apache License 2.0"  # noqa: A001  # Sphinx's name
version = release = re.search(r"^project\(ompq VERSION (\S+)", (root / "CMakeLists.txt").read_text(), re.M)[1]

extensions = [
    "myst_parser",
    "sphinx_design",
    "sphinx_copybutton",
    "sphinx.ext.autodoc",
    "breathe",
    "formulas",
    "records",
]
suppress_warnings = ["duplicate_declaration.cpp"]  # every header opens the namespace ompq
exclude_patterns = ["README.md"]
templates_path = ["templates"]

# --- Markdown as the forge shows it: anchors of headings, $formulas$ ---
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 4
myst_dmath_double_inline = True

# --- Python: docstrings use `name` for code, as Markdown does ---
default_role = "literal"
autodoc_member_order = "bysource"
autodoc_mock_imports = ["numpy", "torch"]
python_maximum_signature_line_length = 60
python_display_short_literal_types = True
add_module_names = False

# --- C++: Doxygen reads the headers, breathe shows what it found ---
breathe_projects = {"ompq": os.environ["OMPQ_SITE_DOXYGEN"]}
breathe_default_project = "ompq"
breathe_default_members = ("members", "undoc-members")
cpp_maximum_signature_line_length = 80
breathe_show_include = False
cpp_index_common_prefix = ["ompq::"]

# --- the page ---
smartquotes = False  # "--" is an option, not a dash
html_theme = "furo"
html_title = f"ompq {release}"
html_static_path = ["static", os.environ["OMPQ_SITE_STATIC"]]
html_css_files = ["katex/katex.min.css", "site.css"]
html_copy_source = False
html_show_search_summary = False  # these are fetched, which browsers refuse to pages that are opened as files
html_show_sphinx = False
html_theme_options = {"navigation_with_keys": True}
highlight_language = "text"
pygments_style = "friendly"
pygments_dark_style = "github-dark"
copybutton_exclude = ".linenos, .gp, .go"


def _reached_by_links(app, doctree) -> None:
    """Pages that a table or a text of other pages names, rather than the list of contents."""
    if app.env.docname.startswith(("docs/adr/0", "examples/")):
        app.env.metadata[app.env.docname]["orphan"] = True


def setup(app) -> None:
    app.connect("doctree-read", _reached_by_links)
