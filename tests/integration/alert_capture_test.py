#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Captures on alert, in replays and live: the file begins before the alert, and its replay gives the alert again.

usage: alert_capture_test.py GYR
Replays need the conformance data, live detection root and eBPF; where they are missing, those tests are skipped with a reason.
"""
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from common import conformance_or_none, fastest
from observed import observes
from record_test import FD, OWN, PROCESS, STORM

GYR = ''
# Measured from an earlier event, so it begins anew in each file.
ANEW = ('%evt.num ',)
# At most so many of the alerts of the whole capture; every field of each must come back.
BROAD = f'''
- rule: shadow
  desc: of which captures are made
  condition: evt.type in (open, openat) and fd.name = /etc/shadow
  output: "{PROCESS} {FD}"
  priority: WARNING
  capture: true
  capture_duration: 400
- rule: program
  desc: most of what is known of a process
  condition: evt.type in (execve, execveat, procexit, chdir)
  output: "{PROCESS}"
  priority: INFO
- rule: descriptor
  desc: most of what is known of a descriptor
  condition: evt.type in (connect, accept4, bind, dup2, fcntl) or (evt.type = close and fd.name startswith /etc)
  output: "%evt.type %proc.pid %proc.name %proc.cwd {FD}"
  priority: INFO
'''.replace(ANEW[0], '')
# A descriptor, a directory and arguments from long before; the dup raises the alert.
LASTING = '''
import os, sys, time
fd = os.open(sys.argv[1] + "/kept-open", os.O_RDONLY | os.O_CREAT)
os.chdir("/usr/lib")
while not os.path.exists(sys.argv[1] + "/go"):
    time.sleep(0.1)
os.dup2(fd, 99)
'''
DUP = f'''
- rule: duplicated
  desc: needs what happened long before
  condition: evt.type in (dup2, dup3) and fd.name startswith FOLDER and fd.name endswith /kept-open
  output: "{PROCESS} {FD}"
  priority: WARNING
  capture: true
'''.replace(ANEW[0], '')


def alerts_of(text):
    """(rule, fields) of each alert, in order."""
    lines = [json.loads(line) for line in text.splitlines() if line.startswith('{')]
    return [(line['rule'], line['output_fields']) for line in lines if line['source'] == 'syscall']


class Case(unittest.TestCase):
    rules_text = BROAD

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='gyr-alert-capture-')
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.rules = os.path.join(self.folder, 'rules.yaml')
        with open(self.rules, 'w', encoding='utf-8') as file:
            file.write(self.rules_text.replace('FOLDER', self.folder))
        self.captures = os.path.join(self.folder, 'captures')
        os.mkdir(self.captures)

    def options(self, **settings):
        options = {'capture.enabled': 'true', 'capture.path_prefix': os.path.join(self.captures, 'c'), **settings}
        return ['-r', self.rules, '-o', 'json_output=true', '-o', 'rule_matching=all',
                *[word for key, value in options.items() for word in ('-o', f'{key}={value}')]]

    def run_gyr(self, *words, **more):
        return subprocess.run([GYR, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors='replace',
                              check=False, timeout=600, **more)

    def replay(self, path):
        done = self.run_gyr('-r', self.rules, '-o', 'json_output=true', '-o', 'rule_matching=all', '-e', path)
        self.assertEqual(done.returncode, 0, done.stderr)
        return alerts_of(done.stdout)

    def files(self):
        return sorted(os.path.join(self.captures, name) for name in os.listdir(self.captures))

    def check_file(self, path, whole):
        """The file's alerts are those of the whole run in its time, the one that it is named after among them."""
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        named = int(os.path.basename(path).split('_')[1])
        again = self.replay(path)
        times = self.run_gyr('read', path, '-p', '%evt.rawtime').stdout.split()
        first, last = int(times[0]), int(times[-1])
        expected = [(rule, fields) for rule, fields in whole if first <= fields['evt.time'] <= last]
        self.assertIn(named, [fields['evt.time'] for _, fields in again])
        self.assertEqual(len(again), len(expected))
        for (rule, fields), (other, fields_then) in zip(again, expected):
            self.assertEqual(rule, other)
            for key, value in fields_then.items():
                self.assertEqual(fields[key], value, f'{key} of {rule} in {path}')
        return first, named, last


class Replays(Case):
    """Of the first events of a workload, in which there are three times with alerts of /etc/shadow."""

    @classmethod
    def setUpClass(cls):
        if conformance_or_none() is None:
            raise unittest.SkipTest('no conformance data; set GYR_CONFORMANCE')
        cls.cut = tempfile.mkdtemp(prefix='gyr-alert-capture-')
        cls.addClassCleanup(shutil.rmtree, cls.cut, ignore_errors=True)
        cls.source = os.path.join(cls.cut, 'cut.scap')
        workload = os.path.join(conformance_or_none(), 'captures', 'workload.scap')
        subprocess.run([fastest(GYR), 'record', '-r', workload, '-w', cls.source, '-n', '620000'], check=True, timeout=600,
                       stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def detect(self, *more, **settings):
        return self.run_gyr(*self.options(**settings), '-e', self.source, *more)

    @observes('capture.enabled', 'capture.path_prefix', 'gyr.capture.before_mb', 'gyr.capture.overwrite')
    def test_every_file_gives_the_alerts_of_its_time(self):
        # A megabyte has room for some 8,000 events: most of what the alerts tell was long before.
        longest = 0
        for megabytes in (1, 16):
            with self.subTest(megabytes):
                done = self.detect(**{'gyr.capture.before_mb': megabytes, 'gyr.capture.overwrite': 'true'})
                self.assertEqual(done.returncode, 0, done.stderr)
                whole = alerts_of(done.stdout)
                self.assertEqual(len(self.files()), 3, done.stderr)
                before = [named - first for first, named, _ in (self.check_file(path, whole) for path in self.files())]
                self.assertGreater(max(before), 1e9 if megabytes == 16 else 0.005e9)
                self.assertGreater(max(before), 2 * longest)
                longest = max(before)
                self.assertIn('room for no more', done.stderr)
                self.assertIn('gyr: 3 captures with ', done.stderr)

    def test_the_alerts_are_the_same_with_and_without(self):
        plain = self.run_gyr('-r', self.rules, '-o', 'json_output=true', '-o', 'rule_matching=all', '-e', self.source)
        self.assertEqual(self.detect(**{'gyr.record.file': os.path.join(self.folder, 'all.scap')}).stdout, plain.stdout)
        self.assertEqual(self.replay(os.path.join(self.folder, 'all.scap')), alerts_of(plain.stdout))

    @observes('gyr.capture.before_seconds')
    def test_begins_behind_the_alert_if_asked_to(self):
        done = self.detect(**{'gyr.capture.before_seconds': 0})
        self.assertEqual(done.returncode, 0, done.stderr)
        whole = alerts_of(done.stdout)
        for path in self.files():
            named = int(os.path.basename(path).split('_')[1])
            times = self.run_gyr('read', path, '-p', '%evt.rawtime').stdout.split()
            self.assertGreaterEqual(int(times[0]), named)
            last = int(times[-1])
            # One event may have the time of the alert's.
            again = [alert for alert in self.replay(path) if alert[1]['evt.time'] > named]
            self.assertEqual(again, [(rule, fields) for rule, fields in whole if named < fields['evt.time'] <= last])

    def test_a_second_replay_overwrites_nothing(self):
        self.detect()
        stat = [os.stat(path).st_mtime_ns for path in self.files()]
        again = self.detect()
        self.assertEqual(again.returncode, 1)
        self.assertRegex(again.stderr, r'Error: 3 captures are missing or not complete; \d+ events are missing')
        self.assertEqual(again.stderr.count('it is there already'), 1)
        self.assertEqual([os.stat(path).st_mtime_ns for path in self.files()], stat)

    def test_a_full_disk_is_said_once_and_detection_goes_on(self):
        whole = self.detect()
        for path in self.files():
            os.unlink(path)
        done = self.run_gyr(*self.options(), '-e', self.source,
                            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (3 << 20, 3 << 20)))
        self.assertEqual(done.stdout, whole.stdout)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr.count('File too large'), 1)
        self.assertRegex(done.stderr, r'Error: \d captures are missing or not complete; \d+ events are missing')

    @observes('capture.max_file_size_mb')
    def test_the_largest_size_ends_a_file_and_says_so(self):
        done = self.detect(**{'capture.max_file_size_mb': 2})
        self.assertEqual(done.returncode, 0, done.stderr)
        whole = alerts_of(done.stdout)
        for path in self.files():
            self.assertLessEqual(os.path.getsize(path), 2 << 20)
            self.check_file(path, whole)
        messages = [json.loads(line) for line in done.stdout.splitlines() if '"source":"internal"' in line]
        self.assertEqual(len(messages), 2, 'the first one ends in time')
        for message in messages:
            self.assertEqual(message['rule'], 'Falco internal: capture size limit reached')
            self.assertEqual(message['priority'], 'Informational')
            self.assertEqual(message['output_fields']['max_file_size_mb'], 2)
            self.assertIn(message['output_fields']['written_bytes'], [os.path.getsize(path) for path in self.files()])
            self.assertNotIn('tags', message)

    @observes('capture.mode', 'gyr.capture.keep_files', 'gyr.capture.compress')
    def test_all_rules_and_the_newest_files(self):
        done = self.detect(**{'capture.mode': 'all_rules', 'capture.default_duration': 1, 'gyr.capture.keep_files': 2,
                              'gyr.capture.compress': 'true', 'gyr.capture.before_seconds': 1})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(self.files()), 2)
        self.assertIn("rule 'program': captured in ", done.stderr)
        for path in self.files():
            with open(path, 'rb') as file:
                self.assertEqual(file.read(2), b'\x1f\x8b')
            self.check_file(path, alerts_of(done.stdout))

    @observes('gyr.capture.total_mb', 'gyr.capture.keep_free')
    def test_bounds_of_their_disk(self):
        done = self.detect(**{'gyr.capture.keep_free': 99})
        self.assertEqual((done.returncode, self.files()), (1, []), done.stderr)
        self.assertIn(f'less than 99 % of the file system of {self.captures}/c is free', done.stderr)
        done = self.detect(**{'gyr.capture.total_mb': 4})
        self.assertIn(sum(os.path.getsize(path) for path in self.files()), range(1, (4 << 20) + 1))
        self.assertEqual(done.returncode, 1)
        self.assertIn(f'the limit of {4 << 20} bytes for all files of {self.captures}/c is reached', done.stderr)

    def test_bad_settings(self):
        for key, value, said in (('capture.mode', 'some', 'capture.mode'),
                                 ('capture.default_duration', 'long', 'capture.default_duration'),
                                 ('capture.max_file_size_mb', 1048577, 'capture.max_file_size_mb'),
                                 ('gyr.capture.before_mb', 4097, 'gyr.capture.before_mb'),
                                 ('gyr.capture.before_seconds', -1, 'gyr.capture.before_seconds'),
                                 ('gyr.capture.keep_free', 100, 'gyr.capture.keep_free'),
                                 ('capture.path_prefix', '/no/such/folder/c', '/no/such/folder: No such file or directory')):
            with self.subTest(key):
                done = self.detect(**{key: value})
                self.assertEqual(done.returncode, 1)
                self.assertRegex(done.stderr, 'Error: .*' + said)
                self.assertEqual(done.stdout, '')

    def test_rules_that_capture_nothing_are_said(self):
        with open(self.rules, 'w', encoding='utf-8') as file:
            file.write(BROAD.replace('capture: true', 'capture: false'))
        done = self.detect()
        self.assertEqual(done.returncode, 0)
        self.assertIn("no enabled rule says 'capture: true'", done.stderr)
        self.assertEqual(self.files(), [])


class Live(Case):
    rules_text = DUP

    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0:
            raise unittest.SkipTest('live capture needs root')
        started = subprocess.run([GYR, '-o', 'stdout_output.enabled=true', '-M', '1'], capture_output=True, text=True,
                                 timeout=60, check=False)
        if started.returncode != 0:
            raise unittest.SkipTest('no live capture here: ' + (started.stderr.strip().splitlines() or ['?'])[-1])

    def setUp(self):
        super().setUp()
        self.out = os.path.join(self.folder, 'alerts')
        self.err = os.path.join(self.folder, 'log')

    def watch(self, **settings):
        with open(self.out, 'wb') as out, open(self.err, 'wb') as err:
            process = subprocess.Popen([GYR, *self.options(**settings)], stdout=out, stderr=err)
        self.addCleanup(process.kill)
        self.wait_for(lambda: 'watching this host' in self.log() or process.poll() is not None)
        self.assertIsNone(process.poll(), self.log())
        return process

    def wait_for(self, is_so, seconds=60):
        end = time.monotonic() + seconds
        while not is_so():
            self.assertLess(time.monotonic(), end, self.log())
            time.sleep(0.05)

    def text(self, path):
        with open(path, encoding='utf-8', errors='replace') as file:
            return file.read()

    def log(self):
        return self.text(self.err) if os.path.exists(self.err) else ''

    def end(self, process):
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(60), 0, self.log())
        return alerts_of(self.text(self.out))

    def lasting(self):
        process = subprocess.Popen([sys.executable, '-c', LASTING, self.folder], stdin=subprocess.DEVNULL)
        self.addCleanup(process.kill)
        self.wait_for(lambda: os.path.exists(os.path.join(self.folder, 'kept-open')))
        return process

    def go(self, process):
        with open(os.path.join(self.folder, 'go'), 'w', encoding='utf-8'):
            pass
        self.assertEqual(process.wait(30), 0)

    @observes('capture.default_duration')
    def test_an_alert_that_needs_the_state_of_long_ago(self):
        for begun_before in (True, False):
            with self.subTest(begun_before=begun_before):
                lasting = self.lasting() if begun_before else None
                process = self.watch(**{'gyr.capture.before_seconds': 2, 'capture.default_duration': 1000})
                lasting = lasting or self.lasting()
                for _ in range(8):  # then what it did is no more among the events that are kept: each new one takes old ones along
                    time.sleep(0.5)
                    subprocess.run(['/bin/true'], check=True)
                self.go(lasting)
                self.wait_for(lambda: 'is complete' in self.log())
                whole = self.end(process)
                self.assertEqual([rule for rule, _ in whole], ['duplicated'])
                self.assertEqual(whole[0][1]['proc.cwd'], '/usr/lib/')
                self.assertEqual(len(self.files()), 1)
                first, named, last = self.check_file(self.files()[0], whole)
                self.assertEqual(named, whole[0][1]['evt.time'])
                self.assertLess(named - first, 3.5e9)
                self.assertLessEqual(last - named, 1e9)
                opens = self.run_gyr('read', self.files()[0], f'fd.name endswith /kept-open and proc.pid={lasting.pid}',
                                     '-p', '%evt.type').stdout.split()
                self.assertNotIn('openat', opens)
                for path in (*self.files(), os.path.join(self.folder, 'go'), os.path.join(self.folder, 'kept-open')):
                    os.unlink(path)

    def test_the_end_of_the_program_completes_the_file(self):
        process = self.watch(**{'capture.default_duration': 600000})
        lasting = self.lasting()
        time.sleep(0.5)
        self.go(lasting)
        self.wait_for(lambda: self.text(self.out))
        whole = self.end(process)
        self.assertEqual(len(self.files()), 1)
        self.check_file(self.files()[0], whole)
        self.assertRegex(self.log(), r'gyr: 1 captures with \d+ events')

    def test_in_a_storm_every_field_comes_back(self):
        """Processes come and go, threads and descriptors are inherited: some 4,000 alerts in each file."""
        with open(self.rules, 'w', encoding='utf-8') as file:
            file.write(BROAD)
        process = self.watch(**{'gyr.capture.before_seconds': 1, 'gyr.capture.before_mb': 8, 'output_timeout': 600000,
                                'engine.modern_ebpf.buf_size_preset': 8, 'gyr.outputs.stdout.queue_mb': 4096})
        quiet = {'stdin': subprocess.DEVNULL, 'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL}
        shells = [subprocess.Popen(['/bin/bash', '-c', script], start_new_session=True,
                                   env=dict(os.environ, T=self.folder), **quiet) for script in (STORM, STORM, OWN)]
        for _ in range(3):
            time.sleep(2)
            subprocess.run(['cat', '/etc/shadow'], check=False, **quiet)
        for shell in shells:
            try:
                os.killpg(shell.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            shell.wait()
        whole = self.end(process)
        self.assertGreaterEqual(len(self.files()), 3)
        for path in self.files():
            self.check_file(path, whole)

    def test_a_storm_is_bounded(self):
        with open(self.rules, 'w', encoding='utf-8') as file:
            file.write(DUP.replace('evt.type in (dup2, dup3) and fd.name startswith FOLDER and fd.name endswith /kept-open',
                                   'evt.type in (open, openat) and fd.name = /etc/shadow').replace(PROCESS, '%proc.name'))
        process = self.watch(**{'capture.max_file_size_mb': 3, 'gyr.capture.before_mb': 2,
                                'capture.default_duration': 2000, 'outputs_queue.capacity': 100})
        storms = [subprocess.Popen(['/bin/bash', '-c', 'while :; do { read x; } < /etc/shadow; done'], start_new_session=True,
                                   stderr=subprocess.DEVNULL) for _ in range(2)]
        time.sleep(7)
        for storm in storms:
            os.killpg(storm.pid, signal.SIGKILL)
            storm.wait()
        held = next(int(line.split()[1]) for line in self.text(f'/proc/{process.pid}/status').splitlines()
                    if line.startswith('RssAnon'))
        self.end(process)
        self.assertIn(len(self.files()), range(1, 7), 'one every two seconds')
        for path in self.files():
            self.assertLessEqual(os.path.getsize(path), 3 << 20)
            self.assertTrue(self.replay(path))
        self.assertLess(held, 40_000, 'kB')
        self.assertIn('alerts began no capture', self.log())


if __name__ == '__main__':
    GYR = fastest(os.path.abspath(sys.argv.pop(1)))
    unittest.main(verbosity=2)
