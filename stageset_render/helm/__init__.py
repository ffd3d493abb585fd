# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What Helm does with values, YAML, --set options, functions and documents; nothing here knows of a chart."""
