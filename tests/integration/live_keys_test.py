#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Keys of live detection whose effect is seen on the host: what the process reads, what it says under pressure.

usage: live_keys_test.py GYR
Those of the probe need root and eBPF; the others follow a command.
"""
import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from common import wait_for
from observed import GYR, observes

RULES = '''- rule: opened
  desc: d
  condition: evt.type in (open, openat) and fd.name = {folder}/marked
  output: "%proc.pid"
  priority: WARNING
- rule: removed
  desc: what the noise is made of
  condition: evt.type in (unlink, unlinkat) and fs.path.name = {folder}/of-interest
  output: "%proc.pid"
  priority: NOTICE
'''
NOISE = '''
import os, time
end = time.monotonic() + {seconds}
while time.monotonic() < end:
    for _ in range(1000):
        try: os.unlink('/no/such/noise')
        except OSError: pass
'''
REDUCED, RESTORED = 'Gyr internal: collection reduced', 'Gyr internal: collection restored'
NO_LIMITS = {'gyr.governor.max_cpu_percent': 0, 'gyr.governor.max_ring_fill_percent': 0,
             'gyr.governor.max_lost_per_second': 1000000000}


class Watch:
    """Opens of a file that exists, counted by inotify."""
    OPEN = 0x20

    def __init__(self, path):
        libc = ctypes.CDLL(None, use_errno=True)
        self.fd = libc.inotify_init1(os.O_NONBLOCK)
        assert libc.inotify_add_watch(self.fd, os.fsencode(path), self.OPEN) >= 0, os.strerror(ctypes.get_errno())
        self.count = 0

    def opens(self):
        try:
            while True:
                self.count += len(os.read(self.fd, 16)) // 16
        except BlockingIOError:
            return self.count


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='gyr-live-keys-')
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.rules = self.write('rules.yaml', RULES.format(folder=self.folder))
        self.write('marked', '')

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
        return path

    def command(self, settings, *more):
        words = [word for key, value in {'json_output': 'true', **settings}.items() for word in ('-o', f'{key}={value}')]
        return [GYR, '-r', self.rules, *words, *more]


class Following(Case):
    @observes('falco_libs.thread_table_auto_purging_interval_s', 'falco_libs.thread_table_auto_purging_thread_timeout_s')
    def test_silent_threads_are_looked_for(self):
        """In /proc, each second; by default nobody asks after one for five minutes."""
        script = f'sleep 1000 & echo $! > {self.folder}/pid.new; mv {self.folder}/pid.new {self.folder}/pid; ' \
                 f'while [ ! -e {self.folder}/end ]; do : < {self.folder}/marked; sleep 0.05; done; kill $!'
        gyr = subprocess.Popen(self.command({'falco_libs.thread_table_auto_purging_interval_s': 1,
                                             'falco_libs.thread_table_auto_purging_thread_timeout_s': 1}, '-u', '--', 'sh', '-c', script),
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(gyr.wait)
        self.addCleanup(self.write, 'end', '')
        wait_for(lambda: os.path.exists(f'{self.folder}/pid'), 'the silent process')
        with open(f'{self.folder}/pid', encoding='ascii') as file:
            pid = int(file.read())
        wait_for(lambda: 'sleep' in open(f'/proc/{pid}/comm', encoding='ascii').read(), 'its program')
        watch = Watch(f'/proc/{pid}/task/{pid}/comm')
        wait_for(lambda: watch.opens() >= 3, 'looks at the silent process', 25)

    @observes('syscall_event_timeouts.max_consecutives')
    def test_silence_is_told(self):
        for rounds in (1, 1000):
            done = subprocess.run(self.command({'syscall_event_timeouts.max_consecutives': rounds}, '-u', '--', 'sleep', '1'),
                                  capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual('"rule":"Falco internal: timeouts notification"' in done.stdout, rounds == 1, done.stdout)

    @observes('gyr.rules.caches')
    def test_caches_are_off_where_it_says_so(self):
        """That their absence changes no alert, alerts_test.py sees."""
        for value in ('true', 'false'):
            done = subprocess.run(self.command({'gyr.rules.caches': value}, '-u', '--', 'cat', f'{self.folder}/marked'),
                                  capture_output=True, text=True, timeout=60, check=False)
            self.assertIn('"rule":"opened"', done.stdout)
            self.assertEqual('gyr.rules.caches: no answer of a rule is kept' in done.stderr, value == 'false')


class Idle(Case):
    @observes('watch_config_files')
    def test_files_are_watched_or_not(self):
        """A file that changes is loaded again; what it says of a key that needs a restart is in the log."""
        logs = {value: self.write(f'log-{value}', '') for value in ('true', 'false')}
        for value, path in logs.items():
            config = self.write(f'{value}.yaml', f'watch_config_files: {value}\nstdout_output: {{enabled: true}}\n')
            with open(path, 'w', encoding='utf-8') as log:
                gyr = subprocess.Popen([*self.command({'engine.kind': 'nodriver'}), '-c', config], stdout=subprocess.DEVNULL, stderr=log)
            self.addCleanup(gyr.wait)
            self.addCleanup(gyr.terminate)
            wait_for(lambda: self.watches(gyr) or gyr.poll() is not None, 'its thread')

        def loads(value):
            with open(logs[value], encoding='utf-8') as log:
                return log.read().count('output_timeout: this key takes effect at the next start')
        for number in (1, 2):
            for value in logs:
                self.write(f'{value}.yaml', f'watch_config_files: {value}\nstdout_output: {{enabled: true}}\noutput_timeout: {number}\n')
            wait_for(lambda: loads('true') >= number, f'reload {number}')
        self.assertEqual(loads('false'), 0)

    @staticmethod
    def watches(gyr):
        names = []
        for task in os.listdir(f'/proc/{gyr.pid}/task'):
            with open(f'/proc/{gyr.pid}/task/{task}/comm', encoding='ascii') as file:
                names.append(file.read().strip())
        return 'gyr:reload' in names


class Host(Case):
    """gyr that watches this host, several at a time."""

    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0:
            raise unittest.SkipTest('live capture needs root')
        tried = subprocess.run([GYR, '-M', '1'], capture_output=True, text=True, check=False)
        if tried.returncode != 0:
            raise unittest.SkipTest('no live capture here: ' + tried.stderr.strip())

    def watch(self, settings, *more, through=()):
        gyr = subprocess.Popen([*through, *self.command(settings, *more)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        gyr.alerts, gyr.log = [], []

        def read_alerts():
            for line in gyr.stdout:
                if line.startswith('{'):
                    gyr.alerts.append(json.loads(line))
        gyr.readers = [threading.Thread(target=read_alerts), threading.Thread(target=lambda: gyr.log.extend(gyr.stderr))]
        for reader in gyr.readers:
            reader.start()
        self.addCleanup(self.end, gyr)
        wait_for(lambda: any('watching this host' in line for line in gyr.log) or gyr.poll() is not None, 'gyr')
        self.assertIsNone(gyr.poll(), gyr.log)
        return gyr

    @staticmethod
    def end(gyr):
        """Its log."""
        if gyr.poll() is None:
            gyr.send_signal(signal.SIGCONT)
            gyr.send_signal(signal.SIGINT)
        gyr.wait(60)
        for reader in gyr.readers:
            reader.join()
        gyr.stdout.close()
        gyr.stderr.close()
        return ''.join(gyr.log)

    @staticmethod
    def named(gyr, name):
        return [alert for alert in list(gyr.alerts) if alert['rule'] == name]

    @staticmethod
    def noise(seconds):
        return subprocess.Popen([sys.executable, '-c', NOISE.format(seconds=seconds)])

    def lose(self, *stopped):
        """Events of a while in which they were stopped: more than their rings have room for."""
        for gyr in stopped:
            gyr.send_signal(signal.SIGSTOP)
        subprocess.run([sys.executable, '-c', 'import os\nfor _ in range(100000):\n try: os.unlink("/no/such/noise")\n except OSError: pass'],
                       check=True)
        for gyr in stopped:
            gyr.send_signal(signal.SIGCONT)

    @observes('engine.modern_ebpf.disable_iterators')
    def test_how_the_host_is_looked_at(self):
        """Without the capabilities that see all of /proc, by iterators unless they are forbidden."""
        few = ('setpriv', '--inh-caps=-all', '--bounding-set=-all,+bpf,+perfmon,+sys_ptrace')
        for value in ('true', 'false'):
            log = self.end(self.watch({'engine.modern_ebpf.disable_iterators': value}, '-v', through=few))
            self.assertIn('state of the host: ', log)
            self.assertEqual('by iterators' in log, value == 'false', log)

    @observes('gyr.governor.enabled', 'gyr.governor.protect', 'gyr.governor.max_ring_fill_percent')
    def test_what_is_given_up(self):
        """Three see the same noise; a fourth gives up for another reason."""
        low = {**NO_LIMITS, 'gyr.governor.max_cpu_percent': 1}
        limited, off, protects = (self.watch({**low, **more}) for more in (
            {}, {'gyr.governor.enabled': 'false'}, {'gyr.governor.protect': 'notice'}))
        ring = self.watch({**NO_LIMITS, 'gyr.governor.max_ring_fill_percent': 1, 'engine.modern_ebpf.buf_size_preset': 1})
        noise = self.noise(60)
        self.addCleanup(noise.wait)
        self.addCleanup(noise.kill)
        wait_for(lambda: 'unlink' in str(self.named(limited, REDUCED)) and self.named(ring, REDUCED), 'what is given up')
        wait_for(lambda: 'unlink' in str(self.named(limited, REDUCED)[-1]['output_fields']), 'the noise is given up')
        self.assertIn('% full', self.named(ring, REDUCED)[0]['output_fields']['why'])
        wait_for(lambda: any('collection' in alert['rule'] for alert in protects.alerts), 'its pressure')
        for alert in protects.alerts:
            if 'collection' in alert['rule']:
                self.assertNotIn('unlink', alert['output_fields']['given_up'])
                self.assertNotIn('removed', alert['output_fields']['rules'])
        self.assertEqual([alert for alert in off.alerts if 'collection' in alert['rule']], [])

    @observes('gyr.governor.max_lost_per_second', 'syscall_event_drops.threshold')
    def test_losses(self):
        small = {**NO_LIMITS, 'engine.modern_ebpf.buf_size_preset': 1, 'engine.modern_ebpf.cpus_for_each_buffer': 0,
                 'syscall_event_drops.actions': '[alert]'}
        sensitive = self.watch({**small, 'gyr.governor.max_lost_per_second': 1, 'syscall_event_drops.threshold': 0})
        patient = self.watch({**small, 'syscall_event_drops.threshold': 1})

        def gave_up():
            self.lose(sensitive, patient)
            return self.named(sensitive, REDUCED) and self.named(sensitive, 'Falco internal: syscall event drop')
        wait_for(gave_up, 'what is given up because of losses')
        for _ in range(3):  # so that the other one, who looks once a second, has seen as much
            time.sleep(1.1)
            self.lose(patient)
        self.assertIn('events/s lost', self.named(sensitive, REDUCED)[0]['output_fields']['why'])
        self.assertRegex(self.end(patient), r'[0-9]+ events were lost')
        self.assertEqual([alert['rule'] for alert in patient.alerts if 'internal' in alert['rule']], [])


if __name__ == '__main__':
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
