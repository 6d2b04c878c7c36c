#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rules on opened files fire for files opened through io_uring, with the right process and name.

usage: uring_test.py GYR
Needs root, eBPF and io_uring; skipped without them.
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

from common import skip, start_watching

GYR = ''
RULES = '''- rule: secret written
  desc: by the test
  condition: evt.type in (open, openat, openat2) and evt.is_open_write=true and fd.num>=0 and fd.name endswith .gyr-secret
  output: "%proc.name %proc.pid %fd.name"
  priority: INFO
'''


class Uring(unittest.TestCase):
    def test_a_rule_on_open_fires(self):
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        rules = os.path.join(folder, 'rules.yaml')
        with open(rules, 'w', encoding='utf-8') as file:
            file.write(RULES)
        gyr, log = start_watching(self, [GYR, '-r', rules, '-o', 'json_output=true', '-U'])
        if 'io_uring is not seen' in log:
            self.skipTest(log.strip())
        program = os.path.join(os.path.dirname(os.path.abspath(GYR)), 'tests', 'live', 'gyr_live_uring')
        for mode in ('plain', 'async', 'sqpoll', 'quiet'):
            with self.subTest(mode):
                name = os.path.join(folder, mode + '.gyr-secret')
                actor = subprocess.Popen([program, mode, name])
                status = actor.wait(timeout=30)
                if status == 3:
                    self.skipTest('this kernel or its settings have no io_uring')
                self.assertEqual(status, 0)
                alert = json.loads(gyr.stdout.readline())
                fields = alert['output_fields']
                self.assertEqual((fields['proc.name'], fields['proc.pid'], fields['fd.name']),
                                 ('gyr_live_uring', actor.pid, name))
        gyr.send_signal(signal.SIGTERM)
        self.assertEqual(gyr.wait(timeout=30), 0)


if __name__ == '__main__':
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    GYR = sys.argv.pop(1)
    if os.geteuid() != 0:
        skip('needs root')
    unittest.main()
