#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The web server of a running gyr: pages, TLS, misbehaving clients, and health while only the event loop stands still.

usage: web_test.py GYR
Most of it runs without a source of events (engine.kind: nodriver), where the event loop is all that moves.
"""
import gzip
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import unittest

from common import free_port, wait_for
from observed import observes
from web_client import Served, Thread, certificate, temporary

GYR = ''
RULE = '- {rule: opened, desc: d, condition: evt.type = openat and fd.name = /etc/gyr-web-test, output: x, priority: INFO}\n'
STALL = 2


def config(folder, **more):
    rules = os.path.join(folder, 'rules.yaml')
    with open(rules, 'w', encoding='utf-8') as file:
        file.write(RULE)
    return {'rules_files': [rules], 'engine': {'kind': 'nodriver'}, 'gyr': {'webserver': {'stall_seconds': STALL}},
            'metrics': {'enabled': True}, 'webserver': {'prometheus_metrics_enabled': True}, **more}


class WebTest(unittest.TestCase):
    def serve(self, env=None, options=(), **more):
        folder = temporary(self)
        served = Served(GYR, folder, config(folder, **more), options, env)
        self.addCleanup(served.stop)
        self.assertIsNotNone(served.wait_for('/healthz', 200), served.said())
        return served

    @observes('webserver.enabled', 'webserver.listen_port')
    def test_pages(self):
        served = self.serve()
        status, headers, body = served.ask('/healthz')
        self.assertEqual((status, body), (200, '{"status": "ok"}'))
        self.assertEqual(headers['Content-Type'], 'application/json')
        ready = json.loads(served.ask('/readyz')[2])
        self.assertEqual(ready['status'], 'ready')
        self.assertEqual(ready['rules'], 1)
        self.assertEqual([output['name'] for output in ready['outputs']], ['stdout_output'])
        versions = json.loads(served.ask('/versions')[2])
        said = subprocess.run([GYR, '--version', '-o', 'json_output=true'], capture_output=True, text=True, check=True)
        self.assertEqual(versions, json.loads(said.stdout))
        status, headers, body = served.ask('/metrics')
        self.assertEqual(headers['Content-Type'], 'text/plain; version=0.0.4')
        self.assertIn('falcosecurity_scap_engine_name_info{engine_name="nodriver",evt_source="syscall"} 1\n', body)
        self.assertEqual(served.ask('/healthz', 'HEAD')[::2], (200, ''))
        self.assertEqual(served.ask('/healthz', 'POST')[0], 405)
        self.assertEqual(served.ask('/nothing')[0], 404)
        packed = served.ask('/metrics', headers={'Accept-Encoding': 'gzip'}, text=False)
        self.assertEqual(packed[1]['Content-Encoding'], 'gzip')
        self.assertIn('gyr_version_info', gzip.decompress(packed[2]).decode())
        self.assertEqual(served.stop(), 0)

    @observes('webserver.prometheus_metrics_enabled')
    def test_metrics_are_served_when_asked_for_only(self):
        served = self.serve(webserver={}, metrics={'enabled': True, 'output_rule': True})
        self.assertEqual(served.ask('/metrics')[0], 404)
        served = self.serve(metrics={})
        self.assertEqual(served.ask('/metrics')[0], 404)
        self.assertIn('webserver.prometheus_metrics_enabled has no effect without metrics.enabled', served.said())

    @observes('webserver.k8s_healthz_endpoint')
    def test_health_path(self):
        served = self.serve_at('/livez')
        self.assertEqual(served.ask('/livez')[0], 200)
        self.assertEqual(served.ask('/healthz')[0], 404)
        for path, why in (('livez', "a path begins with '/'"), ('/metrics', 'that is another page')):
            folder = temporary(self)
            refused = Served(GYR, folder, config(folder, metrics={}, webserver={'k8s_healthz_endpoint': path}))
            self.assertEqual(refused.process.wait(60), 1)
            self.assertIn(why, refused.said())
            refused.stop()

    def serve_at(self, path):
        folder = temporary(self)
        served = Served(GYR, folder, config(folder, metrics={}, webserver={'k8s_healthz_endpoint': path}))
        self.addCleanup(served.stop)
        self.assertIsNotNone(served.wait_for(path, 200), served.said())
        return served

    @observes('webserver.ssl_enabled', 'webserver.ssl_certificate')
    def test_tls(self):
        if not shutil.which('openssl'):
            self.skipTest('openssl is missing')
        served = self.serve(webserver={'ssl_enabled': True, 'ssl_certificate': certificate(temporary(self)),
                                       'prometheus_metrics_enabled': True})
        self.assertEqual(served.ask('/healthz')[0], 200)
        self.assertIn('gyr_version_info', served.ask('/metrics')[2])
        self.assertIn('libssl', self.mapped(served))
        # Plain text, half a handshake and garbage harm nobody.
        for bad in (b'GET /healthz HTTP/1.1\r\n\r\n', b'\x16\x03\x01\x02\x00\x01\x00', os.urandom(3000)):
            with socket.create_connection(('127.0.0.1', served.port)) as client:
                client.sendall(bad)
                self.assertEqual(served.ask('/healthz')[0], 200)
        self.assertEqual(self.handshake(served, '-tls1_2').returncode, 0)
        self.assertIn('alert protocol version', self.handshake(served, '-tls1_1').stderr, 'TLS 1.1 is too old')

    @staticmethod
    def handshake(served, version):
        """By a client that would itself take any version."""
        return subprocess.run(['openssl', 's_client', '-connect', f'127.0.0.1:{served.port}', version, '-cipher', 'DEFAULT@SECLEVEL=0'],
                              input='', capture_output=True, text=True, check=False, env={**os.environ, 'OPENSSL_CONF': '/dev/null'})

    def mapped(self, served):
        with open(f'/proc/{served.process.pid}/maps', encoding='utf-8') as file:
            return file.read()

    def test_openssl_is_loaded_for_tls_only(self):
        """Megabytes in the memory of everybody else."""
        served = self.serve()
        self.assertEqual(served.ask('/metrics')[0], 200)
        for library in ('libssl', 'libcrypto'):
            self.assertNotIn(library, self.mapped(served))
        # One that cannot be loaded stands before the system's.
        folder = temporary(self)
        with open(f'{folder}/libssl.so.3', 'wb'):
            pass
        served = Served(GYR, folder, config(folder, metrics={}, webserver={'ssl_enabled': True, 'ssl_certificate': '/none.pem'}),
                        env={'LD_LIBRARY_PATH': folder})
        self.assertEqual(served.process.wait(60), 1)
        self.assertRegex(served.said(), r'webserver.ssl_enabled: needs libssl.so.3, which cannot be loaded \(.*file too short\); '
                         'on Debian: apt-get install libssl3')
        served.stop()

    def test_certificate_that_is_none_ends_the_start(self):
        folder = temporary(self)
        with open(f'{folder}/bad.pem', 'w', encoding='utf-8') as file:
            file.write('no certificate')
        for path in (f'{folder}/bad.pem', f'{folder}/missing.pem'):
            served = Served(GYR, folder, config(folder, metrics={}, webserver={'ssl_enabled': True, 'ssl_certificate': path}))
            self.assertEqual(served.process.wait(60), 1)
            self.assertIn(f'webserver.ssl_certificate: cannot read a certificate from {path}', served.said())
            served.stop()

    def test_port_in_use_ends_the_start(self):
        port = free_port()
        with socket.socket() as taken:
            taken.bind(('127.0.0.1', port))
            taken.listen()
            folder = temporary(self)
            served = Served(GYR, folder, config(folder), ['-o', f'webserver.listen_port={port}'])
            self.assertEqual(served.process.wait(60), 1)
            self.assertIn(f'webserver: cannot listen at 127.0.0.1:{port}: Address already in use', served.said())
            served.stop()

    def test_slow_and_mad_clients(self):
        served = self.serve()
        slow = []
        for _ in range(200):
            client = socket.create_connection(('127.0.0.1', served.port))
            self.addCleanup(client.close)
            client.sendall(b'GET /healthz HTTP/1.1\r\nX: ')
            slow.append(client)
        self.assertEqual(served.ask('/healthz')[0], 200)
        for _ in range(100):
            with socket.create_connection(('127.0.0.1', served.port)) as client:
                client.sendall(os.urandom(200))
        self.assertEqual(served.ask('/healthz')[0], 200)
        threads = len(os.listdir(f'/proc/{served.process.pid}/task'))
        self.assertLess(threads, 80)
        # Cut off when their time is over, though each has sent a byte meanwhile.
        last = slow[-1]
        last.settimeout(60)
        last.sendall(b'x')
        said = last.recv(1000)
        self.assertFalse(said.startswith(b'HTTP/1.1 200'), said)
        while said:
            said = last.recv(1000)
        self.assertEqual(served.stop(), 0)

    @observes('gyr.webserver.stall_seconds')
    def test_health_is_that_of_the_event_loop(self):
        """Only the loop's thread is stopped: whoever asks sees that it does not move, and that it moves again."""
        patient = self.serve(gyr={'webserver': {'stall_seconds': 86400}})
        served = self.serve()
        patient_loop, loop = Thread(patient.process.pid), Thread(served.process.pid)
        try:
            patient_loop.stop()
            loop.stop()
        except OSError as error:
            self.skipTest(f'no thread can be stopped here: {error}')
        try:
            status, _, body = served.wait_for('/healthz', 503)
            self.assertEqual(json.loads(body)['status'], 'failing')
            self.assertIn('the event loop has not moved for', json.loads(body)['reason'])
            self.assertEqual(served.ask('/readyz')[0], 503)
            self.assertEqual(served.ask('/versions')[0], 200)
            self.assertEqual(patient.ask('/healthz')[0], 200, 'its loop was stopped first, but may stand still for a day')
        finally:
            loop.go_on()
            patient_loop.go_on()
        self.assertIsNotNone(served.wait_for('/healthz', 200))
        self.assertEqual(served.stop(), 0)

    @observes('webserver.listen_address')
    def test_address(self):
        folder = temporary(self)
        served = Served(GYR, folder, config(folder), ['-o', 'webserver.listen_address=127.0.0.2'])
        self.addCleanup(served.stop)
        self.assertIsNone(served.wait_for('/healthz', 200, seconds=0))
        wait_for(lambda: 'webserver: listens at 127.0.0.2' in served.said() or served.process.poll() is not None, 'the server')
        self.assertIsNone(served.ask('/healthz'))
        with socket.create_connection(('127.0.0.2', served.port)) as client:
            client.sendall(b'GET /healthz HTTP/1.0\r\n\r\n')
            self.assertTrue(client.recv(100).startswith(b'HTTP/1.1 200'))

    @observes('webserver.threadiness')
    def test_pages_made_at_a_time(self):
        """Each page of metrics waits in a pipe that takes the place of a file of the host."""
        most = os.cpu_count() + 1
        for threads in (1, most):
            proc = f'{temporary(self)}/root/proc'
            os.makedirs(proc)
            served = self.serve(env={'HOST_ROOT': os.path.dirname(proc)}, options=['-o', f'webserver.threadiness={threads}'])
            os.mkfifo(f'{proc}/meminfo')
            pipe = os.open(f'{proc}/meminfo', os.O_RDWR)
            clients = [threading.Thread(target=served.ask, args=['/metrics']) for _ in range(most)]
            for client in clients:
                client.start()
            tasks = f'/proc/{served.process.pid}/task'
            wait_for(lambda: len(self.waiting(served, pipe)) == threads, f'{threads} pages')
            wait_for(lambda: sum(self.comm(f'{tasks}/{task}') == 'gyr:web' for task in os.listdir(tasks)) > most, 'all requests')
            self.assertEqual(len(self.waiting(served, pipe)), threads)
            self.assertEqual(served.ask('/healthz')[0], 200)
            os.unlink(f'{proc}/meminfo')
            os.close(pipe)
            for client in clients:
                client.join()

    @staticmethod
    def comm(task):
        with open(f'{task}/comm', encoding='ascii') as file:
            return file.read().strip()

    @staticmethod
    def waiting(served, pipe):
        """Descriptors of the server that are the pipe."""
        folder, wanted, found = f'/proc/{served.process.pid}/fd', os.fstat(pipe), []
        for name in os.listdir(folder):
            try:
                if os.path.samestat(os.stat(f'{folder}/{name}'), wanted):
                    found.append(name)
            except OSError:
                pass
        return found

    def test_a_dead_output_fails_nothing(self):
        folder = temporary(self)
        pipe = f'{folder}/pipe'
        os.mkfifo(pipe)
        served = Served(GYR, folder, config(
            folder, metrics={'enabled': True, 'interval': '100ms', 'output_rule': True},
            file_output={'enabled': True, 'filename': pipe, 'keep_alive': True}))
        self.addCleanup(served.stop)
        self.assertIsNotNone(served.wait_for('/healthz', 200), served.said())
        self.wait_alive(served, served.alerts, 'an alert: the other output goes on')
        self.assertEqual(served.ask('/healthz')[0], 200)
        self.assertEqual(served.ask('/readyz')[0], 200)
        served.process.send_signal(signal.SIGTERM)
        self.assertEqual(served.process.wait(60), 0)

    def test_a_reload_is_seen(self):
        served = self.serve()
        start = self.counter(served, 'falcosecurity_falco_start_timestamp_nanoseconds')
        self.assertEqual(self.counter(served, 'falcosecurity_falco_reload_timestamp_nanoseconds'), start)
        rules = os.path.join(served.folder, 'rules.yaml')
        with open(rules, 'a', encoding='utf-8') as file:
            file.write('# changed\n')
        digest = hashlib.sha256((RULE + '# changed\n').encode()).hexdigest()
        served.process.send_signal(signal.SIGHUP)
        self.wait_alive(served, lambda: f'file_name="rules.yaml",sha256="{digest}"' in served.ask('/metrics')[2], 'the new rules')
        self.assertGreater(self.counter(served, 'falcosecurity_falco_reload_timestamp_nanoseconds'), start)
        self.assertEqual(served.ask('/healthz')[0], 200)

    def test_not_in_a_replay(self):
        served = Served(GYR, temporary(self), config(temporary(self)),
                        ['-o', 'engine.kind=replay', '-o', 'engine.replay.capture_file=/dev/null'])
        served.process.wait(60)
        self.assertNotIn('webserver: listens', served.said())
        served.stop()

    def test_of_a_live_source(self):
        folder = temporary(self)
        served = Served(GYR, folder, config(folder, engine={'kind': 'modern_ebpf'}))
        self.addCleanup(served.stop)
        if served.wait_for('/healthz', 200) is None:
            self.skipTest('no live capture here: ' + served.said().strip()[-300:])
        before = self.counter(served, 'gyr_rule_matched_total{rule_name="opened"}')
        for _ in range(3):
            with self.assertRaises(OSError):
                open('/etc/gyr-web-test', encoding='utf-8').close()
        self.wait_alive(served, lambda: self.counter(served, 'gyr_rule_matched_total{rule_name="opened"}') == before + 3,
                        'three more matches')
        self.assertGreater(self.counter(served, 'falcosecurity_scap_n_evts_total'), 3)
        self.assertEqual(served.stop(), 0)

    def wait_alive(self, served, condition, what):
        wait_for(lambda: self.assertIsNone(served.process.poll()) or condition(), what)

    def counter(self, served, name):
        for line in served.ask('/metrics')[2].splitlines():
            if line.startswith(name + ' '):
                return float(line.rsplit(' ', 1)[1])
        self.fail(f'no {name}')
        return None


if __name__ == '__main__':
    GYR = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
