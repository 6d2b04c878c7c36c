#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How live detection starts in other surroundings, and what it says where it cannot.

usage: live_start_test.py GYR
Own mount and pid namespaces with the host's /proc below HOST_ROOT; missing capabilities, type information, /proc. Needs root
and unshare; tests that need eBPF are skipped without it.
"""
import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from common import need_namespaces, skip
from observed import observes

GYR = ''
RULES = '''- rule: marked file opened
  desc: by the test
  condition: evt.type in (open, openat) and fd.name endswith /gyr-marked
  output: "%proc.name %proc.pid %proc.ppid %proc.pname %proc.cmdline %proc.cwd %proc.exepath %user.name %fd.name %container.id"
  priority: INFO
'''
INSTEAD = 'gyr read FILE'


def unshared(script, *flags, **options):
    return subprocess.Popen(['unshare', '-m', *flags, '/bin/sh', '-ec', script], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, **options)


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        self.rules = os.path.join(self.folder, 'rules.yaml')
        with open(self.rules, 'w', encoding='utf-8') as file:
            file.write(RULES)

    def refused(self, script, *flags):
        """What gyr says when it does not start; it must end soon, with status 1 and nothing on standard output."""
        process = unshared(script.format(gyr=f'"{GYR}" -r {self.rules}', **self.paths()), *flags)
        try:
            out, err = process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            self.fail(f'it started: {out} {err}')
        self.assertEqual((process.returncode, out), (1, ''), err)
        self.assertRegex(err, '(?m)^Error: ')
        return err

    def paths(self):
        return {'host': os.path.join(self.folder, 'host'), 'rules': self.rules}


class Refusals(Case):
    def test_missing_capabilities_are_named(self):
        for dropped, named in (('-all', 'CAP_BPF and CAP_PERFMON'), ('-sys_admin,-perfmon', 'needs CAP_PERFMON'),
                               ('-sys_admin,-bpf', 'needs CAP_BPF')):
            with self.subTest(dropped):
                said = self.refused(f'exec setpriv --inh-caps=-all --bounding-set={dropped} {{gyr}}')
                self.assertIn(named, said)
                self.assertIn(INSTEAD, said)

    def test_an_ordinary_user_is_told_the_same(self):
        copy = os.path.join(self.folder, 'gyr')
        shutil.copy(GYR, copy)
        os.chmod(self.folder, 0o755)
        said = self.refused(f'exec setpriv --reuid=65534 --regid=65534 --clear-groups {copy} -r {{rules}}')
        self.assertIn('CAP_BPF and CAP_PERFMON', said)
        self.assertIn(INSTEAD, said)

    def test_missing_type_information(self):
        said = self.refused('mount -t tmpfs none /sys/kernel/btf; exec {gyr}')
        self.assertIn('CONFIG_DEBUG_INFO_BTF', said)
        self.assertIn(INSTEAD, said)

    def test_missing_proc(self):
        self.assertIn('/proc is not mounted', self.refused('mount -t tmpfs none /proc; exec {gyr}'))

    def test_host_root_without_proc(self):
        said = self.refused('mkdir -p {host}/proc; export HOST_ROOT={host}; exec {gyr}')
        self.assertIn("the host's /proc does not show this process", said)
        self.assertIn('HOST_ROOT', said)

    def test_pid_namespace_of_its_own(self):
        for fork in ('--mount-proc', '--fork'):  # with a /proc of its own, and with the one that was there
            with self.subTest(fork):
                script = 'exec {gyr}' if fork == '--mount-proc' else 'mount -t proc none /proc; exec {gyr}'
                said = self.refused(script, '--pid', '--fork', *([fork] if fork != '--fork' else []))
                self.assertIn('pid namespace of its own', said)
                self.assertIn('HOST_ROOT', said)
                self.assertIn(INSTEAD, said)

    def test_a_recording_that_cannot_start_leaves_the_file_alone(self):
        kept = os.path.join(self.folder, 'kept.scap')
        with open(kept, 'w', encoding='utf-8') as file:
            file.write('precious')
        self.refused(f'exec setpriv --inh-caps=-all --bounding-set=-all {GYR} record -w {kept} --overwrite')
        with open(kept, encoding='utf-8') as file:
            self.assertEqual(file.read(), 'precious')


class OtherNamespaces(Case):
    """gyr in namespaces of its own; the act happens outside of them."""

    def watch(self, script, *flags):
        process = unshared(script.format(gyr=f'"{GYR}" -r {self.rules} -o json_output=true -U', **self.paths()), *flags)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        log = ''
        for line in process.stderr:
            log += line
            self.log = log
            if 'watching this host' in line:
                break
        else:
            process.wait()
            if re.search(r'CAP_BPF|CAP_PERFMON|BTF|Operation not permitted|without live capture', log):
                self.skipTest('no live capture here: ' + log.strip())
            self.fail('gyr did not start: ' + log)
        self.addCleanup(process.wait)
        self.addCleanup(lambda: process.poll() is None and os.killpg(process.pid, signal.SIGKILL))
        return process

    def check(self, script, *flags):
        # Somebody who was there before, with a directory of its own, whose alert comes from the snapshot alone.
        work = os.path.join(self.folder, 'work')
        os.mkdir(work)
        os.chmod(self.folder, 0o755)
        marked = os.path.join(work, 'gyr-marked')
        with open(marked, 'w', encoding='utf-8'):
            pass
        actor = subprocess.Popen(['/bin/dash', '-c', 'cd work; read go; exec 3< gyr-marked; read more', 'an-argument'],
                                 cwd=self.folder, stdin=subprocess.PIPE, text=True,
                                 user=65534, group=65534, extra_groups=[])
        self.addCleanup(actor.wait)
        self.addCleanup(actor.stdin.close)
        os.makedirs(os.path.join(self.folder, 'host', 'etc'))
        os.makedirs(os.path.join(self.folder, 'host', 'proc'))
        with open(os.path.join(self.folder, 'host', 'etc', 'passwd'), 'w', encoding='utf-8') as file:
            file.write('root:x:0:0::/root:/bin/sh\nhostonly:x:65534:65534::/:/bin/sh\n')
        time.sleep(0.3)
        process = self.watch(script, *flags)
        alerts = []
        reader = threading.Thread(target=lambda: alerts.append(process.stdout.readline()), daemon=True)
        reader.start()
        actor.stdin.write('\n')
        actor.stdin.flush()
        reader.join(15)
        self.assertTrue(alerts and alerts[0].startswith('{'), f'no alert: {alerts}')
        fields = json.loads(alerts[0])['output_fields']
        self.assertEqual(fields['proc.pid'], actor.pid)
        self.assertEqual(fields['proc.ppid'], os.getpid())
        self.assertEqual(fields['proc.name'], 'dash')
        with open('/proc/self/comm', encoding='utf-8') as file:
            self.assertEqual(fields['proc.pname'], file.read().strip())
        self.assertRegex(fields['proc.cmdline'], r'^dash -c cd work; .* an-argument$')
        self.assertEqual(fields['proc.cwd'], work + '/')
        self.assertEqual(fields['proc.exepath'], os.path.realpath('/bin/dash'))
        # In a container its own list of users counts; outside of one, that below HOST_ROOT.
        outside = fields['container.id'] in (None, '', 'host')
        self.assertEqual(fields['user.name'], 'hostonly' if outside else pwd.getpwuid(65534).pw_name)
        self.assertEqual(fields['fd.name'], marked)
        os.killpg(process.pid, signal.SIGTERM)
        out, _ = process.communicate(timeout=30)
        self.assertIn('Events detected: 1', out)  # its own calls are none: reading the rules is not seen
        self.assertIn(process.wait(), (0, -signal.SIGTERM, 143))

    def test_own_mounts(self):
        self.check('mount --bind /proc {host}/proc; export HOST_ROOT={host}; exec {gyr}')

    def test_three_capabilities(self):
        """Root with no more than CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE."""
        self.check('mount --bind /proc {host}/proc; export HOST_ROOT={host}; '
                   'exec setpriv --inh-caps=-all --bounding-set=-all,+bpf,+perfmon,+sys_ptrace {gyr}')

    @observes('gyr.attach_mode')
    def test_three_capabilities_and_tracefs(self):
        """The same, at the tracepoints of single calls."""
        self.check('mount --bind /proc {host}/proc; mount -t tracefs none /sys/kernel/tracing; export HOST_ROOT={host}; '
                   'exec setpriv --inh-caps=-all --bounding-set=-all,+bpf,+perfmon,+sys_ptrace '
                   '{gyr} -o gyr.attach_mode=per_syscall')
        self.assertIn('calls of 32-bit programs are not seen', self.log)
        self.assertNotIn('raw takes its place', self.log)

    def test_without_tracefs_raw_takes_its_place(self):
        self.check('mount --bind /proc {host}/proc; mount -t tmpfs none /sys/kernel/tracing; '
                   'mount -t tmpfs none /sys/kernel/debug; export HOST_ROOT={host}; '
                   'exec setpriv --inh-caps=-all --bounding-set=-all,+bpf,+perfmon,+sys_ptrace '
                   '{gyr} -o gyr.attach_mode=per_syscall')
        self.assertEqual(self.log.count('attach mode per_syscall'), 1)
        self.assertIn('raw takes its place: tracefs is not mounted', self.log)

    def test_a_user_with_three_capabilities(self):
        """The same of an ordinary user, as a service has them (systemd: AmbientCapabilities)."""
        copy = os.path.join(self.folder, 'gyr')
        shutil.copy(GYR, copy)
        three = '+bpf,+perfmon,+sys_ptrace'
        self.check('mount --bind /proc {host}/proc; export HOST_ROOT={host}; chmod 644 {rules}; '
                   'exec setpriv --reuid=1 --regid=1 --clear-groups '
                   f'--inh-caps=-all,{three} --ambient-caps=-all,{three} --bounding-set=-all,{three} '
                   f'{copy} -r {{rules}} -o json_output=true -U')

    def test_own_mounts_and_processes(self):
        """A container that shares nothing but the host's /proc below HOST_ROOT."""
        self.check('mount --bind /proc {host}/proc; mount -t proc none /proc; export HOST_ROOT={host}; exec {gyr}',
                   '--pid', '--fork')


if __name__ == '__main__':
    GYR = os.path.abspath(sys.argv.pop(1))
    need_namespaces('namespaces and live capture need root')
    unittest.main(verbosity=1)
