#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A hundred thousand threads: the start looks at all of them, the table keeps its bound and says so, alerts keep coming.

usage: threads_test.py GYR THREADS_PROGRAM
Needs root and eBPF, a host that can have so many threads (its limits are raised for the test) and the memory for them;
else it skips with the reason (the tables' bounds are tested with made-up events in tests/state too).
"""
import os
import re
import shutil
import sys
import tempfile
import time
import unittest

from common import Detection, need_live_capture, wait_for
from threads_program import Threads, allow_threads

GYR = ''
PROGRAM = ''
COUNT = 100_000
RULES = '''- rule: opened by one of many
  desc: by the test
  condition: evt.type in (open, openat) and fd.name startswith {folder}/
  output: "%fd.name %proc.name %thread.tid %proc.pid"
  priority: WARNING
'''


class ManyThreads(unittest.TestCase):
    def setUp(self):
        if reason := allow_threads(self, COUNT + 60_000):
            self.skipTest(reason)
        self.folder = tempfile.mkdtemp(prefix='gyrtest')
        self.addCleanup(shutil.rmtree, self.folder)
        self.rules = os.path.join(self.folder, 'rules.yaml')
        with open(self.rules, 'w', encoding='utf-8') as file:
            file.write(RULES.format(folder=self.folder))
        self.threads = Threads(self, PROGRAM, COUNT)
        if self.threads.made < COUNT:
            self.skipTest(self.threads.process.stderr.readline().strip())

    def watch(self, *options):
        start = time.monotonic()
        gyr = Detection(self, [GYR, '-v', '-r', self.rules], options)
        print(f'{" ".join(options) or "defaults"}: watches {COUNT} threads after {time.monotonic() - start:.1f} s', end=', ')
        return gyr

    def open_files(self, gyr, count=20):
        for number in range(count):
            self.threads.do(f'open {self.folder}/{number}')
        wait_for(lambda: len(gyr.alerts) >= count, f'{count} alerts')
        self.assertEqual([alert['output_fields']['fd.name'] for alert in gyr.alerts],
                         [f'{self.folder}/{number}' for number in range(count)])
        for alert in gyr.alerts:
            fields = alert['output_fields']
            self.assertEqual((fields['proc.name'], fields['proc.pid']), ('gyr_threads', self.threads.pid))
            self.assertNotEqual(fields['thread.tid'], self.threads.pid)

    def print_memory(self, gyr):
        with open(f'/proc/{gyr.process.pid}/status', encoding='ascii') as file:
            status = file.read()
        resident, peak = (int(re.search(key + r':\s+(\d+)', status)[1]) >> 10 for key in ('VmRSS', 'VmHWM'))
        print(f'{resident} MiB resident, {peak} at most')

    def finish(self, gyr):
        self.assertEqual(gyr.end(), 0, gyr.log)
        return ''.join(gyr.log)

    def known(self, log):
        return int(re.search(r'(\d+) threads known at the end', log)[1])

    def test_all_are_known_by_iterators(self):
        gyr = self.watch()
        self.open_files(gyr)
        self.print_memory(gyr)
        log = self.finish(gyr)
        self.assertGreaterEqual(self.known(log), COUNT)
        self.assertNotIn('threads were dropped', log)

    def test_all_are_known_by_proc(self):
        gyr = self.watch('engine.modern_ebpf.disable_iterators=true')
        self.open_files(gyr)
        self.print_memory(gyr)
        log = self.finish(gyr)
        self.assertGreaterEqual(self.known(log), COUNT)

    def test_a_smaller_table_keeps_its_bound_and_says_so(self):
        bound = 20_000
        gyr = self.watch(f'falco_libs.thread_table_size={bound}')
        for number in range(20):
            self.threads.do(f'open {self.folder}/{number}')
        # Whether the thread that opens has found room is chance; the alert comes, with the file's name, either way.
        wait_for(lambda: len(gyr.alerts) >= 20, '20 alerts')
        self.assertEqual(len({alert['output_fields']['fd.name'] for alert in gyr.alerts}), 20)
        self.print_memory(gyr)
        log = self.finish(gyr)
        self.assertLessEqual(self.known(log), bound + 1)  # and gyr itself
        self.assertRegex(log, r'[1-9]\d* times there was no room for a thread \(falco_libs.thread_table_size is 20000\)')


if __name__ == '__main__':
    GYR = os.path.abspath(sys.argv.pop(1))
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    need_live_capture(GYR)
    unittest.main(verbosity=2)
