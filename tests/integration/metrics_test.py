#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Snapshots of metrics, drop actions and messages of libraries, as seen from outside of a running gyr.

usage: metrics_test.py GYR
"""
import hashlib
import json
import os
import re
import subprocess
import sys
import time
import unittest

from common import conformance_or_none, start_watching
from observed import observes
from web_client import temporary

GYR = ''
RULES = '- {rule: "never: at all!", desc: d, condition: evt.type = openat and fd.name = /no, output: x, priority: INFO, tags: [a.b]}\n'
NAME = 'Falco internal: metrics snapshot'
# What is missing from a snapshot when the switch is off.
SWITCHES = {
    'metrics.rules_counters_enabled': r'falco\.rules\.',
    'metrics.resource_utilization_enabled': r'falco\.(cpu_usage|memory_|container_memory|host_(cpu_usage|memory|procs|open_fds))',
    'metrics.state_counters_enabled': r'falco\.n_|gyr\.(state\.|container_lookups)',
    'metrics.kernel_event_counters_enabled': r'scap\.(n_evts(_prev)?$|n_drops(?!_task|_max)|evts_)|gyr\.(source|lost|drops|governor)\.',
    'metrics.plugins_metrics_enabled': r'plugins\.',
    'metrics.kernel_iter_event_counters_enabled': r'scap\.n_((evts|drops)_task|drops_max_event_size)|gyr\.looks\.',
}


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)
    return path


class MetricsTest(unittest.TestCase):
    def setUp(self):
        self.folder = temporary(self)
        self.lines = f'{self.folder}/lines.jsonl'
        self.rules = write(self.folder, 'my rules.yaml', RULES)
        self.base = {'metrics.enabled': 'true', 'metrics.interval': '100ms', 'log_syslog': 'false'}

    def command(self, *options, config='json_output: true\nstdout_output: {enabled: true}\n', **settings):
        settings = {**self.base, 'engine.kind': 'nodriver', **settings}
        path = write(self.folder, 'gyr.yaml', config)
        return [GYR, '-c', path, '-r', self.rules, *options, *(part for key, value in settings.items()
                                                             for part in ('-o', f'{key}={value}'))]

    def run_for(self, seconds, env=None, **settings):
        return subprocess.run(self.command('-M', str(seconds), **settings), capture_output=True, text=True, check=False,
                              env=dict(os.environ, **(env or {})), timeout=120)

    def snapshots(self, done):
        alerts = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{')]
        return [alert for alert in alerts if alert['rule'] == NAME]

    @observes('metrics.enabled', 'metrics.interval', 'metrics.output_rule', 'metrics.output_file')
    def test_alert_and_file(self):
        done = self.run_for(2, env={'FALCO_HOSTNAME': 'my host'},
                            **{'metrics.output_rule': 'true', 'metrics.output_file': self.lines})
        self.assertEqual(done.returncode, 0, done.stderr)
        told = self.snapshots(done)
        self.assertGreater(len(told), 2)
        alert = told[-1]
        self.assertEqual((alert['priority'], alert['source'], alert['hostname']), ('Informational', 'internal', 'my host'))
        self.assertNotIn('tags', alert)
        fields = alert['output_fields']
        self.assertEqual(fields['evt.hostname'], 'my host')
        self.assertEqual(fields['scap.engine_name'], 'nodriver')
        self.assertEqual(fields['falco.sha256_rules_file.my_rules_yaml'], hashlib.sha256(RULES.encode()).hexdigest())
        with open(f'{self.folder}/gyr.yaml', 'rb') as file:
            self.assertEqual(fields['falco.sha256_config_file.gyr_yaml'], hashlib.sha256(file.read()).hexdigest())
        self.assertGreater(fields['falco.memory_rss_mb'], 1)
        self.assertGreater(fields['falco.host_open_fds'], 10)
        self.assertLessEqual(abs(fields['falco.duration_sec'] - 2), 2)
        with open(self.lines, encoding='utf-8') as file:
            lines = [json.loads(line) for line in file]
        self.assertEqual([line['sample'] for line in lines], list(range(1, len(lines) + 1)))
        self.assertEqual(len(lines), len(told))
        self.assertEqual(lines[-1]['output_fields'], fields)

    def test_file_is_appended_to_and_may_be_moved_away(self):
        write(self.folder, 'lines.jsonl', 'before\n')
        running = subprocess.Popen(self.command(**{'metrics.output_file': self.lines}), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        self.addCleanup(running.kill)
        while os.path.getsize(self.lines) < 50:
            self.assertIsNone(running.poll())
        os.rename(self.lines, f'{self.folder}/moved')
        while not os.path.exists(self.lines) or not os.path.getsize(self.lines):
            self.assertIsNone(running.poll())
            time.sleep(0.01)
        running.terminate()
        self.assertEqual(running.wait(60), 0)
        with open(f'{self.folder}/moved', encoding='utf-8') as file:
            self.assertEqual(file.readline(), 'before\n')

    def test_full_disk_is_told_and_ends_nothing(self):
        done = self.run_for(1, **{'metrics.output_file': '/dev/full', 'metrics.output_rule': 'true'})
        self.assertEqual(done.returncode, 0)
        self.assertIn('cannot write /dev/full: No space left on device', done.stderr)
        self.assertTrue(self.snapshots(done))

    def test_what_is_wrong_ends_the_start(self):
        cases = (({}, 'metrics are on and go nowhere'),
                 ({'metrics.output_rule': 'true', 'metrics.interval': '5000'}, 'is no interval of at least 100ms'),
                 ({'metrics.output_rule': 'true', 'metrics.interval': '99ms'}, 'is no interval of at least 100ms'),
                 ({'metrics.output_file': '/nowhere/at/all'}, 'metrics.output_file: cannot open /nowhere/at/all'))
        for settings, text in cases:
            done = self.run_for(1, **settings)
            self.assertEqual(done.returncode, 1, settings)
            self.assertIn(text, done.stderr)

    def test_host_and_control_group_are_read_where_they_are_said_to_be(self):
        proc = f'{self.folder}/root/proc'
        os.makedirs(f'{proc}/sys/fs')
        write(proc, 'stat', 'cpu  300 0 0 100 0 0 0 0 0 0\nbtime 1700000000\nprocs_running 77\n')
        write(proc, 'meminfo', 'MemTotal: 4096000 kB\nMemFree: 1024000 kB\nBuffers: 0 kB\nCached: 2048000 kB\n')
        write(proc + '/sys/fs', 'file-nr', '4711\t0\t9\n')
        group = write(self.folder, 'group', '5242880\n')
        done = self.run_for(1, env={'HOST_ROOT': f'{self.folder}/root', 'FALCO_CGROUP_MEM_PATH': group},
                            **{'metrics.output_rule': 'true'})
        fields = self.snapshots(done)[0]['output_fields']
        self.assertEqual({key: fields[key] for key in fields if key.startswith(('falco.host_', 'falco.container_'))
                          and key not in ('falco.host_num_cpus',)},
                         {'falco.host_boot_ts': 1700000000000000000, 'falco.host_cpu_usage_perc': 75.0,
                          'falco.host_memory_used_mb': 1000.0, 'falco.host_open_fds': 4711,
                          'falco.host_procs_running': 77, 'falco.container_memory_used_mb': 5.0})

    def first(self, **settings):
        """Fields of the first snapshot, also those that are zero."""
        settings = {'metrics.output_rule': 'true', 'metrics.include_empty_values': 'true', **settings}
        running = subprocess.Popen(self.command(**settings), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        with running:
            line = running.stdout.readline()
            running.terminate()
            running.stdout.read()
        return json.loads(line)['output_fields']

    @observes('metrics.rules_counters_enabled', 'metrics.resource_utilization_enabled', 'metrics.state_counters_enabled',
              'metrics.kernel_event_counters_enabled', 'metrics.plugins_metrics_enabled',
              'metrics.kernel_iter_event_counters_enabled', 'metrics.convert_memory_to_mb', 'metrics.include_empty_values')
    def test_switches(self):
        per_cpu = {'metrics.kernel_event_counters_per_cpu_enabled': 'false'}  # it implies the kernel's
        every = set(self.first(**per_cpu))
        for key, keys in SWITCHES.items():
            with self.subTest(key):
                left_out = {name for name in every if re.match(keys, name)}
                self.assertTrue(left_out)
                self.assertEqual(set(self.first(**per_cpu, **{key: 'false'})), every - left_out)
        bytes_and_more = self.first(**{'metrics.convert_memory_to_mb': 'false'})
        self.assertIn('falco.memory_rss_kb', bytes_and_more)
        self.assertIn('falco.container_memory_used_bytes', bytes_and_more)
        self.assertEqual(bytes_and_more['falco.n_threads'], 0)
        self.assertNotIn('falco.n_threads', self.first(**{'metrics.include_empty_values': 'false'}))

    def of_live(self, count, **settings):
        """Fields of the last of so many snapshots of this host, and the log."""
        watching, log = start_watching(self, self.command(**{
            'engine.kind': 'modern_ebpf', 'metrics.output_rule': 'true', 'metrics.include_empty_values': 'true',
            'log_level': 'debug', 'log_stderr': 'true', **settings}))
        snapshots = []
        for line in watching.stdout:
            alert = json.loads(line)
            if alert['rule'] == NAME:
                snapshots.append(alert['output_fields'])
            if len(snapshots) == count:
                break
        watching.terminate()
        watching.stdout.read()
        watching.wait(60)
        return snapshots[-1], log

    def test_of_a_live_source(self):
        fields, _ = self.of_live(3)
        self.assertGreater(fields['falco.n_threads'], 5)
        self.assertGreater(fields['falco.n_fds'], 5)
        self.assertEqual(fields['scap.engine_name'], 'modern_bpf')
        self.assertGreaterEqual(fields['scap.n_evts'], fields['scap.n_evts_prev'])
        self.assertEqual(fields['falco.rules.never:_at_all'], 0)
        self.assertIn('scap.n_evts_cpu_0', fields)
        self.assertIn('scap.sys_exit.run_cnt', fields)
        self.assertIn('falco.host_netinfo.interfaces.lo.protocols.ipv4.addresses', fields)

    @observes('metrics.kernel_event_counters_per_cpu_enabled', 'metrics.libbpf_stats_enabled', 'libs_logger.severity',
              'libs_logger.enabled')
    def test_of_a_live_source_with_less(self):
        fields, log = self.of_live(1, **{'metrics.kernel_event_counters_per_cpu_enabled': 'false', 'libs_logger.severity': 'debug'})
        self.assertIn('libbpf: ', log)
        self.assertIn('scap.n_evts', fields)
        self.assertIn('scap.sys_exit.run_cnt', fields)
        self.assertFalse([key for key in fields if '_cpu_' in key and key.startswith('scap.')])
        fields, log = self.of_live(1, **{'metrics.libbpf_stats_enabled': 'false', 'libs_logger.severity': 'debug',
                                         'libs_logger.enabled': 'false'})
        self.assertNotIn('libbpf: ', log)
        self.assertIn('scap.n_evts_cpu_0', fields)
        self.assertFalse([key for key in fields if 'run_cnt' in key])
        _, log = self.of_live(1)
        self.assertNotIn('libbpf: ', log, 'they are no more than debug')


class DropsTest(unittest.TestCase):
    """syscall_event_drops in a replay that plays losses: a second of the capture's time is one occurrence."""

    def setUp(self):
        self.data = conformance_or_none()
        if self.data is None:
            self.skipTest('no conformance data beside the checkout; set GYR_CONFORMANCE')
        self.folder = temporary(self)

    def replay(self, actions, **settings):
        settings = {'syscall_event_drops.simulate_drops': 'true', 'syscall_event_drops.rate': '.03333',
                    'syscall_event_drops.max_burst': '10', 'syscall_event_drops.actions': actions,
                    'json_output': 'true', **settings}
        rules = write(self.folder, 'rules.yaml', RULES)
        return subprocess.run([GYR, '-r', rules, '-o', 'engine.kind=replay', '-o',
                               f'engine.replay.capture_file={self.data}/captures/ping_sendto.scap',
                               *(part for key, value in settings.items() for part in ('-o', f'{key}={value}'))],
                              capture_output=True, text=True, check=False, timeout=120)

    @observes('syscall_event_drops.actions', 'syscall_event_drops.simulate_drops')
    def test_actions(self):
        for actions, logged, alerted, status in (('[ignore]', 0, 0, 0), ('[log]', 9, 0, 0), ('[alert]', 0, 9, 0),
                                                 ('[log, alert]', 9, 9, 0), ('[exit]', 1, 0, 1),
                                                 ('[alert, exit]', 1, 1, 1)):
            done = self.replay(actions)
            self.assertEqual(done.returncode, status, actions)
            self.assertEqual(done.stdout.count('"rule":"Falco internal: syscall event drop"'), alerted, actions)
            self.assertEqual(len(re.findall('Falco internal: syscall event drop', done.stderr)), logged, actions)
            occurred = 1 if status else 9
            self.assertIn(f'event drop detected: {occurred} occurrences', done.stderr)
            self.assertIn(f'num times actions taken: {occurred}', done.stderr)

    @observes('syscall_event_drops.rate', 'syscall_event_drops.max_burst')
    def test_rate_and_burst(self):
        done = self.replay('[alert]', **{'syscall_event_drops.max_burst': '2'})
        self.assertEqual(done.stdout.count('Falco internal: syscall event drop"'), 2)
        self.assertIn('event drop detected: 9 occurrences', done.stderr)
        done = self.replay('[alert]', **{'syscall_event_drops.max_burst': '2', 'syscall_event_drops.rate': '1000'})
        self.assertEqual(done.stdout.count('Falco internal: syscall event drop"'), 9)

    def test_ignore_excludes_the_others(self):
        done = self.replay('[ignore, alert]')
        self.assertEqual(done.returncode, 1)
        self.assertIn('syscall event drop action "alert" does not make sense with the "ignore" action', done.stderr)


if __name__ == '__main__':
    GYR = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
