# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Prints how long the whole chart takes: `python tests/bench.py`.

In process, `render()` with the defaults beside Helm's rendering of the ported chart; as a command, a warm run beside a
Python that imports click, yaml and jinja2 and does nothing. Medians, since machines are noisy.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import helm_python

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from stageset_render.pack import rendering  # noqa: E402
from stageset_render.port import chart as porting  # noqa: E402


def medians(runs, *functions):
    """The median time of each function in milliseconds, taken in turn so that drift hits all alike."""
    times = [[] for _ in functions]
    for _ in range(runs):
        for function, taken in zip(functions, times):
            start = time.perf_counter()
            function()
            taken.append((time.perf_counter() - start) * 1000)
    return [statistics.median(taken) for taken in times]


def main():
    names = {"name": "stageset", "namespace": "stageset-system"}
    with tempfile.TemporaryDirectory() as directory:
        porting.write(porting.chart(), Path(directory, "chart"))
        chart = helm_python.Chart.load(Path(directory, "chart"))
        ours, helms = medians(200, lambda: rendering.render({}, **names), lambda: chart.render(values={}, **names))
    print(f"in process: render() {ours:.2f} ms, Helm {helms:.2f} ms, ratio {ours / helms:.2f}")

    def command(*arguments):
        return lambda: subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)

    command(ROOT / "renderer.py")()
    ours, imports = medians(15, command(ROOT / "renderer.py"), command("-c", "import click, yaml, jinja2"))
    print(f"command: {ours:.0f} ms, imports alone {imports:.0f} ms, ratio {ours / imports:.2f}")


if __name__ == "__main__":
    main()
