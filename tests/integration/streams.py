# SPDX-License-Identifier: Apache-2.0
"""Peers of the outputs to streams: a real nats-server with JetStream, TLS and accounts, and librdkafka's mock cluster."""
import base64
import binascii
import ctypes
import json
import os
import shutil
import socket
import ssl
import subprocess
import time

from common import free_port, wait_for


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b'=').decode()


class Nkey:
    """An Ed25519 key as NATS writes it; openssl signs."""
    OPERATOR, ACCOUNT, USER, SEED = 14 << 3, 0, 20 << 3, 18 << 3

    def __init__(self, folder, kind):
        self.file = os.path.join(folder, f'nkey-{kind}-{os.urandom(4).hex()}')
        seed = os.urandom(32)
        with open(self.file, 'wb') as file:
            file.write(bytes.fromhex('302e020100300506032b657004220420') + seed)  # PKCS 8
        public = subprocess.run(['openssl', 'pkey', '-inform', 'DER', '-in', self.file, '-pubout', '-outform', 'DER'],
                                capture_output=True, check=True).stdout[-32:]
        self.public = self.text(bytes([kind]) + public)
        self.seed = self.text(bytes([self.SEED | kind >> 5, (kind & 31) << 3]) + seed)

    @staticmethod
    def text(data):
        return base64.b32encode(data + binascii.crc_hqx(data, 0).to_bytes(2, 'little')).decode().rstrip('=')

    def sign(self, data):
        path = self.file + '.data'
        with open(path, 'wb') as file:
            file.write(data)
        return encode(subprocess.run(['openssl', 'pkeyutl', '-sign', '-rawin', '-keyform', 'DER', '-inkey', self.file, '-in', path],
                                     capture_output=True, check=True).stdout)

    def token(self, subject, name, nats):
        """A JWT about `subject` that this key signs."""
        claims = {'jti': name, 'iat': int(time.time()), 'iss': self.public, 'sub': subject, 'name': name,
                  'nats': {'version': 2, **nats}}
        text = '.'.join(encode(json.dumps(part).encode()) for part in ({'typ': 'JWT', 'alg': 'ed25519-nkey'}, claims))
        return text + '.' + self.sign(text.encode())


class Accounts:
    """An operator, an account that may have streams, and a user of it: the server's settings, and the user's credentials."""

    def __init__(self, folder):
        operator, account, system, self.user = (Nkey(folder, kind) for kind in (Nkey.OPERATOR, Nkey.ACCOUNT, Nkey.ACCOUNT, Nkey.USER))
        all_of = dict.fromkeys(('subs', 'data', 'payload', 'imports', 'exports', 'conn', 'leaf', 'mem_storage', 'disk_storage',
                                'streams', 'consumer'), -1)
        tokens = {operator: operator.token(operator.public, 'operator', {'type': 'operator'}),
                  account: operator.token(account.public, 'account', {'type': 'account', 'limits': {**all_of, 'wildcards': True}}),
                  system: operator.token(system.public, 'system', {'type': 'account', 'limits': {
                      **{key: value for key, value in all_of.items() if 'storage' not in key and key not in ('streams', 'consumer')},
                      'wildcards': True}})}
        self.token = account.token(self.user.public, 'user', {'type': 'user', 'pub': {}, 'sub': {}, 'subs': -1, 'data': -1,
                                                              'payload': -1})
        self.settings = {'operator': tokens[operator], 'resolver': 'MEMORY', 'system_account': system.public,
                         'resolver_preload': {account.public: tokens[account], system.public: tokens[system]}}
        self.credentials = os.path.join(folder, 'user.creds')
        with open(self.credentials, 'w', encoding='utf-8') as file:
            file.write(f'-----BEGIN NATS USER JWT-----\n{self.token}\n------END NATS USER JWT------\n\n'
                       f'-----BEGIN USER NKEY SEED-----\n{self.user.seed}\n------END USER NKEY SEED------\n')


class NatsServer:
    """nats-server with a stream that takes `subject`, and what the stream has."""

    def __init__(self, test, folder, subject, tls=None, accounts=None, context=None):
        program = shutil.which('nats-server') or '/usr/sbin/nats-server'
        if not os.access(program, os.X_OK):
            test.skipTest('nats-server is missing')
        self.port, self.accounts, self.context, self.count = free_port(), accounts, context, 0
        self.socket = None
        settings = {'listen': f'127.0.0.1:{self.port}', 'jetstream': {'store_dir': os.path.join(folder, f'nats-{self.port}')}}
        if tls:
            settings['tls'] = tls
        if accounts:
            settings.update(accounts.settings)
        config = os.path.join(folder, f'nats-{self.port}.conf')
        with open(config, 'w', encoding='utf-8') as file:
            json.dump(settings, file, indent=1)
        self.log = os.path.join(folder, f'nats-{self.port}.log')
        with open(self.log, 'w', encoding='utf-8') as log:
            self.process = subprocess.Popen([program, '-c', config], stdout=log, stderr=log)
        test.addCleanup(self.stop)
        wait_for(lambda: self.connect() or self.process.poll() is not None, 'nats-server')
        assert self.process.poll() is None, open(self.log, encoding='utf-8').read()
        made = self.request('$JS.API.STREAM.CREATE.KEYS', {'name': 'KEYS', 'subjects': [subject]})
        assert 'error' not in made, made

    def connect(self):
        try:
            self.socket = socket.create_connection(('127.0.0.1', self.port), timeout=60)
        except OSError:
            return False
        info = json.loads(self.line(self.socket)[len('INFO '):])
        if self.context:
            self.socket = self.context.wrap_socket(self.socket, server_hostname='127.0.0.1')
        who = {'verbose': False, 'pedantic': False, 'headers': True}
        if self.accounts:
            who.update(jwt=self.accounts.token, sig=self.accounts.user.sign(info['nonce'].encode()))
        self.socket.sendall(b'CONNECT ' + json.dumps(who).encode() + b'\r\nPING\r\n')
        answer = self.line(self.socket)
        assert answer == 'PONG', answer
        return True

    @staticmethod
    def line(connection):
        text = b''
        while not text.endswith(b'\r\n'):
            byte = connection.recv(1)
            if not byte:
                raise ConnectionError(text)
            text += byte
        return text.decode().strip()

    def request(self, subject, payload):
        self.count += 1
        data = json.dumps(payload).encode()
        self.socket.sendall(f'SUB in.{self.count} {self.count}\r\nPUB {subject} in.{self.count} {len(data)}\r\n'.encode() + data
                            + b'\r\n')
        while not (line := self.line(self.socket)).startswith(f'MSG in.{self.count} '):
            if line == 'PING':
                self.socket.sendall(b'PONG\r\n')
        size, text = int(line.split()[-1]), b''
        while len(text) < size + 2:
            text += self.socket.recv(size + 2 - len(text))
        return json.loads(text)

    def messages(self):
        """(subject, text) of each message of the stream."""
        found = []
        while 'message' in (answer := self.request('$JS.API.STREAM.MSG.GET.KEYS', {'seq': len(found) + 1})):
            found.append((answer['message']['subject'], base64.b64decode(answer['message']['data']).decode()))
        return found

    def stop(self):
        if self.socket is not None:
            self.socket.close()
        self.process.kill()
        self.process.wait()


class KafkaMessage(ctypes.Structure):
    _fields_ = [('error', ctypes.c_int), ('topic', ctypes.c_void_p), ('partition', ctypes.c_int32), ('payload', ctypes.c_void_p),
                ('size', ctypes.c_size_t), ('key', ctypes.c_void_p), ('key_size', ctypes.c_size_t), ('offset', ctypes.c_int64),
                ('private', ctypes.c_void_p)]


class KafkaCluster:
    """librdkafka's mock cluster with one topic, and a reader of it."""
    PRODUCER, CONSUMER, BEGINNING = 0, 1, -2

    def __init__(self, test, topic):
        try:
            self.library = ctypes.CDLL('librdkafka.so.1')
        except OSError as missing:
            test.skipTest(str(missing))
        self.topic = topic.encode()
        conf = self.call('conf_new')
        self.call('conf_set', conf, b'log_level', b'0', None, ctypes.c_size_t(0))
        self.host = self.call('new', self.PRODUCER, conf, None, ctypes.c_size_t(0))
        self.cluster = self.call('mock_cluster_new', self.host, 1)
        self.call('mock_topic_create', self.cluster, self.topic, 1, 1)
        bootstraps = self.library.rd_kafka_mock_cluster_bootstraps
        bootstraps.restype = ctypes.c_char_p
        self.brokers = bootstraps(self.cluster).decode()
        self.reader = None
        test.addCleanup(self.stop)

    def call(self, name, *arguments):
        function = getattr(self.library, 'rd_kafka_' + name)
        function.restype = ctypes.c_void_p
        result = function(*arguments)
        return ctypes.c_void_p(result)

    def start_reader(self):
        conf = self.call('conf_new')
        for key, value in ((b'bootstrap.servers', self.brokers.encode()), (b'group.id', b'keys')):
            self.call('conf_set', conf, key, value, None, ctypes.c_size_t(0))
        self.reader = self.call('new', self.CONSUMER, conf, None, ctypes.c_size_t(0))
        parts = self.call('topic_partition_list_new', 1)
        self.call('topic_partition_list_add', parts, self.topic, 0)
        self.call('topic_partition_list_set_offset', parts, self.topic, 0, ctypes.c_int64(self.BEGINNING))
        self.call('assign', self.reader, parts)
        self.call('topic_partition_list_destroy', parts)

    def read(self, count):
        """(key, text) of so many messages, further ones at each call."""
        if self.reader is None:
            self.start_reader()
        found = []
        end = time.monotonic() + 60
        while len(found) < count:
            assert time.monotonic() < end, f'{len(found)} messages, not {count}'
            address = self.call('consumer_poll', self.reader, 100)
            if not address:
                continue
            message = ctypes.cast(address, ctypes.POINTER(KafkaMessage)).contents
            if message.error == 0:
                found.append((ctypes.string_at(message.key, message.key_size).decode(),
                              ctypes.string_at(message.payload, message.size).decode()))
            self.call('message_destroy', address)
        return found

    def stop(self):
        if self.reader is not None:
            self.call('consumer_close', self.reader)
            self.call('destroy', self.reader)
        self.call('mock_cluster_destroy', self.cluster)
        self.call('destroy', self.host)


def tls_context(folder, client=True):
    """Of a reader of the server of destinations.make_certificates()."""
    context = ssl.create_default_context(cafile=os.path.join(folder, 'ca.pem'))
    if client:
        context.load_cert_chain(os.path.join(folder, 'client.pem'), os.path.join(folder, 'client.key'))
    return context
