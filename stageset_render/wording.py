# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Says a finding in words that fit the file or the option that its value stands in. Nothing else turns one into a sentence."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from stageset_render.findings import NOTHING, Finding, Hint, Path, brief

if TYPE_CHECKING:
    from stageset_render.helm.values import Source


def sentence(finding: Finding, source: Source | None = None) -> str:
    """What is wrong and what to do, in words that fit the file or the option that the value stands in."""
    hint = finding.mend
    if isinstance(hint, str):
        return f"{finding.message}; {hint}" if hint else finding.message
    said = finding.message + _guess(hint)
    return "; ".join([said, *filter(None, [_layout(hint, source), _value(hint, finding.path, source), _known(hint)])])


def mended(finding: Finding, source: Source | None = None) -> str | None:
    """What to do alone, for programs; None when nothing is known."""
    if isinstance(finding.mend, str):
        return finding.mend or None
    hint = finding.mend
    said = [_guess(hint).strip(" ()"), _layout(hint, source), _value(hint, finding.path, source), _known(hint)]
    return "; ".join(filter(None, said)) or None


def _guess(hint: Hint) -> str:
    """Which keys or values may have been meant."""
    if hint.value is not NOTHING and hint.path is None:
        return ""
    meant = [brief(one) if isinstance(one, tuple) else one for one in (hint.path, *hint.others) if one]
    return f" (did you mean {' or '.join(filter(None, [', '.join(meant[:-1]), meant[-1]]))}?)" if meant else ""


def _is_file(source: Source | None) -> bool:
    return source is None or source.edits is None and source.text is not None


def _layout(hint: Hint, source: Source | None) -> str:
    return hint.layout if _is_file(source) else ""


def _known(hint: Hint) -> str:
    return f"known here: {', '.join(hint.known)}" if hint.known else ""


def _value(hint: Hint, path: Path, source: Source | None) -> str:
    if hint.value is NOTHING:
        return ""
    values = [hint.value, *(() if hint.path else hint.others)]
    if not _is_file(source):
        return _for_an_option(hint, path, source, values)
    if isinstance(hint.value, str) and _misread(hint.value):
        return f'write it in quotes: "{source and source.plain(path) or hint.value}"'
    if isinstance(hint.value, (bool, int, float)):
        return f"write {_flow(hint.value)}, without quotes"
    if hint.example:
        return f"write a list such as {_flow(hint.value)}"
    return f"write {'a list: ' if isinstance(hint.value, list) else ''}{' or '.join(map(_flow, values))}"


def _for_an_option(hint: Hint, path: Path, source: Source, values: list) -> str:
    if hint.path is not None or len(values) > 1 or hint.example:
        return ""
    name, value = _in_an_option(path), hint.value
    if isinstance(value, (dict, list)):
        return f"use --set-json '{name}={json.dumps(value)}'"
    option = "--set-string" if isinstance(value, str) and _misread(value) else "--set"
    return f"use {option} {name}={value if isinstance(value, str) else json.dumps(value)}"


def _in_an_option(path: Path) -> str:
    """A path as --set takes it."""
    steps = [f"[{step}]" if isinstance(step, int) else "." + re.sub(r"([.,=\[\\])", r"\\\1", step) for step in path]
    return "".join(steps).removeprefix(".")


def _misread(text: str) -> bool:
    """Whether YAML reads a text, written plain, as something else."""
    import yaml

    try:
        return yaml.safe_load(text) != text
    except yaml.YAMLError:
        return True


def _flow(value: Any) -> str:
    """A value as YAML on one line."""
    import yaml

    text = yaml.safe_dump(value, default_flow_style=True, width=float("inf"), sort_keys=False, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...").strip()
