# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""`python -m stageset_render.port` is the command stageset-port."""

from stageset_render.port.commands import main

main(prog_name="stageset-port")
