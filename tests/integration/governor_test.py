#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Live detection under a load that comes and goes: what it gives up, what it keeps, and that it says so.

usage: governor_test.py GYR
Needs root and eBPF, else it is skipped.
"""
import datetime
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from common import skip
from observed import observes

GYR = ''
HOLD = 12  # longer than the default
RULES = '''- rule: secret opened
  desc: by the test
  condition: evt.type in (open, openat) and fd.name = {secret}
  output: "%proc.pid"
  priority: WARNING
- rule: file removed
  desc: what the noise is made of
  condition: evt.type in (unlink, unlinkat) and fs.path.name = {folder}/of-interest
  output: "%proc.pid"
  priority: NOTICE
'''
# Noise until told to stop; an attacker's loop, who opens the secret in the middle of it.
NOISE = '''
import os, sys, time
end = time.monotonic() + float(sys.argv[2])
opened = False
while time.monotonic() < end:
    for _ in range(2000):
        try: os.unlink('/no/such/noise')
        except OSError: pass
    if not opened and time.monotonic() > end - 1.5:
        os.close(os.open(sys.argv[1], os.O_RDONLY)); opened = True
'''


class Detection:
    def __init__(self, folder, *options):
        self.secret = os.path.join(folder, 'secret')
        rules = os.path.join(folder, 'rules.yaml')
        with open(self.secret, 'w', encoding='utf-8'), open(rules, 'w', encoding='utf-8') as file:
            file.write(RULES.format(secret=self.secret, folder=folder))
        settings = [arg for option in ('json_output=true', *options) for arg in ('-o', option)]
        self.process = subprocess.Popen([GYR, '-r', rules, *settings], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.alerts = []
        for line in self.process.stderr:
            if 'watching this host' in line:
                break
        else:
            skip('live capture is not possible here')
        self.readers = [threading.Thread(target=self.read), threading.Thread(target=self.process.stderr.read)]
        for reader in self.readers:
            reader.start()

    def read(self):
        for line in self.process.stdout:
            if line.startswith('{'):
                self.alerts.append(json.loads(line))

    def named(self, name):
        return [alert for alert in list(self.alerts) if alert['rule'] == name]

    def await_alert(self, name, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := self.named(name):
                return found
            time.sleep(0.1)
        return []

    def end(self):
        self.process.send_signal(signal.SIGINT)
        for reader in self.readers:
            reader.join()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()


class Governor(unittest.TestCase):
    def noise(self, watched, seconds):
        processes = [subprocess.Popen([sys.executable, '-c', NOISE, watched.secret, str(seconds)]) for _ in range(2)]
        for process in processes:
            process.wait()
        return processes[0].pid

    @observes('gyr.governor.max_cpu_percent', 'gyr.governor.hold_seconds')
    def test_noise_costs_its_maker_what_nobody_important_needs_and_hides_nothing(self):
        with tempfile.TemporaryDirectory() as folder:
            watched = Detection(folder, 'gyr.governor.max_cpu_percent=5', f'gyr.governor.hold_seconds={HOLD}')
            try:
                pid = self.noise(watched, 6)
                reduced = watched.named('Gyr internal: collection reduced')
                self.assertTrue(reduced, watched.alerts)
                first = reduced[0]
                self.assertEqual(first['priority'], 'Critical')
                self.assertEqual(first['source'], 'internal')
                fields = first['output_fields']
                self.assertRegex(fields['why'], r'\d+ % of a CPU used')
                self.assertIn('unlink', fields['given_up'])
                self.assertIn('file removed', fields['rules'])
                self.assertNotIn('secret opened', fields['rules'])
                named = {name for alert in reduced for name in re.findall(r'\d+', alert['output_fields']['given_up'])}
                self.assertIn(str(pid), named, reduced)
                seen = watched.await_alert('secret opened', 5)
                self.assertIn(str(pid), [alert['output'].split()[-1] for alert in seen], 'the noise hid an important event')
                restored = watched.await_alert('Gyr internal: collection restored', 90)
                self.assertTrue(restored, watched.alerts)
                last, then = (datetime.datetime.fromisoformat(alert['time'][:26]) for alert in (
                    watched.named('Gyr internal: collection reduced')[-1], restored[0]))
                self.assertGreaterEqual((then - last).total_seconds(), HOLD, 'taken back too soon')
            finally:
                watched.end()

    def test_without_pressure_all_is_collected(self):
        with tempfile.TemporaryDirectory() as folder:
            watched = Detection(folder, 'gyr.governor.max_cpu_percent=0', 'gyr.governor.max_ring_fill_percent=0',
                                'gyr.governor.max_lost_per_second=1000000000')
            try:
                self.noise(watched, 3)
                self.assertTrue(watched.await_alert('secret opened', 5))
                self.assertFalse([alert for alert in watched.alerts if alert['rule'].startswith('Gyr internal')])
            finally:
                watched.end()


if __name__ == '__main__':
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    GYR = os.path.abspath(sys.argv.pop(1))
    if os.geteuid() != 0:
        skip('needs root')
    unittest.main()
