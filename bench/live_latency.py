#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Time from an event to its alert on standard output, live: live_latency.py GYR [COUNT] [PAUSE_MS]

Opens a file COUNT (100) times, PAUSE_MS (100) milliseconds apart, and reads the alert that each open causes. Needs root.
Prints the median, the 99th percentile, the largest, and the CPU time gyr took meanwhile.
"""
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

RULE = """- rule: opened
  desc: d
  condition: evt.type in (open, openat) and fd.name = {path}
  output: "%evt.num"
  priority: INFO
"""


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    gyr, count, pause_ms = sys.argv[1], *(int(a) for a in (sys.argv[2:] + ["100", "100"][len(sys.argv) - 2:]))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "opened")
        rules = os.path.join(folder, "rules.yaml")
        pathlib.Path(path).touch()
        pathlib.Path(rules).write_text(RULE.format(path=path))
        process = subprocess.Popen([gyr, "-r", rules], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        process.stderr.readline()  # it watches now
        started = time.monotonic()
        before = cpu_seconds(process.pid)
        took_ms = []
        for _ in range(count):
            time.sleep(pause_ms / 1000)
            at = time.monotonic()
            os.close(os.open(path, os.O_RDONLY))
            if not process.stdout.readline():
                sys.exit("gyr ended: " + process.stderr.read())
            took_ms.append((time.monotonic() - at) * 1000)
        cpu = cpu_seconds(process.pid) - before
        seconds = time.monotonic() - started
        process.terminate()
        process.communicate()
    took_ms.sort()
    print(f"median {statistics.median(took_ms):.2f} ms, 99 % {took_ms[int(count * 0.99)]:.2f} ms, largest {took_ms[-1]:.2f} ms;"
          f" {cpu:.2f} s CPU in {seconds:.1f} s")


main()
