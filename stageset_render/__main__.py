# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""`python -m stageset_render` is the command stageset-render."""

from renderer import command

command()
