#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What live detection costs the programs that are watched, and itself: fixed workloads without a probe and with gyr, in turn.

Needs root, a C compiler and the folder of workloads (../shared/workloads beside the checkout, or $GYR_WORKLOADS); skips
with status 77 without them. Rules: the public sets of the conformance folder when it is there, else the default rules.
Prints medians and quartiles; figures go into docs/performance.md.
"""
import argparse
import json
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORKS = {  # name: the command; {dir} holds the programs
    "open/read/close, 1 thread": ["{dir}/oprdcl", "600000"],
    "open/read/close, 2 threads": ["{dir}/oprdcl", "600000", "/etc/hostname", "2"],
    "getppid": ["{dir}/getppid", "5000000"],
    "fork+exec of /bin/true": ["{dir}/forkexec", "1500"],
    "loopback TCP": ["{dir}/netloop", "10000"],
    "paced 20000 opens/s": ["{dir}/paced", "20000", "10"],
    "realistic mix": ["{dir}/realistic.sh"],
    "idle": ["sleep", "10"],
}
PACED = {"paced 20000 opens/s", "idle"}  # their speed is given, so only gyr's cost counts


def skip(why):
    print("skipped:", why)
    sys.exit(77)


def shared(variable, name):
    path = pathlib.Path(os.environ.get(variable) or ROOT.parent / "shared" / name)
    return path if path.is_dir() else None


def rules_of(choice):
    folder = shared("GYR_CONFORMANCE", "conformance")
    if choice == "default" or folder is None:
        return []
    return [arg for name in ("falco_rules.yaml", "falco-incubating_rules.yaml") for arg in ("-r", str(folder / "rulesets" / name))]


def build(folder, source):
    for file in source.glob("*.c"):
        subprocess.run(["cc", "-O2", "-pthread", "-o", folder / file.stem, file], check=True)
    script = (source / "realistic.sh").read_text()
    (folder / "realistic.sh").write_text(script)
    (folder / "realistic.sh").chmod(0o755)


def measure(command):
    """Wall clock of one run, in seconds; what the program measured itself where it does."""
    begin = time.monotonic()
    output = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout
    wall = time.monotonic() - begin
    try:
        return json.loads(output)["wall"]
    except (ValueError, KeyError, TypeError):
        return wall


def cpu_seconds(pid):
    used = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        used += int((task / "schedstat").read_text().split()[0])
    return used / 1e9


def resident_mb(pid):
    """Without the rings and tables that are shared with the kernel."""
    kib = 0
    counts = True
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            counts = "bpf-map" not in line
        elif counts and line.startswith("Rss:"):
            kib += int(line.split()[1])
    return kib / 1024


class Gyr:
    def __init__(self, arguments):
        self.process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if "watching this host" in line:
                break
        else:
            sys.exit("gyr ended before it watched")
        time.sleep(0.5)  # what gathered while it started
        self.start_cpu = cpu_seconds(self.process.pid)
        self.began = time.monotonic()

    def end(self):
        pid = self.process.pid
        figures = {"cpu": cpu_seconds(pid) - self.start_cpu, "seconds": time.monotonic() - self.began, "rss": resident_mb(pid),
                   "start": self.start_cpu}
        self.process.send_signal(signal.SIGINT)
        errors = self.process.communicate()[1]
        found = re.search(r"(\d+) events, \d+ a second", errors)
        lost = re.search(r"(\d+) events were lost \(", errors)
        assert found, errors  # -v says it
        figures["events"] = int(found.group(1))
        figures["lost"] = int(lost.group(1)) if lost else 0
        figures["reduced"] = "Collection is reduced" in errors
        return figures


def run_pairs(name, command, gyr, pairs):
    without, with_gyr, figures = [], [], []
    for pair in range(pairs):
        def plain():
            without.append(measure(command))

        def watched():
            watcher = Gyr(gyr)
            with_gyr.append(measure(command))
            figures.append(watcher.end())
        for step in (plain, watched) if pair % 2 == 0 else (watched, plain):
            step()
        print(f"\r{name}: pair {pair + 1} of {pairs}", end="", file=sys.stderr, flush=True)
    print("\r" + " " * 60 + "\r", end="", file=sys.stderr)
    return without, with_gyr, figures


def report(name, without, with_gyr, figures):
    slower = sorted(100 * (b / a - 1) for a, b in zip(without, with_gyr))
    spread = statistics.quantiles(slower, n=4) if len(slower) > 1 else [slower[0]] * 3
    middle = {key: statistics.median(one[key] for one in figures) for key in figures[0]}
    cell = "-" if name in PACED else f"{statistics.median(slower):+.1f} % ({spread[0]:+.1f} … {spread[2]:+.1f})"
    lost = sum(one["lost"] for one in figures)
    times = sum(one["reduced"] for one in figures)
    reduced = f" (collection reduced in {times} runs)" if times else ""
    print(f"| {name} | {statistics.median(without):.3f} s | {cell} | {100 * middle['cpu'] / middle['seconds']:.2f} % |"
          f" {middle['events'] / middle['seconds']:,.0f} | {lost}{reduced} | {middle['rss']:.1f} MB | {middle['start']:.2f} s |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gyr", help="the program, a release build")
    parser.add_argument("--pairs", type=int, default=10, help="runs without and with gyr (10)")
    parser.add_argument("--work", action="append", choices=list(WORKS), help="only this one; may be repeated")
    parser.add_argument("--rules", choices=["public", "default"], default="public")
    options, more = parser.parse_known_args()
    if os.geteuid() != 0:
        skip("needs root")
    source = shared("GYR_WORKLOADS", "workloads")
    if source is None:
        skip("the folder of workloads is not there; set GYR_WORKLOADS")
    gyr = [options.gyr, "-v", *rules_of(options.rules), *more]
    with tempfile.TemporaryDirectory() as folder:
        build(pathlib.Path(folder), source)
        print("| work | without | slower by (quartiles) | CPU of gyr | events/s | lost | memory besides the rings | start, CPU |")
        print("|---|---|---|---|---|---|---|---|")
        for name in options.work or WORKS:
            command = [part.format(dir=folder) for part in WORKS[name]]
            report(name, *run_pairs(name, command, gyr, options.pairs))


if __name__ == "__main__":
    main()
