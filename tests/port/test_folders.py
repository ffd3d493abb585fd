# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The folders of the port know one another one way: `language/` none, `diff/` that, `carry/` both."""

import re
from pathlib import Path

import pytest

from stageset_render import port


@pytest.mark.parametrize("folder, above", [("language", "diff|carry"), ("diff", "carry"), (".", "carry|diff")])
def test_a_folder_knows_none_above_it(folder, above):
    files = [path for path in (Path(port.__file__).parent / folder).glob("*.py") if path.name != "commands.py"]
    known = [path.name for path in files if re.search(rf"stageset_render\.port\.({above})\b", path.read_text())]
    assert files and known == []
