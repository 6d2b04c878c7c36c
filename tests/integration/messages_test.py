#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Messages about gyr itself: under which name syslog gets them, their times, and that a failed reload is told without a source too.

usage: messages_test.py GYR
"""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

from common import conformance_or_none, need_namespaces, wait_for

GYR = ''
RULE = ('- {rule: opened, desc: d, condition: "evt.type in (open, openat) and proc.name = cat", output: "*opened %fd.name", '
        'priority: WARNING}\n')


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='gyrtest')
        self.addCleanup(shutil.rmtree, self.folder)
        self.rules = self.write('rules.yaml', RULE)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
        return path

    def replayed(self, *options, capture='cat_write'):
        data = conformance_or_none()
        if data is None:
            self.skipTest('no conformance data beside the checkout; set GYR_CONFORMANCE')
        settings = ('engine.kind=replay', f'engine.replay.capture_file={data}/captures/{capture}.scap', *options)
        return ['-r', self.rules, *(word for setting in settings for word in ('-o', setting))]


class Syslog(Case):
    """Filters and dashboards of syslog go by the program's name."""

    def lines(self, program, *options):
        path = os.path.join(self.folder, 'log')
        replay = self.replayed(*options)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
            server.bind(path)
            self.addCleanup(lambda: os.path.exists(path) and os.unlink(path))
            inside = f'mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && ln -s {path} /dev/log && exec "$@"'
            config = self.write('c.yaml', 'syslog_output: {enabled: true}\n')
            done = subprocess.run(['unshare', '-m', 'sh', '-c', inside, 'sh', program, '-c', config, *replay],
                                  capture_output=True, text=True, check=False, timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)
            server.settimeout(5)
            lines = []
            while not lines or 'opened /dev/null' not in lines[-1]:
                lines.append(server.recv(65536).decode())
        os.unlink(path)
        return lines

    def test_alerts_and_logs_have_the_name_of_the_program_and_no_number(self):
        as_falco = os.path.join(self.folder, 'falco')
        os.symlink(GYR, as_falco)
        for program, name in ((GYR, os.path.basename(GYR)), (as_falco, 'falco')):
            for log in ('true', 'false'):
                with self.subTest(name=name, log_syslog=log):
                    lines = self.lines(program, f'log_syslog={log}')
                    for line in lines:
                        self.assertRegex(line, f'^<1[24]>... .. ..:..:.. {name}: ')
                    alerts = [line for line in lines if line.startswith('<12>')]
                    self.assertEqual(len(alerts), 4)
                    self.assertRegex(alerts[-1], r': \d\d:\d\d:\d\d\.\d{9}: Warning opened /dev/null$')
                    self.assertEqual(len(lines) > len(alerts), log == 'true')


class Times(Case):
    def test_those_of_the_log_are_utc_where_iso_8601_is_asked_for(self):
        done = subprocess.run([GYR, '--version', '-o', 'time_format_iso_8601=true', '-o', 'no_such_key=1'],
                              capture_output=True, text=True, check=True, timeout=60, env={**os.environ, 'TZ': 'Asia/Tokyo'})
        told = re.match(r'(\d{4}-\d\d-\d\dT\d\d):\d\d:\d\d\+0000: ', done.stderr)
        self.assertIsNotNone(told, done.stderr)
        now = subprocess.run(['date', '-u', '+%Y-%m-%dT%H'], capture_output=True, text=True, check=True)
        before = subprocess.run(['date', '-u', '-d', '-1 minute', '+%Y-%m-%dT%H'], capture_output=True, text=True, check=True)
        self.assertIn(told[1], (now.stdout.strip(), before.stdout.strip()))

    def test_internal_alerts_of_a_replay_are_of_the_time_of_its_events(self):
        options = self.replayed('syscall_event_drops.simulate_drops=true', 'syscall_event_drops.actions=[alert]',
                                'syscall_event_drops.max_burst=100', 'json_output=true', capture='ping_sendto')
        runs = [subprocess.run([GYR, *options], capture_output=True, text=True, check=True, timeout=60).stdout for _ in range(2)]
        self.assertEqual(runs[0], runs[1], 'two replays tell the same')
        alerts = [json.loads(line) for line in runs[0].splitlines() if line.startswith('{')]
        self.assertEqual(len(alerts), 9)
        for alert in alerts:
            self.assertRegex(alert['time'], '^2019-03-26T')


class Marks(Case):
    def test_the_star_of_old_formats_is_not_printed(self):
        done = subprocess.run([GYR, *self.replayed('json_output=true', 'append_output[]={extra_fields: [{name: "*%proc.name*"}]}')],
                              capture_output=True, text=True, check=True, timeout=60)
        alert = json.loads(done.stdout.splitlines()[0])
        self.assertTrue(alert['output'].endswith(': Warning opened /etc/ld.so.cache'), alert['output'])
        self.assertEqual(alert['output_fields']['name'], 'cat*')


class Names(Case):
    def test_that_of_the_environment_is_in_alerts_and_in_their_fields(self):
        rules = self.write('named.yaml', RULE.replace('*opened %fd.name', '%evt.hostname'))
        done = subprocess.run([GYR, '-u', '-r', rules, '-o', 'json_output=true', '--', 'cat', '/dev/null'], capture_output=True,
                              text=True, check=False, timeout=60, env={**os.environ, 'FALCO_HOSTNAME': 'node-7'})
        if done.returncode != 0:
            self.skipTest(done.stderr.strip())
        alert = json.loads(done.stdout.splitlines()[0])
        self.assertEqual((alert['hostname'], alert['output_fields']['evt.hostname']), ('node-7', 'node-7'))


class Reload(Case):
    def test_a_failed_one_is_told_without_a_source_too(self):
        config = self.write('gyr.yaml', 'engine: {kind: nodriver}\nstdout_output: {enabled: true}\njson_output: true\n')
        with subprocess.Popen([GYR, '-c', config, '-r', self.rules], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as gyr:
            self.addCleanup(gyr.kill)
            log = []
            wait_for(lambda: log.append(gyr.stderr.readline()) or 'rules: ' in log[-1], 'the start')
            self.write('rules.yaml', '- rule: broken\n')
            gyr.send_signal(signal.SIGHUP)
            alert = json.loads(gyr.stdout.readline())
            gyr.send_signal(signal.SIGINT)
            gyr.communicate(timeout=60)
        self.assertEqual((alert['rule'], alert['priority'], alert['source']),
                         ('Falco internal: hot restart failure', 'Critical', 'internal'))
        self.assertEqual(list(alert['output_fields']), ['reason'])
        self.assertIn("'broken'", alert['output_fields']['reason'])


if __name__ == '__main__':
    GYR = os.path.abspath(sys.argv.pop(1))
    need_namespaces('a /dev/log of the test\'s own needs a mount namespace')
    unittest.main(verbosity=2)
