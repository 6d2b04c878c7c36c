#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A rule on what the kernel opened fires although the name in memory is changed during the call, another on the change
itself; and the replay of the recording gives the same alerts.

usage: swap_test.py GYR
Needs root and eBPF; skipped without them.
"""
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from common import skip, start_watching

GYR = ''
RULES = '''- rule: secret opened
  desc: by the test
  condition: evt.type in (open, openat) and fd.realpath endswith /gyr-secret
  output: "%fd.name %fd.realpath"
  priority: INFO
- rule: secret read
  desc: the descriptor keeps its path
  condition: evt.type=fchmod and fd.realpath endswith /gyr-secret
  output: "%fd.name %fd.realpath"
  priority: INFO
- rule: arguments changed
  desc: by the test
  condition: evt.type in (open, unlink) and evt.args_changed=true and fs.path.name contains gyr-
  output: "%evt.type %evt.args_changed"
  priority: INFO
'''


def blocked(thread):
    """Waits until that thread sleeps in a call."""
    for _ in range(5000):
        with open(f'/proc/self/task/{thread}/stat', encoding='utf-8') as stat:
            if stat.read().rpartition(')')[2].split()[0] == 'S':
                return
        time.sleep(0.001)


def swap_during_open(folder):
    """Opens the FIFO gyr-secret under a name that changes while the open waits for a writer."""
    libc = ctypes.CDLL(None, use_errno=True)
    real = os.path.join(folder, 'gyr-secret')
    os.mkfifo(real)
    name = ctypes.create_string_buffer(real.encode())
    opener = []

    def opens():
        opener.append(threading.get_native_id())
        fd = libc.syscall(2, name, os.O_RDONLY)
        libc.fchmod(fd, 0o600)
        os.close(fd)

    thread = threading.Thread(target=opens)
    thread.start()
    while not opener:
        time.sleep(0.001)
    time.sleep(0.1)  # it holds the interpreter's lock until it is in the call
    blocked(opener[0])
    name.value = os.path.join(folder, 'gyr-harmls').encode()
    os.close(os.open(real, os.O_WRONLY))
    thread.join()


class Swap(unittest.TestCase):
    def test_rules_see_through_a_changed_name(self):
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        rules, recorded = os.path.join(folder, 'rules.yaml'), os.path.join(folder, 'x.scap')
        with open(rules, 'w', encoding='utf-8') as file:
            file.write(RULES)
        common = [GYR, '-r', rules, '-o', 'json_output=true', '-o', 'rule_matching=all']
        gyr, _ = start_watching(self, [*common, '-o', 'gyr.record.file=' + recorded, '-U'])
        swap_during_open(folder)
        time.sleep(1)
        gyr.send_signal(signal.SIGTERM)
        out, log = gyr.communicate(timeout=60)
        self.assertEqual(gyr.returncode, 0, log)
        live = [json.loads(line) for line in out.splitlines() if line.startswith('{')]
        found = {(alert['rule'], alert['output_fields'].get('fd.name', '')[-10:],
                  alert['output_fields'].get('fd.realpath', '')) for alert in live}
        real = os.path.realpath(os.path.join(folder, 'gyr-secret'))
        self.assertIn(('secret opened', 'gyr-harmls', real), found)
        self.assertIn(('secret opened', 'gyr-secret', real), found)  # by the writer
        self.assertIn(('secret read', 'gyr-harmls', real), found)
        self.assertEqual([alert['output_fields']['evt.args_changed'] for alert in live
                          if alert['rule'] == 'arguments changed'], [True])
        again = subprocess.run([*common, '-o', 'engine.kind=replay', '-o', 'engine.replay.capture_file=' + recorded],
                               capture_output=True, text=True, timeout=60, check=True)
        replayed = [json.loads(line) for line in again.stdout.splitlines() if line.startswith('{')]
        self.assertEqual(replayed, live)


if __name__ == '__main__':
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    GYR = sys.argv.pop(1)
    if os.geteuid() != 0:
        skip('needs root')
    unittest.main()
