# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Renders the stageset-controller chart's Jinja2 templates: `render`, `warnings`, and `Refused`, their error."""

from stageset_render.pack.rendering import render, warnings
from stageset_render.problems import Refused

__all__ = ["Refused", "render", "warnings"]
__version__ = "0.1.0"
