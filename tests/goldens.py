# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Writes goldens/EXAMPLE/KIND-NAME.yaml, one rendered object each, from examples/: `python tests/goldens.py`."""

import shutil
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
GOLDENS = ROOT / "tests" / "goldens"


def rendered(example):
    """What an example's golden files must hold: path below goldens/ to text."""
    sys.path.insert(0, str(ROOT))
    import manifests
    import renderer

    texts = renderer.render(yaml.safe_load(example.read_text()), name="stageset", namespace="stageset-system")
    found = {f"{example.stem}/notes.txt": texts.pop(renderer.NOTES)}
    for _, document in manifests.ordered(texts):
        metadata = yaml.safe_load(document)
        found[f"{example.stem}/{metadata['kind'].lower()}-{metadata['metadata']['name']}.yaml"] = document
    return found


def main():
    shutil.rmtree(GOLDENS, ignore_errors=True)
    for example in sorted((ROOT / "examples").glob("*.yaml")):
        for path, text in rendered(example).items():
            (GOLDENS / path).parent.mkdir(parents=True, exist_ok=True)
            (GOLDENS / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
