#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Keys of the outputs to NATS and Kafka, seen by their peers: a real nats-server with TLS and accounts, a mock cluster.

usage: stream_keys_test.py GYR
"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

from common import conformance, skip
from destinations import Listener, make_certificates
from observed import GYR, observes
from streams import Accounts, KafkaCluster, NatsServer, tls_context

DATA = conformance()
REPLAY = ['-r', f'{DATA}/rules/SingleRule__single_rule.yaml', '-e', f'{DATA}/captures/cat_write.scap', '-o', 'json_output=true']


def gyr(prefix, **settings):
    words = [GYR, *REPLAY, '-o', f'{prefix}.enabled=true']
    for key, value in settings.items():
        words += ['-o', f'{key if "." in key or key == "output_timeout" else prefix + "." + key}={value}']
    return subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='gyr-streams-')
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def told(self, run):
        """The alerts of standard output, which are those of each output."""
        self.assertEqual(run.returncode, 0, run.stderr)
        lines = [json.loads(line) for line in run.stdout.splitlines() if line.startswith('{')]
        self.assertGreater(len(lines), 3)
        return lines


class Nats(Case):
    @observes('gyr.outputs.nats.enabled', 'gyr.outputs.nats.url', 'gyr.outputs.nats.subject')
    def test_server_and_subject(self):
        server = NatsServer(self, self.folder, 'keys.>')
        told = self.told(gyr('gyr.outputs.nats', url=f'nats://127.0.0.1:{server.port}', subject='keys.test'))
        self.assertEqual([(subject, json.loads(text)) for subject, text in server.messages()],
                         [('keys.test', alert) for alert in told])

    @observes('gyr.outputs.nats.ca_cert', 'gyr.outputs.nats.client_cert', 'gyr.outputs.nats.client_key')
    def test_certificates(self):
        make_certificates(self, self.folder)
        tls = {'cert_file': self.path('server.pem'), 'key_file': self.path('server.key'), 'ca_file': self.path('ca.pem'),
               'verify': True}
        server = NatsServer(self, self.folder, 'keys.>', tls=tls, context=tls_context(self.folder))
        mine = {'client_cert': self.path('client.pem'), 'client_key': self.path('client.key')}
        url, ca, other = f'tls://127.0.0.1:{server.port}', self.path('ca.pem'), self.path('other.pem')
        for number, settings in enumerate((mine, {'ca_cert': other, **mine}, {'ca_cert': ca})):
            run = gyr('gyr.outputs.nats', url=url, subject=f'keys.{number}', output_timeout=300, **settings)
            self.assertEqual(run.returncode, 1, settings)
            self.assertIn('unfinished', run.stderr)
        told = self.told(gyr('gyr.outputs.nats', url=url, subject='keys.good', ca_cert=ca, **mine))
        self.assertEqual([subject for subject, _ in server.messages()], ['keys.good'] * len(told))
        # Each file is the one that is named: another's key does not fit.
        wrong = gyr('gyr.outputs.nats', url=url, ca_cert=ca, client_cert=mine['client_cert'], client_key=self.path('server.key'))
        self.assertEqual(wrong.returncode, 1)
        self.assertIn('gyr.outputs.nats.client_cert', wrong.stderr)

    @observes('gyr.outputs.nats.credentials')
    def test_credentials(self):
        accounts = Accounts(self.folder)
        server = NatsServer(self, self.folder, 'keys.>', accounts=accounts)
        settings = {'url': f'nats://127.0.0.1:{server.port}', 'subject': 'keys.test'}
        refused = gyr('gyr.outputs.nats', output_timeout=300, **settings)
        self.assertEqual(refused.returncode, 1)
        self.assertIn('Authorization Violation', refused.stderr)
        told = self.told(gyr('gyr.outputs.nats', credentials=accounts.credentials, **settings))
        self.assertEqual([json.loads(text) for _, text in server.messages()], told)


class Kafka(Case):
    @observes('gyr.outputs.kafka.enabled', 'gyr.outputs.kafka.brokers', 'gyr.outputs.kafka.topic')
    def test_brokers_and_topic(self):
        cluster = KafkaCluster(self, 'keys')
        told = self.told(gyr('gyr.outputs.kafka', brokers=cluster.brokers, topic='keys'))
        got = cluster.read(len(told))
        self.assertEqual([json.loads(text) for _, text in got], told)
        self.assertEqual(len({key for key, _ in got}), len(told))

    @observes('gyr.outputs.kafka.properties')
    def test_properties(self):
        """The library's own name is in the first request of each connection."""
        with Listener() as listener:
            gyr('gyr.outputs.kafka', brokers=f'127.0.0.1:{listener.port}', output_timeout=100, timeout_ms=300,
                **{'gyr.outputs.kafka.properties': '{client.id: keys-of-kafka}'})
            self.assertIn(b'keys-of-kafka', b''.join(listener.firsts))


if __name__ == '__main__':
    if not os.path.isfile(f'{DATA}/captures/cat_write.scap'):
        skip('the conformance data has no cat_write.scap')
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
