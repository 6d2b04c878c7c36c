#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""gyr check: each finding as in tests/check/findings, the forms of its report, its exit statuses.

usage: check_test.py GYR [unittest arguments]
GYR_UPDATE_GOLDEN=1 writes the expected texts anew. Needs no privileges.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from urllib.parse import unquote

from common import ROOT, conformance_or_none

GYR = ''
CASES = os.path.join(ROOT, 'tests', 'check', 'findings')
GOOD = '''- rule: good
  desc: d
  condition: evt.type = open and proc.name = x
  output: "open %fd.name"
  priority: INFO
'''


def check(*arguments, cwd=None):
    return subprocess.run([GYR, 'check', *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=cwd,
                          timeout=60, check=False)


class Findings(unittest.TestCase):
    def test_each_is_told_as_expected(self):
        names = sorted(name[:-5] for name in os.listdir(CASES) if name.endswith('.yaml'))
        self.assertGreater(len(names), 8)
        for name in names:
            with self.subTest(name):
                result = check(f'{name}.yaml', cwd=CASES)
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertIn(f'[{name}]', result.stdout)
                path = os.path.join(CASES, f'{name}.txt')
                if os.environ.get('GYR_UPDATE_GOLDEN'):
                    with open(path, 'w', encoding='utf-8') as file:
                        file.write(result.stdout)
                with open(path, encoding='utf-8') as file:
                    self.assertEqual(result.stdout, file.read())

    def test_no_false_alarm_on_public_rules(self):
        """Each of these was looked at, and is true."""
        data = conformance_or_none()
        if data is None:
            self.skipTest('no conformance data; set GYR_CONFORMANCE')
        files = [os.path.join(data, 'rulesets', name) for name in ('falco_rules.yaml', 'falco-incubating_rules.yaml')]
        found = json.loads(check(*files, '--format', 'json').stdout)['findings']
        ours = sorted((f['code'], f['item']) for f in found if f['code'].startswith('CHECK_'))
        self.assertEqual(ours, [('CHECK_DUPLICATE_ITEM', "list 'coreutils_binaries'"),
                                ('CHECK_OUTPUT_WITHOUT_VALUE', "rule 'Execution from /dev/shm'"),
                                ('CHECK_OUTPUT_WITHOUT_VALUE', "rule 'Remove Bulk Data from Disk'")])

    def test_built_in_rules_are_clean(self):
        result = check()
        self.assertEqual((result.returncode, result.stdout), (0, ''))
        self.assertIn('1 file: 0 errors, 0 warnings', result.stderr)


class Reports(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        self.good = self.write('good.yaml', GOOD)
        self.warned = self.write('warned.yaml', GOOD.replace('INFO', 'Info'))
        self.bad = self.write('bad rules.yaml', GOOD.replace('fd.name', 'fd.nme') + GOOD.replace('good', 'g2').replace('open and', 'opne and'))

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
        return path

    def test_statuses(self):
        cases = (((self.good,), 0), ((self.warned,), 0), ((self.warned, '--warnings-as-errors'), 1), ((self.bad,), 1),
                 ((self.warned, '--warnings-as-errors', '--ignore', 'CHECK_PRIORITY_SPELLING'), 0),
                 ((os.path.join(self.folder, 'none.yaml'),), 1), ((self.good, '--nosuch'), 2), ((self.good, '-o', 'priority=x'), 2),
                 ((self.good, '--ignore', 'CHECK_PRIORITY_SPELING'), 2), ((self.good, '--ignore', 'LOAD_ERR_VALIDATE'), 2),
                 ((self.good, '--format', 'xml'), 2), ((self.good, '-c', '/nonexistent.yaml'), 2))
        for arguments, status in cases:
            with self.subTest(arguments):
                result = check(*arguments)
                self.assertEqual(result.returncode, status, result.stdout + result.stderr)

    def test_all_errors_of_a_file_are_told(self):
        result = check(self.bad)
        self.assertEqual(len(re.findall(r'bad rules\.yaml:\d+:\d+: error: ', result.stdout)), 2, result.stdout)
        self.assertIn('1 file: 2 errors', result.stderr)

    def test_json(self):
        report = json.loads(check(self.bad, '--format', 'json').stdout)
        self.assertEqual((report['errors'], report['warnings']), (2, 0))
        for key in ('code', 'severity', 'message', 'help', 'item', 'file', 'line', 'column', 'line_text'):
            self.assertIn(key, report['findings'][0])
        self.assertEqual(json.loads(check(self.good, '--format=json').stdout), {'findings': [], 'errors': 0, 'warnings': 0})

    def test_sarif_has_what_its_schema_requires(self):
        shadow = os.path.join(CASES, 'CHECK_SHADOWED_RULE.yaml')
        for files in ((self.bad, self.warned), (shadow,)):
            self.check_sarif(json.loads(check(*files, '--format', 'sarif').stdout))
        self.assertIn('relatedLocations', check(shadow, '--format', 'sarif').stdout)
        self.assertIn('bad%20rules.yaml', check(self.bad, '--format', 'sarif').stdout)
        clean = json.loads(check(self.good, '--format', 'sarif').stdout)
        self.assertEqual(clean['runs'][0]['results'], [])

    def check_sarif(self, log):
        self.assertEqual(log['version'], '2.1.0')
        self.assertIn('sarif', log['$schema'])
        run, = log['runs']
        driver = run['tool']['driver']
        self.assertEqual(driver['name'], 'gyr check')
        self.assertEqual(len({rule['id'] for rule in driver['rules']}), len(driver['rules']))
        for rule in driver['rules']:
            for key in ('shortDescription', 'fullDescription', 'help'):
                self.assertTrue(rule[key]['text'])
            self.assertIn(rule['defaultConfiguration']['level'], ('none', 'note', 'warning', 'error'))
        self.assertTrue(run['results'])
        # The schema knows no other properties but these and some that we do not use.
        self.assertLessEqual(set(log), {'$schema', 'version', 'runs'})
        self.assertLessEqual(set(run), {'tool', 'columnKind', 'results'})
        self.assertEqual(run['columnKind'], 'unicodeCodePoints')
        for result in run['results']:
            self.assertLessEqual(set(result), {'ruleId', 'ruleIndex', 'level', 'message', 'locations', 'relatedLocations'})
            self.assertTrue(result['locations'])
        for result in run['results']:
            self.assertEqual(driver['rules'][result['ruleIndex']]['id'], result['ruleId'])
            self.assertIn(result['level'], ('none', 'note', 'warning', 'error'))
            self.assertTrue(result['message']['text'])
            for place in result['locations'] + result.get('relatedLocations', []):
                physical = place['physicalLocation']
                uri = physical['artifactLocation']['uri']
                self.assertRegex(uri, r"^[A-Za-z0-9/._~:%-]+$")
                region = physical.get('region', {'startLine': 1})
                self.assertGreaterEqual(region['startLine'], 1)
                if 'startColumn' in region:
                    self.assertGreaterEqual(region['startColumn'], 1)
                    self.assertGreater(region['endColumn'], region['startColumn'])
                    with open(unquote(uri.removeprefix('file://')), encoding='utf-8') as file:
                        line = file.read().split('\n')[region['startLine'] - 1]
                    self.assertEqual(region['snippet']['text'], line)
                    self.assertLessEqual(region['startColumn'], len(line) + 1)

    def test_configuration_counts(self):
        shadow = os.path.join(CASES, 'CHECK_SHADOWED_RULE.yaml')
        self.assertNotIn('CHECK_SHADOWED', check(shadow, '-o', 'rule_matching=all').stdout)
        self.assertNotIn('Shadow file', check(shadow, '-o', 'rules[].disable.rule=Any*').stdout)

    def test_every_code_is_listed(self):
        codes = subprocess.run([GYR, 'list', 'checks'], capture_output=True, text=True, check=True, timeout=60).stdout
        for name in os.listdir(CASES):
            self.assertIn(name.split('.')[0] + ':', codes)


if __name__ == '__main__':
    GYR = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=1)
