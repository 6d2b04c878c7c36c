#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""gyr.storms: what is left out of a storm of alerts is counted and told, and wrong settings are errors.

usage: storms_test.py GYR
Reads captures of the conformance folder, else it is skipped.
"""
import collections
import json
import os
import subprocess
import sys
import tempfile
import unittest

from common import conformance
from observed import observes

GYR = ''
RULES = '''- rule: opened
  desc: d
  condition: evt.type in (open, openat)
  output: "%proc.name %fd.name"
  priority: WARNING
  tags: [files]
- rule: closed
  desc: d
  condition: evt.type = close
  output: "%proc.name"
  priority: NOTICE
'''
SUMMARY = 'Gyr internal: alerts suppressed'


class Storms(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='gyr-storms-')
        self.addCleanup(folder.cleanup)
        self.rules = os.path.join(folder.name, 'rules.yaml')
        with open(self.rules, 'w', encoding='utf-8') as file:
            file.write(RULES)

    def run_gyr(self, *settings):
        options = [arg for setting in ('json_output=true', *settings) for arg in ('-o', setting)]
        capture = os.path.join(conformance(), 'captures', 'net.scap')
        return subprocess.run([GYR, '-r', self.rules, '-e', capture, *options], capture_output=True, text=True, check=False,
                              timeout=120)

    def alerts(self, *settings):
        done = self.run_gyr(*settings)
        self.assertEqual(done.returncode, 0, done.stderr)
        alerts = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{')]
        detected = int(done.stdout.split('Events detected: ')[1].split()[0])
        told = [alert for alert in alerts if alert['rule'] != SUMMARY]
        left_out = sum(alert['output_fields']['count'] for alert in alerts if alert['rule'] == SUMMARY)
        self.assertEqual(len(told) + left_out, detected, 'each match is told or counted')
        return told, [alert for alert in alerts if alert['rule'] == SUMMARY], done.stderr

    def test_off_unless_asked_for(self):
        told, summaries, _ = self.alerts()
        self.assertGreater(len(told), 100)
        self.assertEqual(summaries, [])

    @observes('gyr.storms.limits')
    def test_repeats_by_key(self):
        every, _, _ = self.alerts()
        opens = collections.Counter(alert['output_fields']['fd.name'] for alert in every if alert['rule'] == 'opened')
        limit = 'gyr.storms.limits[]={tag: files, key: "%fd.name", window_seconds: 86400}'
        told, summaries, log = self.alerts(limit)
        self.assertEqual(sorted(alert['output_fields']['fd.name'] for alert in told if alert['rule'] == 'opened'), sorted(opens))
        self.assertEqual({alert['output_fields']['key']: alert['output_fields']['count'] for alert in summaries},
                         {name: count - 1 for name, count in opens.items() if count > 1})
        self.assertEqual({(alert['priority'], alert['output_fields']['why'], alert['output_fields']['rule']) for alert in summaries},
                         {('Warning', 'repeated', 'opened')})
        self.assertEqual(sum(alert['rule'] == 'closed' for alert in told), sum(alert['rule'] == 'closed' for alert in every))
        self.assertIn("rule 'opened': ", log)

    def test_without_a_key_the_output_counts(self):
        every, _, _ = self.alerts()
        told, _, _ = self.alerts('gyr.storms.limits[]={rule: "clo*", window_seconds: 86400}')
        closes = {alert['output_fields']['proc.name'] for alert in every if alert['rule'] == 'closed'}
        self.assertEqual(sum(alert['rule'] == 'closed' for alert in told), len(closes))

    @observes('gyr.storms.max_per_second', 'gyr.storms.burst', 'gyr.storms.protect')
    def test_rates(self):
        told, summaries, _ = self.alerts('gyr.storms.max_per_second=0.001', 'gyr.storms.burst=3', 'gyr.storms.protect=warning')
        self.assertEqual(sum(alert['rule'] == 'closed' for alert in told), 3)
        self.assertGreater(sum(alert['rule'] == 'opened' for alert in told), 20, 'is protected')
        self.assertEqual({alert['output_fields']['why'] for alert in summaries}, {'too many'})
        told, _, _ = self.alerts('gyr.storms.limits[]={rule: opened, max_per_second: 0.001, burst: 2}')
        self.assertEqual(sum(alert['rule'] == 'opened' for alert in told), 2)

    def test_wrong_settings(self):
        for setting, words in (('gyr.storms.limits[]={rule: opened}', 'window_seconds or max_per_second'),
                               ('gyr.storms.limits[]={key: "%no.such", window_seconds: 1}', 'gyr.storms.limits[0].key'),
                               ('gyr.storms.limits[]={window_seconds: -1}', 'window_seconds'),
                               ('gyr.storms.limits[]={window_seconds: 99999999999}', 'year'),
                               ('gyr.storms.limits[]={max_per_second: 1, burst: 0}', 'burst'),
                               ('gyr.storms.limits=[5]', 'map'),
                               ('gyr.storms.max_per_second=-1', 'gyr.storms.max_per_second'),
                               ('gyr.storms.protect=loud', 'gyr.storms.protect')):
            with self.subTest(setting):
                done = self.run_gyr(setting)
                self.assertEqual(done.returncode, 1)
                self.assertIn(words, done.stderr)


if __name__ == '__main__':
    GYR = sys.argv.pop(1)
    conformance()
    unittest.main()
