#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Real containers: what live detection knows about them at their first program, however soon they end.

usage: container_test.py GYR [GRPC_CALL]
Needs root, eBPF, runc and a static busybox; ends with status 77 (skipped) and a reason where they are missing. Each test
starts its own containers and looks only at them.
"""
import hashlib
import http.server
import io
import json
import os
import re
import shutil
import signal
import socket as socketlib
import socketserver
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import unittest

from common import skip

GYR = ''
GRPC_CALL = ''  # speaks to a real runtime; without it pods of containerd are skipped
FIELDS = ('container.id container.full_id container.name container.type container.image.repository container.privileged '
          'container.mount.dest[/etc] container.mount.rdwr[/etc] container.host_network container.host_pid '
          'container.label[gyrtest] container.image.digest container.image.id k8s.pod.labels k8s.pod.name k8s.ns.name proc.exepath evt.type')
RULES = f'''- rule: program in a container of the test
  desc: by the test
  condition: evt.type in (execve, execveat) and evt.failed = false and thread.cgroups contains "gyrtest" and
    proc.name = busybox
  output: "{' '.join('%' + name for name in FIELDS.split())}"
  priority: INFO
- rule: known container
  desc: by the test
  condition: evt.type in (execve, execveat) and container.name startswith gyrtest and container.mount.dest[/etc] = /host-etc
  output: "%proc.name in %container.name"
  priority: WARNING
'''


def config(program, cgroup, annotations):
    return {
        'ociVersion': '1.0.2',
        'process': {'terminal': False, 'user': {'uid': 0, 'gid': 0}, 'args': program, 'env': ['PATH=/'], 'cwd': '/',
                    'capabilities': {'bounding': ['CAP_KILL'], 'permitted': ['CAP_KILL'], 'effective': ['CAP_KILL']}},
        'root': {'path': 'rootfs', 'readonly': False},
        'mounts': [{'destination': '/proc', 'type': 'proc', 'source': 'proc'},
                   {'destination': '/host-etc', 'type': 'bind', 'source': '/etc', 'options': ['rbind', 'ro']}],
        'annotations': annotations,
        'linux': {'cgroupsPath': cgroup, 'namespaces': [{'type': kind} for kind in ('pid', 'network', 'ipc', 'uts', 'mount')]},
    }


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='gyrtest')
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.rules = os.path.join(self.folder, 'rules.yaml')
        with open(self.rules, 'w', encoding='utf-8') as file:
            file.write(RULES)

    def bundle(self, where, program, cgroup, annotations=None):
        root = os.path.join(where, 'rootfs')
        os.makedirs(os.path.join(root, 'host-etc'))
        shutil.copy(shutil.which('busybox'), os.path.join(root, 'busybox'))
        with open(os.path.join(where, 'config.json'), 'w', encoding='utf-8') as file:
            json.dump(config(program, cgroup, annotations or {}), file)

    def watch(self, *more):
        """Detection that runs; end(it) gives its alerts."""
        self.out = os.path.join(self.folder, 'alerts')
        self.err = os.path.join(self.folder, 'log')
        command = [GYR, *self.options(), *more]
        with open(self.out, 'wb') as out, open(self.err, 'wb') as err:
            process = subprocess.Popen(command, stdout=out, stderr=err)
        self.addCleanup(process.kill)
        for _ in range(200):
            with open(self.err, encoding='utf-8', errors='replace') as file:
                if 'watching this host' in file.read() + self.said():
                    return process
            self.assertIsNone(process.poll(), self.log())
            time.sleep(0.05)
        self.fail('it does not start: ' + self.log())

    configuration = None

    def options(self):
        which = ['-c', self.configuration, '-o', 'stdout_output.enabled=true'] if self.configuration else []
        return [*which, '-r', self.rules, '-o', 'json_output=true', '-o', 'rule_matching=all']

    def ask_at(self, **sockets):
        """Lets gyr ask these APIs and no others."""
        engines = {name: {'enabled': name in sockets, 'sockets': [sockets.get(name, '/nowhere')]}
                   for name in ('docker', 'podman', 'containerd', 'cri')}
        self.configuration = os.path.join(self.folder, 'gyr.yaml')
        with open(self.configuration, 'w', encoding='utf-8') as file:
            json.dump({'plugins': [{'name': 'container', 'library_path': 'libcontainer.so',
                                    'init_config': {'engines': engines}}]}, file)

    def said(self):
        with open(self.out, encoding='utf-8', errors='replace') as file:
            return file.read()

    def log(self):
        with open(self.err, encoding='utf-8', errors='replace') as file:
            return file.read()

    def end(self, process):
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(60), 0, self.log())
        return self.alerts(self.said())

    def replayed(self, record):
        done = subprocess.run([GYR, *self.options(), '-o', 'engine.kind=replay', '-o', f'engine.replay.capture_file={record}'],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.alerts(done.stdout)

    @staticmethod
    def alerts(text):
        lines = [json.loads(line) for line in text.splitlines() if line.startswith('{')]
        return [(line['rule'], line['output'].split(' ', 2)[-1], line['output_fields']) for line in lines]

    def run_container(self, bundle, name):
        done = subprocess.run(['runc', 'run', '--no-new-keyring', '--bundle', bundle, name], capture_output=True,
                              text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)


class Containers(Case):
    def test_is_known_at_its_first_program_however_soon_it_ends(self):
        process = self.watch()
        for number in range(5):
            bundle = os.path.join(self.folder, f'bundle{number}')
            self.bundle(bundle, ['/busybox', 'true'], f'/gyrtest/gyrtest-{number}')
            self.run_container(bundle, f'gyrtest-{number}')
        alerts = self.end(process)
        self.assertEqual(len([a for a in alerts if a[0] == 'known container' and a[1].startswith('busybox')]), 5, alerts)
        seen = [fields for rule, _, fields in alerts if rule.startswith('program')]
        self.assertEqual(len(seen), 5, alerts)
        for number, fields in enumerate(seen):
            self.assertEqual(fields['container.full_id'], f'gyrtest-{number}')
            self.assertEqual(fields['container.name'], f'gyrtest-{number}')
            self.assertEqual(fields['container.id'], f'gyrtest-{number}'[:12])
            self.assertEqual(fields['container.privileged'], False)
            self.assertEqual(fields['container.mount.dest[/etc]'], '/host-etc')
            self.assertEqual(fields['container.mount.rdwr[/etc]'], 'false')
            self.assertEqual(fields['container.host_network'], False)
            self.assertEqual(fields['proc.exepath'], '/busybox')

    def test_a_pod_is_known_by_its_bundle(self):
        """What containerd does for Kubernetes: its place of bundles, its annotations and its control groups."""
        full_id = '5e' * 32
        space = '/run/containerd/io.containerd.runtime.v2.task/k8s.io'
        bundle = f'{space}/{full_id}'
        if os.path.exists(bundle):
            self.skipTest(f'{bundle} is there')
        self.addCleanup(shutil.rmtree, bundle)
        note = 'io.kubernetes.cri.'
        self.bundle(bundle, ['/busybox', 'true'],
                    f'/gyrtest.slice/kubepods-burstable-pod1.slice/cri-containerd-{full_id}.scope',
                    {note + 'container-type': 'container', note + 'container-name': 'gyrtest-cart',
                     note + 'sandbox-name': 'shop-0', note + 'sandbox-namespace': 'prod', note + 'sandbox-uid': '1-2-3',
                     note + 'image-name': 'r.example/cart:v2'})
        process = self.watch()
        self.run_container(bundle, full_id)
        seen = [fields for rule, _, fields in self.end(process) if rule.startswith('program')]
        self.assertEqual(len(seen), 1, self.log())
        fields = seen[0]
        self.assertEqual(fields['container.id'], full_id[:12])
        self.assertEqual(fields['container.name'], 'gyrtest-cart')
        self.assertEqual(fields['container.type'], 'containerd')
        self.assertEqual(fields['container.image.repository'], 'r.example/cart')
        self.assertEqual((fields['k8s.ns.name'], fields['k8s.pod.name']), ('prod', 'shop-0'))

    def test_one_that_runs_already_is_known_from_the_start(self):
        bundle = os.path.join(self.folder, 'bundle')
        self.bundle(bundle, ['/busybox', 'sh', '-c', 'while ! /busybox test -e /go; do /busybox sleep 0.1; done'],
                    '/gyrtest/gyrtest-old')
        container = subprocess.Popen(['runc', 'run', '--no-new-keyring', '--bundle', bundle, 'gyrtest-old'],
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(container.kill)
        time.sleep(1)
        process = self.watch()
        time.sleep(0.5)
        with open(os.path.join(bundle, 'rootfs', 'go'), 'w', encoding='utf-8'):
            pass
        self.assertEqual(container.wait(30), 0)
        seen = [fields for rule, _, fields in self.end(process) if rule.startswith('program')]
        self.assertGreater(len(seen), 1)
        self.assertEqual({fields['container.name'] for fields in seen}, {'gyrtest-old'})

    def test_a_recording_replays_to_the_same_alerts(self):
        record = os.path.join(self.folder, 'run.scap')
        bundle = os.path.join(self.folder, 'bundle')
        self.bundle(bundle, ['/busybox', 'true'], '/gyrtest/gyrtest-rec')
        process = self.watch('-o', f'gyr.record.file={record}')
        self.run_container(bundle, 'gyrtest-rec')
        live = self.end(process)
        self.assertTrue([a for a in live if a[0] == 'known container'], live)
        shutil.rmtree(bundle)
        self.assertEqual(self.replayed(record), live)

    def test_a_capture_on_alert_replays_to_the_same_alert(self):
        """Of a container that was found long before the file begins, and of one that begins in it."""
        old = os.path.join(self.folder, 'old')
        self.bundle(old, ['/busybox', 'sh', '-c', 'while ! /busybox test -e /go; do read -t 0.2 x; done; /busybox true'],
                    '/gyrtest/gyrtest-old')
        new = os.path.join(self.folder, 'new')
        self.bundle(new, ['/busybox', 'true'], '/gyrtest/gyrtest-new')
        with open(self.rules, 'a', encoding='utf-8') as file:
            file.write('- rule: capturing\n  desc: by the test\n  priority: INFO\n  capture: true\n'
                       '  condition: evt.type in (execve, execveat) and proc.cmdline = "busybox true" and '
                       'container.name startswith gyrtest\n'
                       f"  output: \"{' '.join('%' + name for name in FIELDS.split())} %proc.pname %proc.env %user.name\"\n")
        process = self.watch('-o', 'capture.enabled=true', '-o', f'capture.path_prefix={self.folder}/capture',
                             '-o', 'gyr.capture.before_seconds=1', '-o', 'capture.default_duration=300')
        container = subprocess.Popen(['runc', 'run', '--no-new-keyring', '--bundle', old, 'gyrtest-old'],
                                     stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(container.kill)
        time.sleep(4)
        with open(os.path.join(old, 'rootfs', 'go'), 'w', encoding='utf-8'):
            pass
        self.assertEqual(container.wait(30), 0)
        time.sleep(3)
        self.run_container(new, 'gyrtest-new')
        live = self.end(process)
        for bundle in (old, new):
            shutil.rmtree(bundle)
        files = sorted(entry for entry in os.listdir(self.folder) if entry.startswith('capture_'))
        wanted = [alert for alert in live if alert[0] == 'capturing']
        self.assertEqual([fields['container.name'] for _, _, fields in wanted], ['gyrtest-old', 'gyrtest-new'], self.log())
        self.assertEqual(len(files), 2, self.log())
        for entry, alert in zip(files, wanted):
            again = [other for other in self.replayed(os.path.join(self.folder, entry)) if other[0] == 'capturing']
            self.assertEqual(again, [alert])


class Docker(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """As much of docker's API as is asked for."""
    daemon_threads = True

    def __init__(self, path, answers):
        self.answers = answers
        super().__init__(path, DockerAnswer)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class DockerAnswer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        answer = self.server.answers.get(self.path)
        self.send_response(200 if answer else 404)
        self.end_headers()
        self.wfile.write(json.dumps(answer or {}).encode())

    def log_message(self, *_):
        pass


class Api(Case):
    """What no file tells, from a runtime's API."""
    ID = 'ab' * 32

    def start(self, name, program):
        """A container whose control group has the id that a runtime gave, and whose bundle nobody finds by it."""
        bundle = os.path.join(self.folder, name)
        self.bundle(bundle, ['/busybox', 'sh', '-c', program], f'/gyrtest/{self.ID}')
        self.run_container(bundle, name)

    def test_later_programs_have_what_dockers_api_told(self):
        socket = os.path.join(self.folder, 'docker.sock')
        server = Docker(socket, {
            f'/containers/{self.ID}/json': {
                'Id': self.ID, 'Name': '/gyrtest-api', 'Image': 'sha256:' + '5' * 64,
                'Config': {'Image': 'r.example/box:v3', 'Labels': {'gyrtest': 'front'}}, 'HostConfig': {'Privileged': True}}})
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.ask_at(docker=socket)
        record = os.path.join(self.folder, 'run.scap')
        process = self.watch('-o', f'gyr.record.file={record}')
        self.start('gyrtest-api', '/busybox sleep 1.5; /busybox true')
        alerts = self.end(process)
        seen = [fields for rule, _, fields in alerts if rule.startswith('program')]
        self.assertEqual(len(seen), 3, self.log())
        self.assertIn(seen[0]['container.name'], (None, 'gyrtest-api'))  # the answer may have been faster
        self.assertEqual({fields['container.id'] for fields in seen}, {self.ID[:12]})
        last = seen[-1]
        self.assertEqual((last['container.name'], last['container.type']), ('gyrtest-api', 'docker'), self.log())
        self.assertEqual(last['container.image.repository'], 'r.example/box')
        self.assertEqual(last['container.label[gyrtest]'], 'front')
        self.assertIs(last['container.privileged'], True)
        self.assertEqual(self.replayed(record), alerts)

    def test_a_socket_that_hangs_holds_up_nobody(self):
        path = os.path.join(self.folder, 'docker.sock')
        with socketlib.socket(socketlib.AF_UNIX) as silent:
            silent.bind(path)
            silent.listen(1)
            self.ask_at(docker=path)
            process = self.watch()
            started = time.monotonic()
            self.start('gyrtest-hang', '/busybox true; /busybox true')
            self.assertLess(time.monotonic() - started, 5)
            time.sleep(8)
            seen = [fields for rule, _, fields in self.end(process) if rule.startswith('program')]
        self.assertEqual(len(seen), 3, self.log())
        self.assertRegex(self.log(), 'name: ([0-9a-z_ ]+, )?[0-9]+ api_timeout')

    def test_a_faulty_configuration_is_an_error(self):
        self.ask_at()
        with open(self.configuration, encoding='utf-8') as file:
            text = file.read()
        with open(self.configuration, 'w', encoding='utf-8') as file:
            file.write(text.replace('"/nowhere"', '"nowhere"'))
        done = subprocess.run([GYR, *self.options(), '-M', '1'], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("init_config of the plugin 'container': engines.docker.sockets: each is an absolute path", done.stderr)


class Podman(Case):
    """The same with podman, where it is there: its files are as the finder takes them to be."""

    def setUp(self):
        super().setUp()
        if not shutil.which('podman'):
            self.skipTest('podman is not installed')
        settings = os.path.join(self.folder, 'containers.conf')
        with open(settings, 'w', encoding='utf-8') as file:
            file.write('[containers]\ndefault_ulimits = ["nofile=20000:20000", "nproc=10000:10000"]\n'
                       '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n')
        self.environment = {**os.environ, 'CONTAINERS_CONF': settings}
        root = os.path.join(self.folder, 'image')
        os.makedirs(os.path.join(root, 'bin'))
        shutil.copy(shutil.which('busybox'), root)
        archive = os.path.join(self.folder, 'image.tar')
        subprocess.run(['tar', '-C', root, '-cf', archive, '.'], check=True)
        done = self.podman('import', archive, 'localhost/gyrtest/box:v3')
        if done.returncode != 0:
            self.skipTest('podman does not work here: ' + done.stderr.strip()[-200:])
        self.addCleanup(self.podman, 'rmi', '-f', 'localhost/gyrtest/box:v3')

    def podman(self, *arguments):
        return subprocess.run(['podman', *arguments], capture_output=True, text=True, timeout=120, check=False,
                              env=self.environment)

    def test_labels_come_from_its_api(self):
        socket = os.path.join(self.folder, 'podman.sock')
        service = subprocess.Popen(['podman', 'system', 'service', '--time', '0', 'unix://' + socket], env=self.environment,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(service.wait)
        self.addCleanup(service.terminate)
        for _ in range(100):
            if os.path.exists(socket):
                break
            time.sleep(0.1)
        self.ask_at(podman=socket)
        process = self.watch()
        done = self.podman('run', '--rm', '--replace', '--cgroup-parent', '/gyrtest', '--name', 'gyrtest-labels', '--label', 'gyrtest=front',
                           'localhost/gyrtest/box:v3', '/busybox', 'sh', '-c', '/busybox sleep 2; /busybox true')
        if done.returncode != 0:
            self.skipTest('podman runs no container here: ' + done.stderr.strip()[-200:])
        seen = [fields for rule, _, fields in self.end(process) if rule.startswith('program')]
        self.assertEqual(len(seen), 3, self.log())
        self.assertEqual({fields['container.name'] for fields in seen}, {'gyrtest-labels'})
        self.assertEqual(seen[-1]['container.label[gyrtest]'], 'front', self.log())

    def test_podman(self):
        process = self.watch()
        run = ('run', '--rm', '--replace', '--cgroup-parent', '/gyrtest', '-v', '/etc:/host-etc:ro')
        done = self.podman(*run, '--name', 'gyrtest-one', 'localhost/gyrtest/box:v3', '/busybox', 'true')
        if done.returncode != 0:
            self.skipTest('podman runs no container here: ' + done.stderr.strip()[-200:])
        done = self.podman(*run, '--name', 'gyrtest-two', '--privileged', '--network', 'host', 'localhost/gyrtest/box:v3',
                           '/busybox', 'sh', '-c', '/busybox sleep 0.5; /busybox true')
        self.assertEqual(done.returncode, 0, done.stderr)
        seen = [fields for rule, _, fields in self.end(process) if rule.startswith('program')]
        self.assertGreaterEqual(len(seen), 3, self.log())
        self.assertEqual({fields['container.name'] for fields in seen}, {'gyrtest-one', 'gyrtest-two'})
        for fields in seen:
            two = fields['container.name'] == 'gyrtest-two'
            self.assertEqual(fields['container.type'], 'podman')
            self.assertEqual(fields['container.image.repository'], 'localhost/gyrtest/box')
            self.assertEqual((fields['container.privileged'], fields['container.host_network']), (two, two))
            self.assertEqual(fields['container.mount.dest[/etc]'], '/host-etc')


class Containerd(Case):
    """A real containerd of our own with ctr, where they are there: labels and digest come from its API."""
    IMAGE = 'localhost/gyrtest/box:v4'

    def setUp(self):
        super().setUp()
        for program in ('containerd', 'ctr'):
            if not shutil.which(program):
                self.skipTest(f'{program} is not installed')
        self.socket = os.path.join(self.folder, 'c.sock')
        self.space = 'gyrtest'
        settings = os.path.join(self.folder, 'containerd.toml')
        with open(settings, 'w', encoding='utf-8') as file:
            file.write(f'version = 2\nroot = "{self.folder}/root"\nstate = "{self.folder}/state"\n'
                       f'[grpc]\naddress = "{self.socket}"\n[plugins."io.containerd.grpc.v1.cri"]\n'
                       f'sandbox_image = "{self.IMAGE}"\nrestrict_oom_score_adj = true\ndisable_apparmor = true\n')
        log = open(os.path.join(self.folder, 'containerd.log'), 'wb')  # pylint: disable=consider-using-with
        self.addCleanup(log.close)
        daemon = subprocess.Popen(['containerd', '-c', settings], stdout=log, stderr=log)
        self.addCleanup(daemon.wait)
        self.addCleanup(daemon.terminate)
        for _ in range(200):
            if os.path.exists(self.socket) and self.ctr('version').returncode == 0:
                break
            time.sleep(0.1)
        else:
            self.skipTest('containerd does not start here')
        done = self.ctr('image', 'import', self.image())
        if done.returncode != 0:
            self.skipTest('containerd takes no image here: ' + done.stderr.strip()[-200:])

    def ctr(self, *arguments):
        return subprocess.run(['ctr', '--address', self.socket, '--namespace', self.space, *arguments], capture_output=True, text=True,
                              timeout=120, check=False)

    def image(self):
        """An archive as docker saves it, with busybox alone."""
        archive = os.path.join(self.folder, 'image.tar')
        with open(shutil.which('busybox'), 'rb') as file:
            busybox = file.read()

        def add(tar, name, data, mode=0o644):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), mode
            tar.addfile(entry, io.BytesIO(data))
        layer = io.BytesIO()
        with tarfile.open(fileobj=layer, mode='w') as tar:
            add(tar, 'busybox', busybox, 0o755)
        digest = hashlib.sha256(layer.getvalue()).hexdigest()
        about = json.dumps({'architecture': {'x86_64': 'amd64', 'aarch64': 'arm64'}.get(os.uname().machine, os.uname().machine),
                            'os': 'linux', 'config': {'Cmd': ['/busybox', 'sleep', '100']}, 'rootfs': {'type': 'layers', 'diff_ids': ['sha256:' + digest]}}).encode()
        self.image_id = hashlib.sha256(about).hexdigest()
        manifest = [{'Config': 'config.json', 'RepoTags': [self.IMAGE], 'Layers': ['layer.tar']}]
        with tarfile.open(archive, 'w') as tar:
            add(tar, 'config.json', about)
            add(tar, 'layer.tar', layer.getvalue())
            add(tar, 'manifest.json', json.dumps(manifest).encode())
        return archive

    def test_what_ctr_runs(self):
        self.ask_at(containerd=self.socket)
        process = self.watch()
        done = self.ctr('run', '--rm', '--label', 'gyrtest=back', self.IMAGE, 'gyrtest-ctr', '/busybox', 'sh', '-c',
                        '/busybox sleep 1.5; /busybox true')
        if done.returncode != 0:
            self.skipTest('containerd runs no container here: ' + done.stderr.strip()[-200:])
        digest = re.search('sha256:[0-9a-f]{64}', self.ctr('image', 'ls').stdout).group(0)
        seen = [fields for rule, _, fields in self.end(process) if rule.startswith('program')]
        self.assertEqual(len(seen), 3, self.log())
        last = seen[-1]
        self.assertEqual(last['container.full_id'], 'gyrtest-ctr')
        self.assertEqual(last['container.type'], 'containerd', self.log())
        self.assertEqual(last['container.image.repository'], 'localhost/gyrtest/box')
        self.assertEqual(last['container.image.digest'], digest)
        self.assertEqual(last['container.label[gyrtest]'], 'back')

    def call(self, method, message):
        done = subprocess.run([GRPC_CALL, self.socket, '/runtime.v1.' + method], input=message, capture_output=True, timeout=90,
                              check=False)
        if done.returncode != 0:
            with open(os.path.join(self.folder, 'containerd.log'), encoding='utf-8', errors='replace') as log:
                errors = [line for line in log.read().splitlines() if 'level=error' in line]
            self.skipTest(f'no pod can be made here: {done.stderr.decode().strip()}; {errors[-1:]}')
        return done.stdout

    def test_a_pod_as_the_kubelet_makes_it(self):
        """The numbers of the fields are those that a real runtime knows."""
        if not GRPC_CALL:
            self.skipTest('no gyr_grpc_call is named')
        self.space = 'k8s.io'
        self.assertEqual(self.ctr('image', 'import', self.image()).returncode, 0)
        digest = re.search('sha256:[0-9a-f]{64}', self.ctr('image', 'ls').stdout).group(0)

        def field(number, data):
            data = data.encode() if isinstance(data, str) else data
            size, length = len(data), b''
            while size >= 0x80:
                length += bytes([size & 0x7F | 0x80])
                size >>= 7
            return bytes([number << 3 | 2]) + length + bytes([size]) + data

        def label(name, value):
            return field(1, name) + field(2, value)
        host_network = field(2, field(1, b'\x08\x02'))  # so that no network plugin is needed
        pod = (field(1, field(1, 'shop-0') + field(2, '1-2-3') + field(3, 'prod')) + field(6, label('app', 'shop')) +
               field(6, label('io.kubernetes.pod.name', 'shop-0')) + field(8, field(1, '/gyrtest') + host_network))
        self.ask_at(cri=self.socket)
        process = self.watch()
        sandbox = self.call('RuntimeService/RunPodSandbox', field(1, pod))[2:].decode()
        self.addCleanup(self.call, 'RuntimeService/RemovePodSandbox', field(1, sandbox))
        self.addCleanup(self.call, 'RuntimeService/StopPodSandbox', field(1, sandbox))
        command = b''.join(field(3, word) for word in ('/busybox', 'sh', '-c', '/busybox sleep 2; /busybox true'))
        container = (field(1, field(1, 'gyrtest-cart')) + field(2, field(1, self.IMAGE)) + command + field(9, label('gyrtest', 'pod')) +
                     field(15, field(2, b'')))
        made = self.call('RuntimeService/CreateContainer', field(1, sandbox) + field(2, container) + field(3, pod))[2:].decode()
        self.call('RuntimeService/StartContainer', field(1, made))
        time.sleep(3)
        seen = [fields for rule, _, fields in self.end(process) if rule.startswith('program')]
        last = [fields for fields in seen if fields['container.full_id'] == made][-1]
        self.assertEqual(last['container.name'], 'gyrtest-cart', self.log())
        self.assertEqual((last['k8s.pod.name'], last['k8s.ns.name']), ('shop-0', 'prod'))
        self.assertIn('app:shop', last['k8s.pod.labels'])
        self.assertEqual(last['container.image.id'], self.image_id)
        self.assertIn(last['container.image.digest'], (digest, None))
        of_sandbox = [fields for fields in seen if fields['container.full_id'] == sandbox]
        self.assertEqual(of_sandbox[0]['container.name'], 'shop-0')

    def test_one_that_lives_10_ms_is_known_by_its_files(self):
        self.ask_at(containerd=self.socket)
        process = self.watch('-o', 'log_level=debug')
        done = self.ctr('run', '--rm', self.IMAGE, 'gyrtest-brief', '/busybox', 'usleep', '10000')
        if done.returncode != 0:
            self.skipTest('containerd runs no container here: ' + done.stderr.strip()[-200:])
        seen = [fields for rule, _, fields in self.end(process) if rule.startswith('program')]
        self.assertEqual([fields['container.full_id'] for fields in seen], ['gyrtest-brief'], self.log())
        self.assertIsNone(seen[0]['container.label[gyrtest]'])
        self.assertRegex(self.log(), "alert 'program in a container of the test': container gyrtest-bri[a-z]* has no .*not known: ")


class Dockerd(Case):
    """A real docker of our own, whose files are where nobody looks for them: all comes from its API."""

    def setUp(self):
        super().setUp()
        for program in ('dockerd', 'docker'):
            if not shutil.which(program):
                self.skipTest(f'{program} is not installed')
        self.socket = os.path.join(self.folder, 'd.sock')
        log = open(os.path.join(self.folder, 'dockerd.log'), 'wb')  # pylint: disable=consider-using-with
        self.addCleanup(log.close)
        daemon = subprocess.Popen(['dockerd', '--data-root', self.folder + '/root', '--exec-root', self.folder + '/exec', '--pidfile',
                                   self.folder + '/pid', '-H', 'unix://' + self.socket, '--iptables=false', '--bridge=none',
                                   '--storage-driver', 'vfs'], stdout=log, stderr=log)
        self.addCleanup(daemon.wait)
        self.addCleanup(daemon.terminate)
        for _ in range(200):
            if daemon.poll() is not None or self.docker('version').returncode == 0:
                break
            time.sleep(0.1)
        if daemon.poll() is not None:
            self.skipTest('dockerd does not start here')

    def docker(self, *arguments, **more):
        return subprocess.run(['docker', '-H', 'unix://' + self.socket, *arguments], capture_output=True, timeout=120, check=False, **more)

    def test_what_docker_runs(self):
        root = os.path.join(self.folder, 'image')
        os.makedirs(root)
        shutil.copy(shutil.which('busybox'), os.path.join(root, 'busybox'))
        archive = subprocess.run(['tar', '-C', root, '-c', '.'], check=True, capture_output=True).stdout
        made = self.docker('import', '-', 'localhost/gyrtest/box:v5', input=archive)
        if made.returncode != 0:
            self.skipTest('docker takes no image here: ' + made.stderr.decode().strip()[-200:])
        self.ask_at(docker=self.socket)
        process = self.watch()
        done = self.docker('run', '--rm', '--cgroup-parent', '/gyrtest', '--name', 'gyrtest-docker', '--label', 'gyrtest=docker',
                           'localhost/gyrtest/box:v5', '/busybox', 'sh', '-c', '/busybox sleep 2; /busybox true')
        if done.returncode != 0:
            self.skipTest('docker runs no container here: ' + done.stderr.decode().strip()[-200:])
        seen = [fields for rule, _, fields in self.end(process) if rule.startswith('program')]
        self.assertEqual(len(seen), 3, self.log())
        last = seen[-1]
        self.assertEqual((last['container.name'], last['container.type']), ('gyrtest-docker', 'docker'), self.log())
        self.assertEqual(last['container.image.repository'], 'localhost/gyrtest/box')
        self.assertEqual(last['container.image.id'], made.stdout.decode().strip().removeprefix('sha256:'))
        self.assertEqual(last['container.label[gyrtest]'], 'docker')
        self.assertIs(last['container.privileged'], False)


def why_not():
    if os.geteuid() != 0:
        return 'needs root'
    for program in ('runc', 'busybox'):
        if not shutil.which(program):
            return f'{program} is not installed'
    with open(shutil.which('busybox'), 'rb') as file:
        if b'ld-linux' in file.read(4096):
            return 'busybox is not static'
    started = subprocess.run([GYR, '-o', 'stdout_output.enabled=true', '-M', '1'], capture_output=True, text=True,
                             timeout=60, check=False)
    if started.returncode != 0:
        return 'live detection does not start: ' + (started.stderr.strip().splitlines() or ['?'])[-1]
    with tempfile.TemporaryDirectory(prefix='gyrtest') as folder:
        Case().bundle(os.path.join(folder, 'b'), ['/busybox', 'true'], '/gyrtest/gyrtest-probe')
        done = subprocess.run(['runc', 'run', '--no-new-keyring', '--bundle', os.path.join(folder, 'b'), 'gyrtest-probe'],
                              capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            return 'runc cannot run a container here: ' + (done.stderr.strip().splitlines() or ['?'])[-1]
    return ''


class InsideAPod(Case):
    """gyr as a DaemonSet runs it: a container with its own pid, mount, network and control group namespaces, three
    capabilities, and the host's /proc, /etc and /run below HOST_ROOT."""

    CAPABILITIES = ['CAP_BPF', 'CAP_PERFMON', 'CAP_SYS_PTRACE']

    def daemon_bundle(self):
        where = os.path.join(self.folder, 'daemon')
        os.makedirs(os.path.join(where, 'rootfs'))

        def bind(source, destination):
            return {'destination': destination, 'type': 'bind', 'source': source, 'options': ['rbind', 'ro']}
        mounts = [{'destination': '/proc', 'type': 'proc', 'source': 'proc'}, bind('/sys', '/sys')]
        mounts += [bind(path, path) for path in ('/usr', '/lib', '/lib64') if os.path.isdir(path)]
        mounts += [bind(path, '/host' + path) for path in ('/proc', '/etc', '/run')]
        mounts += [bind(os.path.dirname(GYR), '/gyr'), bind(self.folder, '/rules')]
        command = ['/gyr/' + os.path.basename(GYR), '-r', '/rules/rules.yaml', '-o', 'json_output=true', '-o', 'rule_matching=all',
                   '-U']
        spec = config(command, '/gyrdaemon', {})
        spec['mounts'] = mounts
        spec['process']['env'] += ['HOST_ROOT=/host']
        spec['process']['capabilities'] = {kind: self.CAPABILITIES for kind in ('bounding', 'permitted', 'effective')}
        spec['process']['noNewPrivileges'] = True
        spec['linux']['namespaces'].append({'type': 'cgroup'})
        with open(os.path.join(where, 'config.json'), 'w', encoding='utf-8') as file:
            json.dump(spec, file)
        return where

    def test_it_sees_the_host_and_its_containers(self):
        daemon = self.daemon_bundle()
        self.out = os.path.join(self.folder, 'alerts')
        self.err = os.path.join(self.folder, 'log')
        with open(self.out, 'wb') as out, open(self.err, 'wb') as err:
            process = subprocess.Popen(['runc', 'run', '--no-new-keyring', '--bundle', daemon, 'gyrdaemon'], stdout=out, stderr=err)
        self.addCleanup(subprocess.run, ['runc', 'delete', '-f', 'gyrdaemon'], check=False, capture_output=True)
        for _ in range(200):
            if 'watching this host' in self.log() + self.said():
                break
            self.assertIsNone(process.poll(), self.log())
            time.sleep(0.05)
        else:
            self.fail('it does not start: ' + self.log())
        bundle = os.path.join(self.folder, 'watched')
        self.bundle(bundle, ['/busybox', 'true'], '/gyrtest/gyrtest-pod')
        self.run_container(bundle, 'gyrtest-pod')
        alerts = self.end(process)
        self.assertIn('known container', [rule for rule, _, _ in alerts], (alerts, self.log()))
        fields = [fields for rule, _, fields in alerts if rule.startswith('program')][0]
        self.assertEqual(fields['container.full_id'], 'gyrtest-pod')
        self.assertEqual(fields['container.name'], 'gyrtest-pod')
        self.assertEqual(fields['proc.exepath'], '/busybox')


if __name__ == '__main__':
    GYR = os.path.abspath(sys.argv.pop(1))
    if len(sys.argv) > 1 and sys.argv[1].endswith('grpc_call'):
        GRPC_CALL = os.path.abspath(sys.argv.pop(1))
    if reason := why_not():
        skip(reason)
    unittest.main(verbosity=2)
