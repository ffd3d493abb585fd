# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""All is said in setup.cfg; but a wheel is built in a new place, so that nothing of an older build gets into it."""

import tempfile

import setuptools

with tempfile.TemporaryDirectory() as directory:
    setuptools.setup(options={"build": {"build_base": directory}})
