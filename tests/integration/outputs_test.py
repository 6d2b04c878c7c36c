#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Outputs as an operator sets them up, seen from outside: HTTPS with its certificates, programs, spools across runs, and
what is said about wrong settings.

usage: outputs_test.py GYR
"""
import gzip
import http.server
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import unittest

from common import conformance, skip

GYR = os.path.abspath(sys.argv[1])
DATA = conformance()
REPLAY = ['-r', f'{DATA}/rules/SingleRule__single_rule.yaml', '-e', f'{DATA}/captures/cat_write.scap']


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        if self.headers['Content-Encoding'] == 'gzip':
            body = gzip.decompress(body)
        peer = self.connection.getpeercert() if isinstance(self.connection, ssl.SSLSocket) else None
        self.server.seen.append((dict(self.headers), body.decode(), peer))
        answer = b'thank \x1b you'
        self.send_response(200)
        self.send_header('Content-Length', str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


class Server:
    """A receiver on 127.0.0.1, with TLS if `context` is given."""

    def __init__(self, context=None):
        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Receiver)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None
        self.server.seen = []
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f'http{"s" if context else ""}://127.0.0.1:{self.server.server_address[1]}/x'
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    @property
    def seen(self):
        return self.server.seen


def gyr(*options, replay=REPLAY):
    words = [GYR, *replay]
    for option in options:
        words += ['-o', option]
    return subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)


def closed_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


class OutputsTest(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix='gyr-outputs-')
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.dir, name)

    def alerts(self):
        """What standard output says, as JSON lines."""
        return [line for line in gyr('json_output=true').stdout.splitlines() if line.startswith('{')]

    def certificates(self):
        """ca.pem, and server and client signed by it; other.pem is of nobody."""
        if not shutil.which('openssl'):
            self.skipTest('openssl is missing')
        run = lambda *words: subprocess.run(['openssl', *words], check=True, capture_output=True, cwd=self.dir)
        for name in ('ca', 'other'):
            run('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', f'/CN={name}', '-keyout', f'{name}.key',
                '-out', f'{name}.pem')
        with open(self.path('names'), 'w', encoding='utf-8') as file:
            file.write('subjectAltName=IP:127.0.0.1\n')
        for name in ('server', 'client'):
            run('req', '-newkey', 'rsa:2048', '-nodes', '-subj', f'/CN={name}', '-keyout', f'{name}.key', '-out', f'{name}.csr')
            run('x509', '-req', '-in', f'{name}.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2',
                '-extfile', 'names', '-out', f'{name}.pem')

    def tls(self, client=False):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path('server.pem'), self.path('server.key'))
        if client:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.path('ca.pem'))
        return context

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

    def test_timeouts_are_bounded(self):
        with socket.socket() as silent:
            silent.bind(('127.0.0.1', 0))
            silent.listen()
            for most in (0, 2):
                run = gyr('http_output.enabled=true', f'http_output.url=http://127.0.0.1:{silent.getsockname()[1]}/',
                          'gyr.outputs.http.timeout_ms=50', 'gyr.outputs.http.retry_max_ms=1', 'output_timeout=60000',
                          f'http_output.max_consecutive_timeouts={most}')
                self.assertEqual(run.returncode, 1)
                self.assertIn(f'{len(self.alerts())} expired', run.stderr)

    def test_otlp(self):
        with Server() as server:
            gyr('gyr.outputs.otlp.enabled=true', f'gyr.outputs.otlp.url={server.url}')
        logs = json.loads(server.seen[0][1])['resourceLogs'][0]
        self.assertIn({'key': 'service.name', 'value': {'stringValue': 'gyr'}}, logs['resource']['attributes'])
        record = logs['scopeLogs'][0]['logRecords'][0]
        self.assertEqual((record['severityNumber'], record['severityText']), (13, 'Warning'))

    def test_echo_prints_answers_as_lines(self):
        for echo in ('true', 'false'):
            with Server() as server:
                run = gyr('http_output.enabled=true', f'http_output.url={server.url}', f'http_output.echo={echo}')
            self.assertEqual('thank \\u001b you\n' in run.stdout, echo == 'true', run.stdout)

    def test_certificates(self):
        self.certificates()
        mine = ['http_output.mtls=true', f'http_output.client_cert={self.path("client.pem")}',
                f'http_output.client_key={self.path("client.key")}']
        ca, other = (f'http_output.ca_cert={self.path(n)}' for n in ('ca.pem', 'other.pem'))
        bundle = f'http_output.ca_bundle={self.path("ca.pem")}'
        for options, client, good in (([ca], False, True), ([bundle], False, True), ([other], False, False), ([], False, False),
                                      (['http_output.insecure=true'], False, True), ([ca], True, False),
                                      ([ca, *mine], True, True)):
            with self.subTest(options=options, client=client), Server(self.tls(client)) as server:
                run = gyr('http_output.enabled=true', f'http_output.url={server.url}', 'output_timeout=500', *options)
                self.assertEqual(run.returncode, 0 if good else 1, run.stderr)
                self.assertEqual(bool(server.seen), good)
                if good and client:
                    self.assertIn((('commonName', 'client'),), server.seen[0][2]['subject'])
                if not good:
                    self.assertIn('unfinished', run.stderr)

    def test_spool_delivers_after_a_restart(self):
        wanted = self.alerts()
        spool = f'gyr.outputs.http.spool={self.path("spool")}'
        run = gyr('json_output=true', 'http_output.enabled=true', f'http_output.url=http://127.0.0.1:{closed_port()}/', spool,
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
    unittest.main(argv=sys.argv[:1])
