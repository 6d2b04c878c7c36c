#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Resident memory of gyr with the default rules, idle: without a source and live, with the web server off, on, and after it
was asked.

usage: memory.py GYR... [--runs 3]
Several programs run in turn, so that they see the same host. Live it is counted without the rings and tables that are shared
with the kernel, as root; else these rows are left out. Figures go into docs/performance.md.
"""
import argparse
import os
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from live import resident_mb  # noqa: E402

SCRAPES = 20


def status_mb(pid):
    return int(re.search(r"VmRSS:\s*(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1]) / 1024


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(port, path):
    with socket.create_connection(("127.0.0.1", port)) as peer:
        peer.sendall(f"GET {path} HTTP/1.1\r\nAccept-Encoding: gzip\r\n\r\n".encode())
        while peer.recv(65536):
            pass


def run(gyr, live, web):
    """Megabytes: after the start, and with a web server after it was asked."""
    port = free_port()
    options = ["log_syslog=false"] + ([] if live else ["engine.kind=nodriver"])
    if web:
        options += ["webserver.enabled=true", "webserver.listen_address=127.0.0.1", f"webserver.listen_port={port}",
                    "metrics.enabled=true", "webserver.prometheus_metrics_enabled=true"]
    process = subprocess.Popen([gyr, *(word for option in options for word in ("-o", option))],
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if live and not any("watching this host" in line for line in process.stderr):
        sys.exit(f"{gyr} ended before it watched")
    time.sleep(1.5)
    resident = resident_mb if live else status_mb
    found = [resident(process.pid)]
    if web:
        for _ in range(SCRAPES):
            ask(port, "/healthz")
            ask(port, "/metrics")
        found.append(resident(process.pid))
    process.send_signal(signal.SIGINT)
    process.communicate()
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gyr", nargs="+", help="programs, release builds")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    print("| MB: median (least … most) |", " | ".join(options.gyr), "|")
    print("|---|" + "---|" * len(options.gyr))
    for live in (False, True) if os.geteuid() == 0 else (False,):
        for web in (False, True):
            runs = [[run(gyr, live, web) for gyr in options.gyr] for _ in range(options.runs)]
            for step, name in enumerate(("web server on", f"asked {2 * SCRAPES} times") if web else ("web server off",)):
                cells = [[one[program][step] for one in runs] for program in range(len(options.gyr))]
                text = " | ".join(f"{statistics.median(cell):.1f} ({min(cell):.1f} … {max(cell):.1f})" for cell in cells)
                print(f"| {'live, besides the rings' if live else 'no source'}, {name} | {text} |", flush=True)


if __name__ == "__main__":
    main()
