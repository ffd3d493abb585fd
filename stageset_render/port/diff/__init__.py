# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Shows where a chart and the pack differ: as text, as data, as a page."""
