#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs one of the runners of the conformance folder against gyr.

usage: conformance_test.py GYR cases|filters|golden
"""
import subprocess
import sys

from common import conformance, fastest

# Filters that we answer otherwise on purpose; docs/compatibility.md gives the reasons.
KNOWN_DIFFERENCES = {
    # The reference shows a value for threads of old captures that the file does not contain.
    'proc.exe_ino.ctime_duration_proc_start > 110498131591620340',
}


def command(gyr, what, data):
    runners = {
        'cases': [f'{data}/run_cases.py', gyr, data, '--group', 'replay,validate'],
        'filters': [f'{data}/run_filters.py', fastest(gyr), f'{data}/filters.json', f'{data}/captures'],
        'golden': [f'{data}/compare_golden.py', fastest(gyr), f'{data}/captures', f'{data}/golden'],
    }
    return [sys.executable, *runners[what]]


def main():
    gyr, what = sys.argv[1:3]
    result = subprocess.run(command(gyr, what, conformance()), check=False, stdout=subprocess.PIPE, text=True,
                            errors='replace')
    print(result.stdout)
    failed = {line[len('FAIL '):] for line in result.stdout.splitlines() if line.startswith('FAIL ')}
    if result.returncode and failed and failed <= KNOWN_DIFFERENCES:
        print(f'{len(failed)} known difference(s), see docs/compatibility.md')
        return 0
    return result.returncode


if __name__ == '__main__':
    sys.exit(main())
