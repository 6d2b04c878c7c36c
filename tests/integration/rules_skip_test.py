# SPDX-License-Identifier: Apache-2.0
"""gyr.rules_on_error: skip. With any one rule of a real ruleset broken, all others give the same alerts. Runs: gyr."""
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import unittest
from collections import Counter

from common import conformance, fastest

GYR = fastest(sys.argv[1])
DATA = conformance()
RULES = os.path.join(DATA, 'rulesets', 'falco_rules.yaml')
# Alerts of many rules on few events: the ruleset's own are rare in small captures.
EXTRA = '\n'.join(f'''
- rule: seen_{name}
  desc: calls of a kind
  condition: evt.type in ({types})
  output: "%evt.num %evt.type %proc.name"
  priority: debug
''' for name, types in (('open', 'open, openat'), ('connect', 'connect'), ('close', 'close'), ('exec', 'execve')))
FAULTS = (('condition', 'and and'), ('condition', 'no.such_field = 1'), ('condition', 'no_such_macro'),
          ('priority', 'urgent'), ('output', '"%no.such_field"'), ('condition', '[a]'))


def alerts(rules, capture, *more):
    """Alerts by rule and event; and the log."""
    result = subprocess.run([GYR, '-r', rules, '-e', capture, '-o', 'rule_matching=all', '-o', 'json_output=true',
                             '-o', 'append_output[]={extra_fields: [evt.num]}', *more],
                            check=False, capture_output=True, text=True, timeout=120)
    lines = [json.loads(line) for line in result.stdout.splitlines() if line.startswith('{')]
    return result, Counter((line['rule'], line['output_fields']['evt.num']) for line in lines)


def split_items(text):
    """The file's items, each from its dash on."""
    return re.split(r'(?m)^(?=- )', text)


class Skip(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        with open(RULES, encoding='utf-8') as file:
            self.items = split_items(file.read() + EXTRA)

    def write(self, items):
        path = os.path.join(self.folder, 'rules.yaml')
        with open(path, 'w', encoding='utf-8') as file:
            file.write(''.join(items))
        return path

    def test_any_one_broken_rule(self):
        capture = os.path.join(DATA, 'captures', 'net.scap')
        result, before = alerts(self.write(self.items), capture)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertGreater(sum(before.values()), 100)
        rules = [i for i, item in enumerate(self.items) if item.startswith('- rule:')]
        chance = random.Random(5)
        chosen = chance.sample(rules[:-4], 8) + rules[-4:]
        for index in chosen:
            name = re.match(r'- rule: *(.*)', self.items[index]).group(1).strip()
            key, value = chance.choice(FAULTS)
            broken = list(self.items)
            # The first of two equal keys counts, so this one is what is read.
            broken[index] = broken[index].replace('\n', f'\n  {key}: {value}\n', 1)
            path = self.write(broken)
            with self.subTest(rule=name, fault=f'{key}: {value}'):
                stopped, _ = alerts(path, capture)
                self.assertEqual(stopped.returncode, 1)
                result, after = alerts(path, capture, '-o', 'gyr.rules_on_error=skip')
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertEqual(after, Counter({k: n for k, n in before.items() if k[0] != name}))
                self.assertIn('1 rules are missing', result.stderr)
                self.assertIn(name, result.stderr)

    def test_validation_is_unchanged(self):
        broken = list(self.items)
        broken[-1] = broken[-1].replace('priority: debug', 'priority: urgent')
        path = self.write(broken)
        reports = [subprocess.run([GYR, '-V', path, '-o', f'gyr.rules_on_error={word}'], check=False,
                                  capture_output=True, text=True, timeout=60) for word in ('stop', 'skip')]
        self.assertEqual([r.returncode for r in reports], [1, 1])
        self.assertEqual(reports[0].stdout, reports[1].stdout)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1], verbosity=1)
