# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""`python -m stageset_render.hook OPTIONS FILES`: what pre-commit runs. Each file is checked as the values of a release."""

from __future__ import annotations

import itertools
import sys

import renderer


def main(args: list[str]) -> int:
    """Check each file with the command's options; returns the worst of its exit codes."""
    takes = {name for one in renderer.main.params if not getattr(one, "is_flag", True) for name in one.opts}
    options, files, left = [], [], iter(args)
    for arg in left:
        if arg.startswith("-"):
            options += [arg, *itertools.islice(left, arg in takes)]
        else:
            files.append(arg)
    return max((_checked([*options, "--dry-run", f"--values={file}"]) for file in files), default=0)


def _checked(args: list[str]) -> int:
    try:
        renderer.main(args, prog_name="stageset-render")
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
