#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A control group with little memory: queues, tables and captures stay within it, what is lost is said, nothing is killed;
where not even the rings can be had the start says what to change.

usage: memory_limit_test.py GYR THREADS_PROGRAM
Needs root, eBPF and a control group of memory (version 1 or 2) that can be made; else it skips with the reason.
"""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

from common import need_live_capture, skip, start_watching, wait_for
from threads_program import Threads

GYR = ''
PROGRAM = ''
MIB = 1 << 20
V1 = '/sys/fs/cgroup/memory'
V2 = '/sys/fs/cgroup'
RULES = '''- rule: opened in a storm
  desc: by the test
  condition: evt.type in (open, openat) and fd.name startswith {folder}/
  output: "%fd.name %proc.cmdline %proc.aname %evt.args %proc.exepath %user.name %group.name %thread.cgroups %evt.num"
  priority: WARNING
  capture: true
'''


def read(path):
    with open(path, encoding='ascii') as file:
        return file.read()


def write(path, text):
    with open(path, 'w', encoding='ascii') as file:
        file.write(str(text))


class Group:
    """A control group whose members may use `limit` bytes."""

    def __init__(self, test, limit):
        self.is_v1 = os.path.exists(V1 + '/memory.limit_in_bytes')
        self.folder = f'{V1 if self.is_v1 else V2}/gyrtest-memory-{os.getpid()}'
        os.mkdir(self.folder)
        test.addCleanup(os.rmdir, self.folder)
        self.limit_file = f'{self.folder}/memory.{"limit_in_bytes" if self.is_v1 else "max"}'
        write(self.limit_file, limit)
        swap = f'{self.folder}/memory.swap.max'
        if os.path.exists(swap):
            write(swap, 0)

    def command(self, words):
        return ['sh', '-c', f'echo $$ > {self.folder}/cgroup.procs && exec "$@"', 'sh', *words]

    def kills(self):
        return int(re.search(r'oom_kill (\d+)', read(f'{self.folder}/memory.{"oom_control" if self.is_v1 else "events"}'))[1])

    def most_used(self):
        for name in ('memory.max_usage_in_bytes', 'memory.peak'):
            if os.path.exists(f'{self.folder}/{name}'):
                return int(read(f'{self.folder}/{name}'))
        return 0


def why_no_group():
    if os.path.exists(V1 + '/memory.limit_in_bytes'):
        return ''
    try:
        if 'memory' not in read(V2 + '/cgroup.subtree_control').split():
            write(V2 + '/cgroup.subtree_control', '+memory')
    except OSError as error:
        return f'no control group with a memory limit can be made: {error}'
    return ''


class MemoryLimit(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='gyrtest')
        self.addCleanup(shutil.rmtree, self.folder)
        self.rules = os.path.join(self.folder, 'rules.yaml')
        self.watched = os.path.join(self.folder, 'watched')
        os.mkdir(self.watched)
        with open(self.rules, 'w', encoding='utf-8') as file:
            file.write(RULES.format(folder=self.watched))

    def command(self, *options):
        return [GYR, '-v', '-r', self.rules, *(word for option in options for word in ('-o', option))]

    def dead_peer(self):
        """Takes connections and never answers."""
        peer = socket.create_server(('127.0.0.1', 0), backlog=64)
        self.addCleanup(peer.close)
        return peer.getsockname()[1]

    def test_a_storm_beside_a_dead_peer_and_many_threads(self):
        group = Group(self, 192 * MIB)
        threads = Threads(self, PROGRAM, 4000)
        gyr, log = start_watching(self, group.command(self.command(
            f'http_output={{enabled: true, url: "http://127.0.0.1:{self.dead_peer()}/"}}', 'stdout_output.enabled=false',
            'gyr.outputs.http.queue_mb=24', f'gyr.outputs.http.spool={self.folder}/spool', 'gyr.outputs.http.spool_mb=8',
            'gyr.outputs.http.timeout_ms=500', 'falco_libs.thread_table_size=6000', 'capture.enabled=true',
            f'capture.path_prefix={self.folder}/capture', 'capture.default_duration=1000', 'capture.max_file_size_mb=16',
            'gyr.capture.before_mb=8', 'output_timeout=500', 'json_output=true')))
        self.assertNotIn('memory: with all tables and queues full', log)
        opens = sum(threads.do(f'storm 2 {self.watched}/{name}') for name in ('a' * 200, 'b' * 200, 'c' * 200))
        self.assertIsNone(gyr.poll(), 'gyr ended')
        with open(f'/proc/{gyr.pid}/status', encoding='ascii') as file:
            resident = int(re.search(r'VmRSS:\s+(\d+)', file.read())[1]) >> 10
        gyr.send_signal(signal.SIGINT)
        out, rest = gyr.communicate(timeout=60)
        print(f'{opens} opens; {resident} MiB resident, at most {group.most_used() // MIB} of 192 MiB in the group')
        self.assertEqual(gyr.returncode, 0, rest)
        self.assertEqual(group.kills(), 0)
        matched = int(re.search(r'Events detected: (\d+)', out)[1])
        self.assertGreater(matched, 10_000, 'it was no storm')
        self.assertRegex(log + rest, r'http.*alerts? .*lost|http.*lost', 'what was lost is said')
        self.assertIn('queue_full', rest)

    def test_what_does_not_fit_is_said_at_the_start(self):
        group = Group(self, 256 * MIB)
        gyr, log = start_watching(self, group.command(self.command('gyr.outputs.stdout.queue_mb=512')))
        gyr.send_signal(signal.SIGINT)
        gyr.communicate(timeout=60)
        self.assertIn('memory: with all tables and queues full', log)
        self.assertIn(f'the control group allows 256 MiB ({group.limit_file})', log)
        self.assertIn('gyr.outputs.NAME.queue_mb', log)

    def test_rings_shrink_to_what_the_limit_leaves(self):
        group = Group(self, 128 * MIB)
        gyr, log = start_watching(self, group.command(self.command('engine.modern_ebpf.buf_size_preset=10')))
        gyr.send_signal(signal.SIGINT)
        _, rest = gyr.communicate(timeout=60)
        self.assertEqual(gyr.returncode, 0, rest)
        self.assertRegex(log, r'rings of \d+ MiB instead of 512 MiB')
        self.assertEqual(group.kills(), 0)

    def test_every_limit_lets_it_start_or_says_why_not(self):
        refused, started = [], []
        for limit in (8, 16, 24, 32, 39, 42, 56, 80, 96):
            with self.subTest(limit=limit):
                test = unittest.TestCase()
                group = Group(test, limit * MIB)
                done = subprocess.run(group.command([*self.command(), '-M', '1']), capture_output=True, text=True, check=False, timeout=60)
                wait_for(lambda group=group: not read(f'{group.folder}/cgroup.procs'), 'the end')
                used, kills = group.most_used(), group.kills()
                test.doCleanups()
                self.assertEqual(kills, 0, done.stderr)
                print(f'{limit} MiB: status {done.returncode}, {used // MIB} MiB used at most')
                if done.returncode == 0:
                    started.append(limit)
                    continue
                refused.append(limit)
                self.assertEqual(done.returncode, 1)
                for part in (f'the control group allows {limit} MiB of memory', 'MemoryMax=', 'resources.limits.memory'):
                    self.assertIn(part, done.stderr)
                if limit < 24:
                    continue  # the doctor itself needs some
                told = subprocess.run(group_words(limit, [GYR, 'doctor']), capture_output=True, text=True, check=False, timeout=60)
                self.assertRegex(told.stdout, r'fault +memory limit')
        self.assertEqual(sorted(refused) + sorted(started), sorted(refused + started), 'more memory must not be refused')
        self.assertTrue(refused and started)


def group_words(limit, words):
    """In a group of its own that is left behind for the kernel: the doctor frees nothing by itself."""
    base = V1 if os.path.exists(V1 + '/memory.limit_in_bytes') else V2
    name = 'limit_in_bytes' if base == V1 else 'max'
    folder = f'{base}/gyrtest-memory-doctor'
    script = (f'mkdir -p {folder} && echo {limit * MIB} > {folder}/memory.{name} && (echo 0 > {folder}/cgroup.procs; exec "$@"); '
              f'status=$?; rmdir {folder}; exit $status')
    return ['sh', '-c', script, 'sh', *words]


if __name__ == '__main__':
    GYR = os.path.abspath(sys.argv.pop(1))
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    need_live_capture(GYR)
    if reason := why_no_group():
        skip(reason)
    unittest.main(verbosity=2)
