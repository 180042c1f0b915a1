"""Sphinx: ``make docs``."""

from __future__ import annotations

import sys
from pathlib import Path

import siftcore

sys.path.insert(0, str(Path(__file__).parent))

project = "siftcore"
author = "The siftcore authors"
copyright = "the siftcore authors"  # noqa: A001 - Sphinx's name for it
release = version = siftcore.__version__

extensions = [
    "mathml",
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
html_theme = "furo"
html_math_renderer = "mathml"
html_title = f"siftcore {release}"

myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 4

# numpydoc loads it; nothing here uses its pages.
autosummary_generate = False
autodoc_typehints = "none"
autodoc_default_options = {"members": True, "show-inheritance": True}
# The methods and attributes stand with their class; a page each would say no more.
numpydoc_show_class_members = False
# What needs an extra is not loaded to read its documentation.
autodoc_mock_imports = ["faiss", "poselib", "tensorboard", "onnx", "onnxscript"]
