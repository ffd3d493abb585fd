# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Helm in a process of its own, which is ended where a chart would take for ever; what Helm logs goes nowhere.

As a program, this file is that process: it answers requests, a line of JSON each. It imports nothing of the project's.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import math
import os
import subprocess
import sys
import threading
import time

SECONDS = 1  # of one rendering, some thirty times what this chart takes; of its own time, however busy the machine is
LAST = 20  # times as long by the clock, where time can't be counted otherwise
MEMORY = 3 * 2**30  # bytes of addresses, of which Go takes more than one GiB before it does anything
LARGEST = 20 * 2**20  # characters of all that is rendered

_running: subprocess.Popen | None = None


class Endless(Exception):
    """Helm did not end in time, or needed too much memory."""


def rendered(request: dict) -> dict:
    """What Helm makes of a chart.

    Args:
        request: `chart`, its path; `stamp`, which says whether it is the one that was read before; `values`, `name` and
            `namespace`.

    Returns:
        `texts`, path to text, or `error`, Helm's words.

    Raises:
        Endless: when there is no answer in time.
    """
    process = _process()
    with contextlib.suppress(BrokenPipeError):  # then there is no answer either
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
    timer = threading.Timer(LAST * SECONDS, process.kill)
    timer.start()
    answer = process.stdout.readline()
    timer.cancel()
    if not answer.endswith("\n"):
        _end(process)
        raise Endless
    return json.loads(answer)


def _process() -> subprocess.Popen:
    global _running
    if _running is None or _running.returncode is not None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        command = [sys.executable, __file__]
        _running = subprocess.Popen(command, text=True, encoding="utf-8", env=environment, **pipes)
        atexit.register(_end, _running)
        _running.stdout.readline()  # it is ready; from here on time counts
    return _running


def _end(process: subprocess.Popen) -> None:
    process.kill()
    process.stdout.close()
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
    process.wait()


def serve() -> None:
    """Answer what is asked on stdin until it is closed."""

    def bound(what: str, most: int) -> None:
        """Let the system end this process when it needs more."""
        with contextlib.suppress(ImportError, AttributeError, ValueError, OSError):
            import resource

            kind = getattr(resource, what)
            resource.setrlimit(kind, (most, resource.getrlimit(kind)[1]))

    bound("RLIMIT_CORE", 0)
    bound("RLIMIT_AS", MEMORY)
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever else is printed
    import helm_python

    print(flush=True, file=out)
    stamp = chart = None
    for line in sys.stdin:
        request = json.loads(line)
        bound("RLIMIT_CPU", math.ceil(time.process_time() + SECONDS))
        try:
            if stamp != request["stamp"]:
                chart, stamp = helm_python.Chart.load(request["chart"]), request["stamp"]
            texts = chart.render(request["values"], name=request["name"], namespace=request["namespace"])
            answer = {"texts": {path.partition("/")[2]: text for path, text in texts.items()}}
            if sum(map(len, texts.values())) > LARGEST:
                answer = {"error": f"it renders more than {LARGEST // 2**20} MiB"}
        except helm_python.HelmError as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), flush=True, file=out)


if __name__ == "__main__":
    serve()
