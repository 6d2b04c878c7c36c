#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs one of the runners of the conformance folder against gyr.

usage: conformance_test.py GYR cases|filters|golden
"""
import subprocess
import sys

from common import conformance, fastest


def command(gyr, what, data):
    runners = {
        'cases': [f'{data}/run_cases.py', gyr, data, '--group', 'replay,validate'],
        'filters': [f'{data}/run_filters.py', fastest(gyr), f'{data}/filters.json', f'{data}/captures'],
        'golden': [f'{data}/compare_golden.py', fastest(gyr), f'{data}/captures', f'{data}/golden'],
    }
    return [sys.executable, *runners[what]]


def main():
    gyr, what = sys.argv[1:3]
    return subprocess.run(command(gyr, what, conformance()), check=False).returncode


if __name__ == '__main__':
    sys.exit(main())
