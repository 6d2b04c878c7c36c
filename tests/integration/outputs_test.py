#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Outputs as an operator sets them up, seen from outside: HTTPS with its certificates, programs, spools across runs, and
what is said about wrong settings.

usage: outputs_test.py GYR
"""
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

from common import conformance, free_port, skip
from destinations import Listener, Server, make_certificates, server_context
from observed import observes

GYR = os.path.abspath(sys.argv[1])
DATA = conformance()
REPLAY = ['-r', f'{DATA}/rules/SingleRule__single_rule.yaml', '-e', f'{DATA}/captures/cat_write.scap']


def gyr(*options, replay=REPLAY):
    words = [GYR, *replay]
    for option in options:
        words += ['-o', option]
    return subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)


class OutputsTest(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix='gyr-outputs-')
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.dir, name)

    def alerts(self):
        """What standard output says, as JSON lines."""
        return [line for line in gyr('json_output=true').stdout.splitlines() if line.startswith('{')]

    @observes('http_output.url', 'http_output.user_agent')
    def test_http_sends_what_standard_output_says(self):
        wanted = self.alerts()
        self.assertTrue(wanted)
        with Server() as server:
            run = gyr('json_output=true', 'http_output.enabled=true', f'http_output.url={server.url}',
                      'http_output.user_agent=me/1')
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual([body for _, body, _ in server.seen], wanted)
        headers = server.seen[0][0]
        self.assertEqual((headers['Content-Type'], headers['User-Agent']), ('application/json', 'me/1'))
        self.assertEqual(len({h['Gyr-Alert-Id'] for h, _, _ in server.seen}), len(wanted))

    @observes('http_output.compress_uploads', 'gyr.outputs.http.batch_form', 'gyr.outputs.http.headers')
    def test_batches_headers_and_gzip(self):
        wanted = [json.loads(line) for line in self.alerts()]
        for form in ('array', 'lines'):
            with Server() as server:
                gyr('json_output=true', 'http_output.enabled=true', f'http_output.url={server.url}',
                    'http_output.compress_uploads=true', 'gyr.outputs.http.batch_alerts=100', 'gyr.outputs.http.batch_wait_ms=200',
                    f'gyr.outputs.http.batch_form={form}', 'gyr.outputs.http.headers={Authorization: Bearer x}')
            got = []
            for headers, body, _ in server.seen:
                self.assertEqual((headers['Authorization'], headers['Content-Encoding']), ('Bearer x', 'gzip'))
                got += json.loads(body) if form == 'array' else [json.loads(line) for line in body.splitlines()]
            self.assertEqual(got, wanted)
            self.assertLess(len(server.seen), len(wanted))

    @observes('http_output.max_consecutive_timeouts')
    def test_timeouts_are_bounded(self):
        """Each try of an alert is a connection of its own."""
        for most in (0, 2):
            with Listener() as silent:
                run = gyr('http_output.enabled=true', f'http_output.url=http://127.0.0.1:{silent.port}/',
                          'gyr.outputs.http.timeout_ms=50', 'gyr.outputs.http.retry_max_ms=1', 'output_timeout=60000',
                          f'http_output.max_consecutive_timeouts={most}')
                self.assertEqual(run.returncode, 1)
                alerts = len(self.alerts())
                self.assertIn(f'{alerts} expired', run.stderr)
                self.assertEqual(len(silent.connections), alerts * (most + 1))

    @observes('gyr.outputs.otlp.compress', 'gyr.outputs.otlp.headers')
    def test_otlp(self):
        with Server() as server:
            gyr('gyr.outputs.otlp.enabled=true', f'gyr.outputs.otlp.url={server.url}', 'gyr.outputs.otlp.compress=true',
                'gyr.outputs.otlp.headers={Authorization: Bearer y}')
        headers = server.seen[0][0]
        self.assertEqual((headers['Authorization'], headers['Content-Encoding']), ('Bearer y', 'gzip'))
        logs = json.loads(server.seen[0][1])['resourceLogs'][0]
        self.assertIn({'key': 'service.name', 'value': {'stringValue': 'gyr'}}, logs['resource']['attributes'])
        record = logs['scopeLogs'][0]['logRecords'][0]
        self.assertEqual((record['severityNumber'], record['severityText']), (13, 'Warning'))

    @observes('http_output.echo')
    def test_echo_prints_answers_as_lines(self):
        for echo in ('true', 'false'):
            with Server() as server:
                run = gyr('http_output.enabled=true', f'http_output.url={server.url}', f'http_output.echo={echo}')
            self.assertEqual('thank \\u001b you\n' in run.stdout, echo == 'true', run.stdout)

    @observes('http_output.insecure', 'http_output.ca_cert', 'http_output.ca_bundle', 'http_output.ca_path', 'http_output.mtls',
              'http_output.client_cert', 'http_output.client_key', 'gyr.outputs.otlp.insecure', 'gyr.outputs.otlp.ca_cert',
              'gyr.outputs.otlp.client_cert', 'gyr.outputs.otlp.client_key')
    def test_certificates(self):
        make_certificates(self, self.dir)
        files = {key: self.path(name) for key, name in (
            ('ca', 'ca.pem'), ('other', 'other.pem'), ('folder', 'authorities'), ('cert', 'client.pem'), ('key', 'client.key'),
            ('server_key', 'server.key'))}
        mine = ['client_cert={cert}', 'client_key={key}']
        both = ((['ca_cert={ca}'], False, True), (['ca_cert={other}'], False, False), ([], False, False),
                (['insecure=true'], False, True), (['ca_cert={ca}'], True, False))
        rows = [('http_output', *row) for row in both] + [('gyr.outputs.otlp', *row) for row in both]
        rows += [('http_output', ['ca_bundle={ca}'], False, True), ('http_output', ['ca_path={folder}'], False, True),
                 ('http_output', ['ca_cert={ca}', *mine], True, False),
                 ('http_output', ['ca_cert={ca}', 'mtls=true', *mine], True, True),
                 ('http_output', ['ca_cert={ca}', 'mtls=true', mine[0], 'client_key={server_key}'], True, False),
                 ('gyr.outputs.otlp', ['ca_cert={ca}', *mine], True, True),
                 ('gyr.outputs.otlp', ['ca_cert={ca}', mine[0], 'client_key={server_key}'], True, False)]
        for output, options, client, good in rows:
            with self.subTest(output=output, options=options, client=client), Server(server_context(self.dir, client)) as server:
                run = gyr(f'{output}.enabled=true', f'{output}.url={server.url}', 'output_timeout=300',
                          *(f'{output}.{option.format(**files)}' for option in options))
                self.assertEqual(run.returncode, 0 if good else 1, run.stderr)
                self.assertEqual(bool(server.seen), good)
                if good and client:
                    self.assertIn((('commonName', 'client'),), server.seen[0][2]['subject'])
                if not good:
                    self.assertIn('unfinished', run.stderr)

    def test_spool_delivers_after_a_restart(self):
        wanted = self.alerts()
        spool = f'gyr.outputs.http.spool={self.path("spool")}'
        run = gyr('json_output=true', 'http_output.enabled=true', f'http_output.url=http://127.0.0.1:{free_port()}/', spool,
                  'output_timeout=300')
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn(f'{len(wanted)} alerts wait in its spool', run.stderr)
        self.assertEqual(os.stat(self.path('spool')).st_mode & 0o777, 0o700)
        with Server() as server:
            gyr('json_output=true', 'http_output.enabled=true', f'http_output.url={server.url}', spool, 'engine.kind=nodriver',
                replay=['-M', '1', *REPLAY[:2]])
            self.assertEqual([body for _, body, _ in server.seen], wanted)
            spooled = [headers['Gyr-Alert-Id'] for headers, _, _ in server.seen]
        with Server() as server:
            gyr('json_output=true', 'http_output.enabled=true', f'http_output.url={server.url}')
            self.assertEqual([headers['Gyr-Alert-Id'] for headers, _, _ in server.seen], spooled)

    def test_program(self):
        wanted = self.alerts()
        for keep_alive in ('true', 'false'):
            out = self.path('got.' + keep_alive)
            run = gyr('json_output=true', 'program_output.enabled=true', f'program_output.keep_alive={keep_alive}',
                      f'program_output.program=cat >> {out}')
            self.assertEqual(run.returncode, 0, run.stderr)
            with open(out, encoding='utf-8') as file:
                self.assertEqual(file.read().splitlines(), wanted)

    def test_priority_and_id(self):
        low, high = self.path('low'), self.path('high')
        for path, priority in ((low, 'debug'), (high, 'error')):
            gyr('json_output=true', 'file_output.enabled=true', f'file_output.filename={path}',
                f'gyr.outputs.file.priority={priority}', 'gyr.outputs.file.id_in_json=true')
        self.assertEqual(os.path.getsize(high), 0)
        with open(low, encoding='utf-8') as file:
            for line in file:
                self.assertRegex(json.loads(line)['gyr_id'], '^[0-9a-f]{32}$')

    def test_wrong_settings_end_the_start(self):
        for options, told in (
                (['http_output.enabled=true'], 'http_output.url is empty'),
                (['http_output.enabled=true', 'http_output.url=x://y'], 'no URL'),
                (['program_output.enabled=true'], 'program_output.program is empty'),
                (['file_output.enabled=true', 'file_output.filename=/nonexistent/x'], '/nonexistent/x'),
                (['gyr.outputs.unix.enabled=true', 'gyr.outputs.unix.mode=rw'], 'octal'),
                (['gyr.outputs.otlp.enabled=true'], 'gyr.outputs.otlp.url is empty'),
                (['gyr.outputs.kafka.enabled=true'], 'gyr.outputs.kafka.brokers is empty'),
                (['gyr.outputs.stdout.spool=/nonexistent/a/b'], '/nonexistent/a/b'),
                (['gyr.outputs.stdout.priority=loud'], 'no priority'),
                (['stdout_output.enabled=false'], 'no output is enabled')):
            run = gyr(*options)
            self.assertEqual((run.returncode, run.stdout), (1, ''), options)
            self.assertIn(told, run.stderr)


if __name__ == '__main__':
    if not os.path.isfile(f'{DATA}/captures/cat_write.scap'):
        skip('the conformance data has no cat_write.scap')
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
