# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Prints how long the pack takes: `python tests/bench.py [--chart DIR]`. Medians, since machines are noisy.

In process: `render()`, which checks the values against the schema and all rules, beside Helm rendering a chart, over
random rich values. Without --chart that is the pack's own port less its schema, which Helm would check as well.
As a command: a warm run beside a Python that imports the same packages and does nothing, and beside `helm template`.
Large values: rendering, --callers and --explain of values files of about a megabyte in ten shapes.
Releases: `--each` over 100 and 10,000 files.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import helm_python

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from stageset_render import Refused, render  # noqa: E402
from stageset_render.port import chart as porting  # noqa: E402
from stageset_render.port.diff import report  # noqa: E402

NAMES = {"name": "stageset", "namespace": "stageset-system"}
WITH_BYTECODE = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def medians(runs, *functions):
    """The median time of each function in milliseconds, taken in turn so that drift hits all alike."""
    times = [[] for _ in functions]
    for _ in range(runs):
        for function, taken in zip(functions, times):
            start = time.perf_counter()
            function()
            taken.append((time.perf_counter() - start) * 1000)
    return [statistics.median(taken) for taken in times]


def rich(count, seed=7):
    """Random values that the pack takes: each takes every top-level value from one of the built-in cases, or none."""
    cases = list(report.cases().values())
    keys, chance, found = sorted({key for case in cases for key in case}), random.Random(seed), []
    while len(found) < count:
        chosen = {key: chance.choice([case for case in cases if key in case])[key] for key in keys}
        values = {key: value for key, value in chosen.items() if chance.random() < 0.7}
        try:
            render(values, **NAMES)
            found.append(values)
        except Refused:
            pass
    return found


def helms(directory):
    """What Helm is measured with: the chart that is given, or else the pack's port less its schema."""
    if directory is None:
        directory = Path(tempfile.mkdtemp(), "chart")
        porting.write({path: text for path, text in porting.chart().items() if path != "values.schema.json"}, directory)
    return directory


def in_process(chart):
    sets, loaded = rich(120), helm_python.Chart.load(chart)
    ours, theirs = [], []
    for values in sets * 5:  # set by set, so that none is rendered twice in a row
        ours += medians(1, lambda chosen=values: render(chosen, **NAMES))
    for values in sets * 5:  # not in turn with ours: each empties the other's caches
        theirs += medians(1, lambda chosen=values: loaded.render(chosen, **NAMES))
    ours, theirs = statistics.median(ours), statistics.median(theirs)
    print(f"in process, 120 rich value sets: render() with all rules {ours:.2f} ms, Helm {theirs:.2f} ms, ", end="")
    print(f"ratio {ours / theirs:.2f}")


def as_a_command(chart):
    def command(*arguments):
        return lambda: subprocess.run(
            arguments, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=WITH_BYTECODE
        )

    values = ("-f", ROOT / "examples" / "istio-strict.yaml")
    run = command(sys.executable, ROOT / "renderer.py", "stageset", *values)
    imports = command(sys.executable, "-c", "import click, jinja2, jsonschema_rs, yaml")
    helm = command("helm", "template", "stageset", chart, *values) if shutil.which("helm") else None
    run()
    ours, imports, *theirs = medians(15, run, imports, *[helm][: helm is not None])
    print(f"command: {ours:.0f} ms, its imports alone {imports:.0f} ms, ratio {ours / imports:.2f}")
    if theirs:
        print(f"  helm template {theirs[0]:.0f} ms, ratio {ours / theirs[0]:.2f}")


def large():
    """Shapes of large values, by name: each takes about a megabyte as JSON."""
    mesh, linkerd = {"serviceMesh": {"enabled": True}}, {"serviceMesh": {"enabled": True, "engine": "linkerd"}}
    server = {"apiVersion": "policy.linkerd.io/v1beta3", "kind": "Server"}
    names = [f"team-of-department-{number}" for number in range(40_000)]
    return {
        "40,000 watched namespaces": {
            "controller": {"watchNamespaces": names},
            "cleanupOnDelete": {"enabled": False},
        },
        "40,000 times one watched namespace": {"controller": {"watchNamespaces": names[:1] * 40_000}},
        "a text in place of a list": {"controller": {"watchNamespaces": "a" * 1_000_000}},
        "33,000 exceptions of an IPv6 range": {
            "networkPolicy": {
                "enabled": True,
                "gate": {"from": [{"ipBlock": {"cidr": "2001:db8::/33", "except": ["2001:db8:1::/48"] * 33_000}}]},
            }
        },
        "20,000 callers": {
            "serviceMesh": {
                "enabled": True,
                "gate": {"from": [{"principals": [f"a/ns/{name}/sa/b"]} for name in names[:20_000]]},
            }
        },
        "7,000 Linkerd objects": {
            "serviceMesh": {
                **linkerd["serviceMesh"],
                "linkerd": {
                    "authorizations": [
                        {**server, "metadata": {"name": name}, "spec": {"port": 10_000 + number, "podSelector": {}}}
                        for number, name in enumerate(names[:7000])
                    ]
                },
            }
        },
        "13,000 Istio rules": {
            "serviceMesh": {
                **mesh["serviceMesh"],
                "istio": {
                    "rules": [{"from": [{"source": {"principals": [f"a/ns/{n}/sa/b"]}}]} for n in names[:13_000]]
                },
            }
        },
        "64 match conditions of 15,000 letters": {
            "webhook": {
                "matchConditions": [{"name": f"a{n}", "expression": "true || " * 2000 + "true"} for n in range(64)]
            }
        },
        "50,000 unknown keys": {f"unknown{number}": 1 for number in range(50_000)},
        "45,000 labels of each alert": {
            "metrics": {
                "prometheusRule": {
                    "enabled": True,
                    "extraAlertLabels": {f"label_{number}": "a" for number in range(45_000)},
                }
            }
        },
    }


def large_values():
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "values.yaml")
        for name, values in large().items():
            path.write_text(json.dumps({"crds": {"create": False}, **values}))
            taken = []
            for more in ([], ["--callers"], ["--explain"]):
                start = time.perf_counter()
                run = [sys.executable, ROOT / "renderer.py", "-f", path, *more]
                done = subprocess.run(run, env=WITH_BYTECODE, capture_output=True)
                taken.append(time.perf_counter() - start)
            end = "rendered" if done.returncode == 0 else "refused"
            times = "{:.2f} s, --callers {:.2f} s, --explain {:.2f} s".format(*taken)
            print(f"large values, {name}: {times} ({end}, {path.stat().st_size // 1000} kB)")


def releases(count, chart):
    """One run over many releases: its time and its most memory, as the kernel accounts for it.

    Where there is a command helm, also what it takes to write a tenth of a hundred of them, a run for each.
    """
    with tempfile.TemporaryDirectory() as directory:
        Path(directory, "env").mkdir()
        for number in range(count):
            callers = f"[{{principals: [a/ns/team-{number}/sa/b]}}]"
            text = f"crds: {{create: false}}\nserviceMesh: {{enabled: true, gate: {{from: {callers}}}}}\n"
            Path(directory, "env", f"env-{number}.yaml").write_text(text)
        run = [sys.executable, ROOT / "renderer.py", "--each", "env/*.yaml", "--output-dir", "out/{}"]
        start = time.perf_counter()
        run = [sys.executable, "-c", PEAK, *run]  # a process counts as its own what the one that forks it takes
        peak = subprocess.run(run, cwd=directory, env=WITH_BYTECODE, check=True, capture_output=True, text=True).stdout
        taken = time.perf_counter() - start
        print(f"{count:,} releases in one run: {taken:.2f} s, {int(peak) / 1024:.0f} MiB")
        if shutil.which("helm") and count == 100:
            start = time.perf_counter()
            for number in range(10):
                own = ["-f", f"env/env-{number}.yaml", "--output-dir", f"helm/{number}"]
                run = ["helm", "template", "stageset", chart, *own]
                subprocess.run(run, cwd=directory, check=True, stdout=subprocess.DEVNULL)
            print(f"  10 of them in 10 runs of helm template: {time.perf_counter() - start:.2f} s")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--chart", metavar="DIR", type=Path, help="the chart that Helm renders")
    given = options.parse_args().chart
    chart = helms(given and given.resolve())
    in_process(chart)
    as_a_command(chart)
    large_values()
    for count in (100, 10_000):
        releases(count, chart)


if __name__ == "__main__":
    main()
