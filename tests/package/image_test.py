#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The container image: made from scratch, always the same, replays, and detects what happens on the host with the
capabilities and folders of the DaemonSet.

usage: image_test.py GYR
Needs root and podman; images and containers are kept in a folder of their own.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest

try:
    import yaml
except ImportError:
    yaml = None

FOLDER = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent / 'integration'))
from common import ROOT, conformance_or_none, fastest, skip  # noqa: E402

ROOT = pathlib.Path(ROOT)
START_S = 60
# Where gyr's own process may not raise limits (no CAP_SYS_RESOURCE), podman must not try.
PODMAN = '''[engine]
runtime="runc"
[containers]
default_ulimits=["nofile=16384:16384","nproc=4096:4096"]
'''
PROGRAM = ''


class Image(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix='gyr-image-', dir='/var/tmp'))
        cls.addClassCleanup(cls.clean)
        (cls.folder / 'containers.conf').write_text(PODMAN, encoding='utf-8')
        made = subprocess.run([ROOT / 'tools/package', '--program', PROGRAM, '--output', cls.folder / 'made', '--version', '1.0'],
                              env=os.environ | {'SOURCE_DATE_EPOCH': '1700000000'}, capture_output=True, text=True, check=False)
        if made.returncode:
            raise AssertionError(made.stdout + made.stderr)
        cls.package = cls.folder / 'made' / 'gyr_1.0_amd64.deb'
        cls.archive = cls.folder / 'gyr.tar'
        cls.make(cls.archive)
        cls.ran = cls.podman('load', '-i', cls.archive)
        if cls.ran.returncode == 0:
            cls.ran = cls.podman('run', '--rm', 'localhost/gyr:1.0', '--version')

    @classmethod
    def make(cls, archive):
        subprocess.run([ROOT / 'tools/image', cls.package, archive], check=True, stdout=subprocess.DEVNULL)

    @classmethod
    def words(cls, *command):
        return ['podman', '--root', str(cls.folder / 'store'), '--runroot', str(cls.folder / 'run'), '--cgroup-manager=cgroupfs',
                *[str(word) for word in command]]

    @classmethod
    def environment(cls):
        return os.environ | {'CONTAINERS_CONF': str(cls.folder / 'containers.conf')}

    @classmethod
    def podman(cls, *command):
        return subprocess.run(cls.words(*command), env=cls.environment(), capture_output=True, text=True, check=False, timeout=120)

    @classmethod
    def clean(cls):
        cls.podman('rm', '-f', '-a', '-t', '5')
        cls.podman('rmi', '-f', '-a')
        subprocess.run(['umount', '-l', cls.folder / 'store/overlay'], check=False, capture_output=True)
        shutil.rmtree(cls.folder, ignore_errors=True)

    def need_containers(self):
        if self.ran.returncode:
            self.skipTest(f'podman runs no container here: {self.ran.stderr.strip()[-300:]}')

    def test_always_the_same_bytes(self):
        self.make(self.folder / 'again.tar')
        self.assertEqual(self.archive.read_bytes(), (self.folder / 'again.tar').read_bytes())

    def test_nothing_but_gyr_in_it(self):
        with tarfile.open(self.archive) as outer:
            layer = next(name for name in outer.getnames() if name.endswith('.tar'))
            with tarfile.open(fileobj=outer.extractfile(layer)) as inner:
                names = {entry.name for entry in inner if entry.isfile()}
        programs = {name for name in names if name.startswith('usr/bin/')}
        self.assertEqual(programs, {'usr/bin/gyr'})
        self.assertLessEqual({'etc/gyr/gyr.yaml', 'etc/gyr/gyr_rules.yaml', 'usr/share/doc/gyr/gyr.spdx.json'}, names)
        self.assertFalse([name for name in names if not name.startswith(('usr/bin/', 'usr/lib', 'etc/', 'usr/share/doc/gyr/'))])

    def test_runs_and_replays(self):
        self.need_containers()
        self.assertIn('1', self.ran.stdout)
        done = self.podman('run', '--rm', '--network=none', '--cap-drop=all', '--read-only', 'localhost/gyr:1.0', '--dry-run')
        self.assertEqual(done.returncode, 0, done.stderr)
        data = conformance_or_none()
        if data is None:
            self.skipTest('no conformance data beside the checkout; set GYR_CONFORMANCE')
        captures = sorted(pathlib.Path(data).rglob('*.scap'), key=os.path.getsize)
        command = ('-c', '/etc/gyr/gyr.yaml', '-e')
        outside = subprocess.run([PROGRAM, '-r', ROOT / 'rules/gyr_rules.yaml', '-e', captures[-1]], capture_output=True,
                                 text=True, check=False).stdout
        inside = self.podman('run', '--rm', '--network=none', '--cap-drop=all', '--cap-add=DAC_READ_SEARCH', '--read-only', '-v',
                             f'{captures[-1]}:/replay.scap:ro', 'localhost/gyr:1.0', *command, '/replay.scap')
        self.assertEqual((inside.returncode, inside.stdout), (0, outside), inside.stderr)

    def test_has_the_libraries_that_are_loaded_when_asked_for(self):
        """Each start fails for the file that it is given, not for a library."""
        self.need_containers()
        cases = {'webserver.ssl_certificate: cannot read a certificate from /no.pem':
                 ['webserver.enabled=true', 'webserver.ssl_enabled=true', 'webserver.ssl_certificate=/no.pem'],
                 'ca_cert /no.pem': ['http_output.enabled=true', 'http_output.url=https://x/', 'http_output.ca_cert=/no.pem']}
        for said, options in cases.items():
            words = [word for option in ('engine.kind=nodriver', *options) for word in ('-o', option)]
            done = self.podman('run', '--rm', '--network=none', '--cap-drop=all', '--read-only', 'localhost/gyr:1.0', *words)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(said, done.stderr)

    def test_detects_as_the_daemonset_runs_it(self):
        """An act outside the container, with the capabilities and the host's folders of deploy/kubernetes."""
        self.need_containers()
        text = (ROOT / 'deploy/kubernetes/base/daemonset.yaml').read_text(encoding='utf-8')
        pod = yaml.safe_load(text)['spec']['template']['spec']
        container = pod['containers'][0]
        host = {volume['name']: volume['hostPath']['path'] for volume in pod['volumes'] if 'hostPath' in volume}
        mounts = [word for mount in container['volumeMounts'] if mount['name'] in host
                  for word in ('-v', f'{host[mount["name"]]}:{mount["mountPath"]}:ro')]
        base = ROOT / 'deploy/kubernetes/base'
        mounts += ['-v', f'{base}/config:/config:ro', '-v', f'{base}/rules:/rules:ro', '--tmpfs', '/var/lib/gyr']
        added = [f'--cap-add={name}' for name in container['securityContext']['capabilities']['add']]
        command = self.words('run', '--rm', '--name=gyr-test', '--network=none', '--read-only', '--cap-drop=all', *added,
                             '--security-opt=seccomp=unconfined', '--security-opt=apparmor=unconfined',
                             '--security-opt=no-new-privileges', *mounts, 'localhost/gyr:1.0', *container['args'])
        log = self.folder / 'live'
        with open(log, 'wb') as file:
            gyr = subprocess.Popen(command, env=self.environment(), stdout=file, stderr=subprocess.STDOUT)
        self.addCleanup(gyr.wait)
        self.addCleanup(self.podman, 'kill', 'gyr-test')
        self.assertTrue(self.seen(log, 'watching this host', gyr), log.read_text())
        subprocess.run(['cat', '/etc/shadow'], check=True, stdout=subprocess.DEVNULL)
        self.assertTrue(self.seen(log, 'Account secret /etc/shadow read by cat', gyr), log.read_text())
        self.assertRegex(log.read_text(), r'read by cat .*parent=python3.* container=host')
        pid = self.podman('inspect', '-f', '{{.State.Pid}}', 'gyr-test').stdout.strip()
        port = container['ports'][0]['containerPort']
        for path in [container[probe]['httpGet']['path'] for probe in ('livenessProbe', 'readinessProbe')] + ['/metrics']:
            ask = f'import urllib.request; print(urllib.request.urlopen("http://127.0.0.1:{port}{path}", timeout=10).status)'
            done = subprocess.run(['nsenter', '-n', '-t', pid, sys.executable, '-c', ask], capture_output=True, text=True, check=False)
            self.assertEqual(done.stdout.strip(), '200', done.stderr)

    @staticmethod
    def seen(log, words, process):
        end = time.monotonic() + START_S
        while time.monotonic() < end and process.poll() is None:
            if words in log.read_text(encoding='utf-8', errors='replace'):
                return True
            time.sleep(0.1)
        return words in log.read_text(encoding='utf-8', errors='replace')


if __name__ == '__main__':
    if yaml is None:
        skip('the module yaml of python is missing: tools/install-packages packages-deploy.txt')
    PROGRAM = fastest(os.path.abspath(sys.argv.pop(1)))
    if os.geteuid() != 0:
        skip('containers are run by root')
    for tool in ('dh', 'podman', 'runc'):
        if not shutil.which(tool):
            skip(f'{tool} is missing: tools/install-packages packages-deploy.txt')
    unittest.main(verbosity=1)
