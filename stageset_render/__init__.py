# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The stageset-controller chart's Jinja2 templates, rendered and judged: `render`, `warnings`, `callers`, `broken`, `Refused`."""

from stageset_render.findings import Refused
from stageset_render.pack.rendering import broken, callers, render, warnings

__all__ = ["Refused", "broken", "callers", "render", "warnings"]
__version__ = "0.1.0"
