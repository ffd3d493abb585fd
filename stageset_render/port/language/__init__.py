# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Templates in Go and in Jinja as trees: read, written, translated, and what they say."""
