# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Ranges of addresses and exceptions of them, whichever rule is about them."""

import ipaddress


def network(text):
    """A range of addresses, or one address; None for a text that is none."""
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def outside(block, exceptions, all_of_it=False):
    """The indexes of exceptions that are no part of a block, or, unless that may be, all of it."""
    whole = network(block)
    for index, text in enumerate(exceptions or ()):
        part = network(text)
        if whole is None or part is None:
            continue  # which the schema has refused
        inside = part.version == whole.version and part.subnet_of(whole)
        if not inside or part == whole and not all_of_it:
            yield index, text
