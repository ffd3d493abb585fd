# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Writes goldens/EXAMPLE/KIND-NAME.yaml, a rendered object each, the notes and the table of callers.

`python tests/goldens.py` makes them anew, for `git diff` to show.
"""

import shutil
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
GOLDENS = ROOT / "tests" / "goldens"


def rendered(values):
    """The golden files of some values: file name to text."""
    sys.path.insert(0, str(ROOT))
    from stageset_render.helm import documents
    from stageset_render.pack import callers, files, release, rendering

    names = {"name": "stageset", "namespace": "stageset-system"}
    texts = rendering.render(values, **names)
    table = callers.as_text(callers.callers(release.Release(values, **names)))
    found = {"notes.txt": texts.pop(files.NOTES), "callers.txt": table}
    for _, document in documents.ordered(texts):
        metadata = yaml.safe_load(document)
        found[f"{metadata['kind'].lower()}-{metadata['metadata']['name']}.yaml"] = document
    return found


def expected():
    """Every golden file, by path: the objects of the defaults, and of each example those that differ from them."""
    defaults = rendered({})
    found = {f"defaults/{file}": text for file, text in defaults.items()}
    for example in sorted((ROOT / "examples").glob("*.yaml")):
        for file, text in rendered(yaml.safe_load(example.read_text(encoding="utf-8"))).items():
            if defaults.get(file) != text:
                found[f"{example.stem}/{file}"] = text
    return found


def main():
    shutil.rmtree(GOLDENS, ignore_errors=True)
    for path, text in expected().items():
        (GOLDENS / path).parent.mkdir(parents=True, exist_ok=True)
        (GOLDENS / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
