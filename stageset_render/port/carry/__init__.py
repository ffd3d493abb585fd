# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Carries what differs between two versions, of a chart or of the pack, onto the other side."""
