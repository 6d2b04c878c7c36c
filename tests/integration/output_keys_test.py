#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Keys that outputs have in common and those of their own, seen by their peers and in the counters that gyr serves.

usage: output_keys_test.py GYR
Without a source of events: the alerts are snapshots of metrics, which a name of the host makes as long as a test needs.
Where two values of a key must make a difference, two programs run side by side, and the one is looked at when the other has
come so far. Needs root, for a /dev of its own.
"""
import json
import os
import pwd
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import unittest
import urllib.request

from common import free_port, need_namespaces, wait_for
from destinations import Listener, Server, UnixReader
from observed import GYR, observes
from streams import KafkaCluster, NatsServer
from web_client import Thread

# Names below gyr.outputs, and of the same outputs in messages and counters.
NAMES = {'stdout': 'stdout_output', 'syslog': 'syslog_output', 'file': 'file_output', 'program': 'program_output',
         'http': 'http_output', 'unix': 'gyr.outputs.unix', 'otlp': 'gyr.outputs.otlp', 'nats': 'gyr.outputs.nats',
         'kafka': 'gyr.outputs.kafka'}
# Those that know when they have failed.
FAILING = [name for name in NAMES if name not in ('syslog', 'unix')]
OWN_DEV = ('mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && mknod -m 666 /dev/full c 1 7 && '
           'mknod -m 666 /dev/urandom c 1 9 && ln -s {log} /dev/log && exec "$@"')


def tree(settings):
    """'a.b': 1 as the maps of a configuration."""
    root = {}
    for key, value in settings.items():
        at = root
        *path, last = key.split('.')
        for name in path:
            at = at.setdefault(name, {})
        at[last] = value
    return root


class Idle:
    """gyr without a source, in a /dev of its own whose log is `log`; one alert each tenth of a second, `bytes` long at least."""
    count = 0

    def __init__(self, test, folder, settings, alert_bytes=0, out=None):
        Idle.count += 1
        self.folder = os.path.join(folder, f'run{Idle.count}')
        os.mkdir(self.folder)
        self.log_path, self.port = self.path('log'), free_port()
        self.log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.log.bind(self.log_path)
        self.log.setblocking(False)
        settings = {'engine.kind': 'nodriver', 'json_output': True, 'log_syslog': False, 'rules_files': [self.path('rules.yaml')],
                    'metrics.enabled': True, 'metrics.interval': '100ms', 'metrics.output_rule': True,
                    'metrics.output_file': self.path('snapshots'), 'webserver.enabled': True, 'webserver.listen_address': '127.0.0.1',
                    'webserver.listen_port': self.port, 'webserver.prometheus_metrics_enabled': True, **settings}
        with open(self.path('rules.yaml'), 'w', encoding='utf-8') as file:
            file.write('[]')
        with open(self.path('gyr.yaml'), 'w', encoding='utf-8') as file:
            json.dump(tree(settings), file)
        self.err = open(self.path('err'), 'w+', encoding='utf-8')
        with open(out or self.path('out'), 'wb') as stdout:
            self.process = subprocess.Popen(
                ['unshare', '-m', 'sh', '-c', OWN_DEV.format(log=self.log_path), 'sh', GYR, '-c', self.path('gyr.yaml')],
                stdout=stdout, stderr=self.err, stdin=subprocess.DEVNULL,
                env={**os.environ, 'FALCO_HOSTNAME': 'h' * (1 + alert_bytes // 2)})  # which stands in an alert twice
        test.addCleanup(self.end, signal.SIGKILL)
        wait_for(self.serves, 'the web server: ' + self.said())

    def path(self, name):
        return os.path.join(self.folder, name)

    def serves(self):
        assert self.process.poll() is None, self.said()
        try:
            return self.page()
        except OSError:
            return None

    def page(self):
        with urllib.request.urlopen(f'http://127.0.0.1:{self.port}/metrics', timeout=60) as answer:
            return answer.read().decode()

    def counters(self):
        """By output and what was counted: sent, retried, spooled, memory, spool, healthy, and reasons of losses."""
        found = {output: {} for output in NAMES.values()}
        for line in self.page().splitlines():
            if line.startswith('gyr_output_') and 'bytes' not in line and 'last_success' not in line:
                name, rest = line.split('{', 1)
                labels, value = rest.rsplit('} ', 1)
                labels = dict(label.split('=', 1) for label in labels.replace('"', '').split(','))
                what = next((labels[label] for label in ('fate', 'reason', 'where') if label in labels), 'healthy')
                found[labels['output']][what] = int(value)
        return {short: found[long] for short, long in NAMES.items()}

    def await_all(self, names, what, least):
        wait_for(lambda: all(self.counters()[name][what] >= least for name in names), f'{what} {least} of each of {names}')

    def say_log(self):
        """What syslog got."""
        texts = []
        try:
            while True:
                texts.append(self.log.recv(1 << 20).decode())
        except BlockingIOError:
            return texts

    def said(self):
        with open(self.err.name, encoding='utf-8') as file:
            return file.read()

    def end(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.wait(60)
        self.err.close()
        self.log.close()
        return self.process.returncode


def alerts_in(text):
    return [json.loads(line) for line in text.splitlines() if line.startswith('{') and line.endswith('}')]


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='gyr-keys-')
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        os.chmod(self.folder, 0o755)

    def path(self, name):
        return os.path.join(self.folder, name)

    def text(self, name):
        with open(self.path(name), encoding='utf-8') as file:
            return file.read()

    def idle(self, settings, **more):
        return Idle(self, self.folder, settings, **more)

    def of_each(self, key, value, names=tuple(NAMES)):
        return {f'gyr.outputs.{name}.{key}': value for name in names}

    def broken(self):
        """Settings of outputs that all fail at once, those that can."""
        port = free_port()
        return {'stdout_output.enabled': True, 'syslog_output.enabled': True, 'file_output.enabled': True,
                'file_output.filename': '/dev/full', 'program_output.enabled': True, 'program_output.keep_alive': True,
                'program_output.program': 'exit 3', 'http_output.enabled': True, 'http_output.url': f'http://127.0.0.1:{port}/',
                'gyr.outputs.unix.enabled': True, 'gyr.outputs.unix.path': self.path(f'socket{Idle.count}'),
                'gyr.outputs.otlp.enabled': True, 'gyr.outputs.otlp.url': f'http://127.0.0.1:{port}/',
                'gyr.outputs.otlp.batch_alerts': 1, 'gyr.outputs.nats.enabled': True,
                'gyr.outputs.nats.url': f'nats://127.0.0.1:{port}', 'gyr.outputs.kafka.enabled': True,
                'gyr.outputs.kafka.brokers': f'127.0.0.1:{port}', 'gyr.outputs.kafka.timeout_ms': 50}


class All(Case):
    """One program with all nine outputs."""

    def working(self):
        self.http, self.otlp = Server(), Server()
        for server in (self.http, self.otlp):
            self.addCleanup(server.__exit__)
        self.nats = NatsServer(self, self.folder, 'keys.>')
        self.kafka = KafkaCluster(self, 'keys')
        return {'stdout_output.enabled': True, 'syslog_output.enabled': True, 'file_output.enabled': True,
                'file_output.filename': self.path('alerts'), 'program_output.enabled': True,
                'program_output.program': f'cat >> {self.path("piped")}', 'http_output.enabled': True,
                'http_output.url': self.http.url, 'gyr.outputs.unix.enabled': True, 'gyr.outputs.unix.path': self.path('socket'),
                'gyr.outputs.otlp.enabled': True, 'gyr.outputs.otlp.url': self.otlp.url, 'gyr.outputs.nats.enabled': True,
                'gyr.outputs.nats.url': f'nats://127.0.0.1:{self.nats.port}', 'gyr.outputs.nats.subject': 'keys.all',
                'gyr.outputs.kafka.enabled': True, 'gyr.outputs.kafka.brokers': self.kafka.brokers,
                'gyr.outputs.kafka.topic': 'keys'}

    def arrived(self, gyr, reader):
        """The alerts that each peer has got; without what OpenTelemetry says in a form of its own."""
        counters = gyr.counters()
        return {'stdout': alerts_in(self.text(gyr.path('out'))),
                'syslog': [json.loads(text[text.index('{'):]) for text in gyr.say_log()],
                'file': alerts_in(self.text('alerts')), 'program': alerts_in(self.text('piped')),
                'http': [json.loads(body) for _, body, _ in list(self.http.seen)], 'unix': [json.loads(line) for line in reader.lines],
                'nats': [json.loads(text) for _, text in self.nats.messages()],
                'kafka': [json.loads(text) for _, text in self.kafka.read(counters['kafka']['sent'])]}

    @observes('syslog_output.enabled', 'file_output.enabled', 'program_output.enabled', 'http_output.enabled', 'gyr.outputs.*.enabled', 'gyr.outputs.*.id_in_json', 'file_output.filename',
              'program_output.program', 'http_output.url', 'gyr.outputs.unix.path', 'gyr.outputs.otlp.url')
    def test_alerts_arrive_with_their_ids(self):
        gyr = self.idle({**self.working(), **self.of_each('id_in_json', True, [name for name in NAMES if name != 'otlp'])})
        reader = UnixReader(self.path('socket'))
        gyr.await_all(NAMES, 'sent', 3)
        wait_for(lambda: reader.lines, 'a line for the reader')
        for name, alerts in self.arrived(gyr, reader).items():
            with self.subTest(name):
                self.assertTrue(alerts)
                for alert in alerts:
                    self.assertEqual(alert['rule'], 'Falco internal: metrics snapshot')
                    self.assertRegex(alert['gyr_id'], '^[0-9a-f]{32}$')
        self.assertIn('"key":"log.record.uid"', self.otlp.seen[0][1])
        self.assertEqual(gyr.end(), 0)

    @observes('gyr.outputs.*.priority')
    def test_priority(self):
        """The alerts are informational."""
        gyr = self.idle({**self.working(), **self.of_each('priority', 'notice')})
        wait_for(lambda: self.text(gyr.path('snapshots')).count('\n') >= 5, 'snapshots')
        for name, counters in gyr.counters().items():
            self.assertEqual({what: counters[what] for what in ('sent', 'memory', 'queue_full', 'reader')},
                             {'sent': 0, 'memory': 0, 'queue_full': 0, 'reader': 0}, name)
        self.assertEqual(gyr.end(), 0)

    @observes('gyr.outputs.*.queue_mb', 'outputs_queue.capacity', 'output_timeout')
    def test_bounds_of_queues(self):
        """No output gets on: nobody reads the log, and the thread of the unix socket is stopped. From a bound on alerts are lost."""
        runs = [self.idle({**self.broken(), **settings}, alert_bytes=150_000, out='/dev/full') for settings in (
            {**self.of_each('queue_mb', 1), 'output_timeout': 77}, {'outputs_queue.capacity': 2, 'output_timeout': 77}, {})]
        stopped = [Thread(int(tid)) for run in runs for tid in os.listdir(f'/proc/{run.process.pid}/task')
                   if self.text(f'/proc/{run.process.pid}/task/{tid}/comm').strip() == 'gyr:unix']
        self.assertGreaterEqual(len(stopped), 3)
        for thread in stopped:
            thread.stop()
            self.addCleanup(self.let_go, thread)
        small, two, default = runs
        small.await_all(NAMES, 'queue_full', 1)
        two.await_all(NAMES, 'queue_full', 1)
        for name, counters in default.counters().items():
            self.assertEqual(counters['queue_full'], 0, name)
        for name, counters in two.counters().items():
            self.assertLessEqual(counters['memory'], 2 + 1, f'{name}: those that are being sent are in no queue')
        for thread in stopped:
            thread.go_on()
        small.end()
        self.assertIn('syslog_output has been blocked for 77 ms', small.said())

    @staticmethod
    def let_go(thread):
        try:
            thread.go_on()
        except OSError:
            pass  # it goes already

    @observes('gyr.outputs.*.retry_seconds', 'gyr.outputs.*.retry_max_ms')
    def test_retries(self):
        """With long pauses a tenth try comes after a minute at the soonest."""
        never = self.idle({**self.broken(), **self.of_each('retry_seconds', 0, FAILING)}, out='/dev/full')
        often = self.idle({**self.broken(), **self.of_each('retry_max_ms', 1, FAILING)}, out='/dev/full')
        default = self.idle(self.broken(), out='/dev/full')
        never.await_all(FAILING, 'expired', 1)
        often.await_all(FAILING, 'retried', 10)
        for name, counters in default.counters().items():
            if name in FAILING:
                self.assertEqual(counters['expired'], 0, name)
                self.assertGreater(counters['memory'], 0, name)
                self.assertLess(counters['retried'], 10, name)
        for name in FAILING:
            self.assertEqual(often.counters()[name]['expired'], 0, name)

    @observes('gyr.outputs.*.spool', 'gyr.outputs.*.spool_mb')
    def test_spools(self):
        """Filled to their bound by one program, emptied by the next."""
        spools = {f'gyr.outputs.{name}.spool': self.path('spool-' + name) for name in FAILING}
        roomy = {f'gyr.outputs.{name}.spool': self.path('roomy-' + name) for name in FAILING}
        failing = self.idle({**self.broken(), **spools, **self.of_each('spool_mb', 1, FAILING)}, alert_bytes=150_000, out='/dev/full')
        default = self.idle({**self.broken(), **roomy}, alert_bytes=150_000, out='/dev/full')
        for name in FAILING:
            wait_for(lambda: 'alerts wait in memory' in failing.said() and
                     failing.counters()[name]['memory'] > 2, 'a spool that is full')
        kept = {name: counters['spool'] for name, counters in failing.counters().items()}
        default.await_all(FAILING, 'spool', max(kept.values()) + 1)
        for name in FAILING:
            self.assertLessEqual(default.counters()[name]['memory'], 2, f'{name}: those that just come')
            size = sum(os.path.getsize(os.path.join(self.path('spool-' + name), file)) for file in os.listdir(self.path('spool-' + name)))
            self.assertIn(size, range(100_000, (1 << 20) + 1), name)
        failing.end()
        working = self.idle({**self.working(), **spools, 'metrics.interval': '1h'})
        for name in FAILING:
            wait_for(lambda: working.counters()[name]['spool'] == 0 and working.counters()[name]['sent'] == kept[name],
                     f'what the spool of {name} holds')
        got = self.arrived(working, UnixReader(self.path('socket')))
        self.assertEqual({name: len(alerts) for name, alerts in got.items() if name in FAILING},
                         {name: kept[name] for name in FAILING if name != 'otlp'})
        self.assertEqual(working.end(), 0)

    @observes('gyr.outputs.*.timeout_ms')
    def test_peers_that_never_answer(self):
        with Listener() as silent:
            names = ('http', 'otlp', 'nats', 'kafka')
            settings = {'http_output.enabled': True, 'http_output.url': f'http://127.0.0.1:{silent.port}/',
                        'http_output.max_consecutive_timeouts': 1000, 'gyr.outputs.otlp.enabled': True,
                        'gyr.outputs.otlp.url': f'http://127.0.0.1:{silent.port}/', 'gyr.outputs.otlp.batch_alerts': 1,
                        'gyr.outputs.nats.enabled': True, 'gyr.outputs.nats.url': f'nats://127.0.0.1:{silent.port}',
                        'gyr.outputs.kafka.enabled': True, 'gyr.outputs.kafka.brokers': f'127.0.0.1:{silent.port}',
                        'output_timeout': 3600000, **self.of_each('retry_max_ms', 1, names)}
            patient = self.idle({**settings, **self.of_each('timeout_ms', 3600000, names)})
            hasty = self.idle({**settings, **self.of_each('timeout_ms', 50, names)})
            hasty.await_all(names, 'retried', 3)
            for name in names:
                self.assertEqual((patient.counters()[name]['retried'], patient.counters()[name]['healthy']), (0, 1), name)


class Own(Case):
    """Keys of single outputs."""

    @observes('gyr.outputs.file.rotate_mb', 'gyr.outputs.file.rotate_files')
    def test_files_by_size(self):
        path = self.path('alerts')
        gyr = self.idle({'file_output.enabled': True, 'file_output.filename': path, 'gyr.outputs.file.rotate_mb': 1,
                         'gyr.outputs.file.rotate_files': 2}, alert_bytes=240_000)
        gyr.await_all(['file'], 'sent', 20)
        self.assertEqual(gyr.end(), 0)  # no file is on its way to another name any more
        files = sorted(name for name in os.listdir(self.folder) if name.startswith('alerts'))
        self.assertEqual(files, ['alerts', 'alerts.1', 'alerts.2'])
        for name in files[1:]:
            self.assertIn(os.path.getsize(self.path(name)), range(800_000, (1 << 20) + 1))

    @observes('gyr.outputs.file.rotate_seconds')
    def test_files_by_age(self):
        path = self.path('alerts')
        gyr = self.idle({'file_output.enabled': True, 'file_output.filename': path, 'gyr.outputs.file.rotate_seconds': 1})
        wait_for(lambda: os.path.exists(path + '.1'), 'a second file')
        self.assertEqual(gyr.end(), 0)

    @observes('gyr.outputs.unix.mode', 'gyr.outputs.unix.owner', 'gyr.outputs.unix.readers')
    def test_unix_socket(self):
        path = self.path('socket')
        nobody = pwd.getpwnam('nobody')
        gyr = self.idle({'gyr.outputs.unix.enabled': True, 'gyr.outputs.unix.path': path, 'gyr.outputs.unix.mode': '0640',
                         'gyr.outputs.unix.owner': 'nobody:1', 'gyr.outputs.unix.readers': 1})
        about = os.stat(path)
        self.assertEqual((about.st_uid, about.st_gid, stat.S_IMODE(about.st_mode)), (nobody.pw_uid, 1, 0o640))
        first = UnixReader(path)
        wait_for(lambda: first.lines, 'an alert')
        second = UnixReader(path)
        second.thread.join(60)
        self.assertEqual(second.lines, [])
        had = len(first.lines)
        wait_for(lambda: len(first.lines) > had, 'an alert for the first reader')
        self.assertIn('there are 1 readers, more are refused', gyr.said())
        self.assertEqual(gyr.end(), 0)

    @observes('gyr.outputs.unix.reader_kb')
    def test_slow_readers_of_the_unix_socket(self):
        runs = [self.idle({'gyr.outputs.unix.enabled': True, 'gyr.outputs.unix.path': self.path(f'socket{size}'),
                           'gyr.outputs.unix.reader_kb': size}, alert_bytes=240_000) for size in (1, 1048576)]
        for size in (1, 1048576):
            reader = socket.socket(socket.AF_UNIX)
            self.addCleanup(reader.close)
            reader.connect(self.path(f'socket{size}'))
        hasty, patient = runs
        told = 'a reader was too slow and is dropped'
        wait_for(lambda: told in hasty.said(), 'the end of a reader')
        before = patient.counters()['unix']['sent']
        patient.await_all(['unix'], 'sent', before + 8)  # more than the default takes
        self.assertNotIn(told, patient.said())

    @observes('program_output.keep_alive')
    def test_program_is_started_once_or_for_each_alert(self):
        for value in (True, False):
            starts = self.path(f'starts{value}')
            gyr = self.idle({'program_output.enabled': True, 'program_output.keep_alive': value,
                             'program_output.program': f'echo $$ >> {starts}; cat > /dev/null'})
            gyr.await_all(['program'], 'sent', 3)
            self.assertEqual(self.text(starts).count('\n') == 1, value)
            self.assertEqual(gyr.end(), 0)

    @observes('http_output.keep_alive')
    def test_tcp_keepalive(self):
        """The kernel keeps a timer for each such connection, 2 in /proc/net/tcp."""
        for value in (True, False):
            with Server() as server:
                gyr = self.idle({'http_output.enabled': True, 'http_output.url': server.url, 'http_output.keep_alive': value})
                gyr.await_all(['http'], 'sent', 1)
                wait_for(lambda: self.timers(server.port) in ({'02'}, {'00'}), 'a connection without another timer')
                self.assertEqual(self.timers(server.port), {'02'} if value else {'00'})
                self.assertEqual(gyr.end(), 0)

    @staticmethod
    def timers(port):
        with open('/proc/net/tcp', encoding='ascii') as file:
            rows = [line.split() for line in file][1:]
        return {row[5].split(':')[0] for row in rows if row[2].endswith(f':{port:04X}') and row[3] == '01'}

    @observes('gyr.outputs.http.batch_alerts', 'gyr.outputs.http.batch_wait_ms', 'gyr.outputs.otlp.batch_alerts',
              'gyr.outputs.otlp.batch_wait_ms')
    def test_batches(self):
        """Three in each request, though one would come each tenth of a second."""
        with Server() as http, Server() as otlp:
            gyr = self.idle({'http_output.enabled': True, 'http_output.url': http.url, 'gyr.outputs.http.batch_alerts': 3,
                             'gyr.outputs.http.batch_wait_ms': 60000, 'gyr.outputs.otlp.enabled': True,
                             'gyr.outputs.otlp.url': otlp.url, 'gyr.outputs.otlp.batch_alerts': 3,
                             'gyr.outputs.otlp.batch_wait_ms': 60000})
            gyr.await_all(['http', 'otlp'], 'sent', 6)
            for number in range(2):
                self.assertEqual(len(json.loads(http.seen[number][1])), 3)
                records = json.loads(otlp.seen[number][1])['resourceLogs'][0]['scopeLogs'][0]['logRecords']
                self.assertEqual(len(records), 3)
            self.assertEqual(gyr.end(), 0)


if __name__ == '__main__':
    need_namespaces('a /dev of its own needs root')
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
