# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The pack's own port, as it is and changed."""

import changed_charts
import pytest

from stageset_render.port import chart as porting


@pytest.fixture(scope="session")
def ported():
    return porting.chart()


@pytest.fixture
def port(tmp_path):
    """Write the pack's port with changes; see changed_charts.write."""
    return lambda changes: changed_charts.write(tmp_path / "chart", changes)
