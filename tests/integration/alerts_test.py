#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The alerts of public rulesets on recorded captures equal the reference's, with the caches of
rules on and off.

usage: alerts_test.py GYR [--only SUBSTR]
golden/CAPTURE.RULESET.alerts.jsonl of the conformance folder holds the reference's alerts. Alerts are compared by rule,
time, priority and output_fields, without regard to their order.
"""
import argparse
import collections
import glob
import json
import os
import subprocess
import sys

from common import conformance, fastest

SHOWN = 10
RULESETS = {
    'falco_rules': (['falco_rules.yaml'], ['-o', 'append_output[].suggested_output=true']),  # as it was recorded
    'incubating': (['falco_rules.yaml', 'falco-incubating_rules.yaml'], ['-o', 'rule_matching=all']),
}
MODES = {'': [], ', caches off': ['-o', 'gyr.rules.caches=false']}


def key(alert):
    return alert['time'], alert['rule'], alert['priority'], json.dumps(alert['output_fields'], sort_keys=True)


def read_lines(text):
    return collections.Counter(key(json.loads(line)) for line in text.splitlines() if line.startswith('{'))


def replay(gyr, data, capture, ruleset, mode):
    files, options = RULESETS[ruleset]
    arguments = [gyr, '-e', f'{data}/captures/{capture}.scap', '-o', 'json_output=true', *options, *MODES[mode]]
    for name in files:
        arguments += ['-r', f'{data}/rulesets/{name}']
    return subprocess.run(arguments, capture_output=True, text=True, errors='surrogateescape', check=False)


def compare(gyr, data, path, mode):
    capture, ruleset = os.path.basename(path).removesuffix('.alerts.jsonl').split('.', 1)
    with open(path, encoding='utf-8', errors='surrogateescape') as file:
        wanted = read_lines(file.read())
    run = replay(gyr, data, capture, ruleset, mode)
    got = read_lines(run.stdout)
    missing, invented = wanted - got, got - wanted
    print(f'{capture} with {ruleset}{mode}: {sum((wanted & got).values())} of {sum(wanted.values())} alerts equal, '
          f'{sum(missing.values())} missing, {sum(invented.values())} invented, exit {run.returncode}')
    for title, alerts in (('missing', missing), ('invented', invented)):
        for time, rule, priority, fields in sorted(alerts)[:SHOWN]:
            print(f'  {title}: {time} {priority} {rule} {fields}')
    if run.returncode != 0:
        print(run.stderr[-500:])
    return not missing and not invented and run.returncode == 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('gyr')
    parser.add_argument('--only', default='')
    options = parser.parse_args()
    data = conformance()
    paths = [p for p in sorted(glob.glob(f'{data}/golden/*.alerts.jsonl')) if options.only in os.path.basename(p)]
    results = [compare(fastest(options.gyr), data, path, mode) for path in paths for mode in MODES]
    if not results:
        print('no recorded alerts found')
    return 0 if results and all(results) else 1


if __name__ == '__main__':
    sys.exit(main())
