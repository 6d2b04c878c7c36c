#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""gyr doctor says what is missing here, and its exit status is what detection then does.

usage: doctor_test.py GYR
Surroundings are made with unshare and setpriv; needs root. What needs eBPF is skipped without it.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

from common import need_namespaces, skip

GYR = ''
THREE = '-all,+bpf,+perfmon,+sys_ptrace'


class Doctor(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        os.chmod(self.folder, 0o755)

    def sh(self, script, *flags):
        return subprocess.run(['unshare', '-m', *flags, '/bin/sh', '-ec', script], stdin=subprocess.DEVNULL, text=True,
                              capture_output=True, timeout=120, check=False)

    def doctor(self, script='exec {gyr} doctor --json', *flags):
        """Exit status, and the checks by name."""
        done = self.sh(script.format(gyr=GYR, folder=self.folder), *flags)
        report = json.loads(done.stdout)
        self.assertEqual(report['status'], done.returncode, done)
        self.assertEqual(report['live_capture'], ('full', 'reduced', 'none')[done.returncode])
        checks = report['checks']
        results = [check['result'] for check in checks]
        self.assertEqual(done.returncode, 2 if 'fault' in results else 1 if 'loss' in results else 0)
        for check in checks:
            self.assertTrue(check['name'] and check['found'], check)
            if check['result'] in ('loss', 'fault') and check['found'] != 'not tried':
                self.assertTrue(check['effect'] and check['remedy'], check)  # never a fault without a way out
        return done.returncode, {check['name']: check for check in checks}

    def bounded(self, capabilities, before=''):
        return f'{before} exec setpriv --inh-caps=-all --bounding-set={capabilities} {{gyr}} doctor --json'

    def need_capture(self):
        status, checks = self.doctor()
        if status == 2:
            self.skipTest('no live capture here: ' + checks['probe']['found'])

    def test_here(self):
        """What it says is what detection does."""
        status, checks = self.doctor()
        rules = os.path.join(self.folder, 'rules.yaml')
        with open(rules, 'w', encoding='utf-8') as file:
            file.write('- {rule: r, desc: d, condition: evt.type = chroot, output: o, priority: INFO}\n')
        run = self.sh(f'exec {GYR} -r {rules} -M 1')
        self.assertEqual(run.returncode == 0, status < 2, run.stderr)
        if status < 2:
            self.assertRegex(checks['probe']['found'], r'loaded and attached, \d+ system calls')
            for program in ('process_exit', 'process_exec', 'signal_delivered', 'page_fault_user', 'page_fault_kernel'):
                self.assertIn(f'program {program}', checks)
            self.assertIn('MiB can be made', checks['rings']['found'])

    def test_table(self):
        done = self.sh(f'{GYR} doctor || test $? -le 2')
        self.assertRegex(done.stdout, r'(?m)^ok +kernel +Linux \d')
        self.assertRegex(done.stdout.splitlines()[-1], '^Live capture (works|does not work)')
        done = self.sh(f'exec setpriv --inh-caps=-all --bounding-set=-all {GYR} doctor')
        self.assertEqual((done.returncode, done.stderr), (2, ''))
        self.assertRegex(done.stdout, r'(?m)^fault capabilities .*\n +why: .*\n +do:  .*AmbientCapabilities')
        self.assertIn('Live capture does not work here.', done.stdout)

    def test_three_capabilities_are_enough(self):
        self.need_capture()
        status, checks = self.doctor(self.bounded(THREE))
        self.assertLess(status, 2)
        lost = [name for name, check in checks.items() if check['result'] != 'ok']
        # Processes of other users may run here, whose descriptors need one more.
        self.assertLessEqual(set(lost), {'descriptors of others', 'container runtimes'})

    def test_missing_capabilities(self):
        for capabilities, named in (('-all', ('CAP_BPF', 'CAP_PERFMON')), ('-all,+bpf,+sys_ptrace', ('CAP_PERFMON',)),
                                    ('-all,+perfmon,+sys_ptrace', ('CAP_BPF',))):
            with self.subTest(capabilities):
                status, checks = self.doctor(self.bounded(capabilities))
                self.assertEqual(status, 2)
                for name in ('CAP_BPF', 'CAP_PERFMON'):
                    self.assertEqual(name in checks['capabilities']['found'], name in named)
                self.assertEqual(checks['probe']['found'], 'not tried')

    def test_without_ptrace(self):
        self.need_capture()
        status, checks = self.doctor(self.bounded('-all,+bpf,+perfmon'))
        self.assertEqual(status, 1)
        self.assertEqual(checks['CAP_SYS_PTRACE']['result'], 'loss')
        self.assertEqual(checks['probe']['result'], 'ok')
        self.assertEqual(checks['iterators']['result'], 'ok')
        self.assertRegex(checks['iterators']['found'], r'listed \d+ threads and \d+ descriptors')

    def test_descriptors_of_other_users(self):
        self.need_capture()
        other = subprocess.Popen(['sleep', '60'], user=65534, group=65534, extra_groups=[])
        self.addCleanup(other.wait)
        self.addCleanup(other.kill)
        status, checks = self.doctor(self.bounded(THREE))
        self.assertEqual((status, checks['descriptors of others']['result']), (1, 'loss'))
        self.assertIn('CAP_DAC_READ_SEARCH', checks['descriptors of others']['remedy'])
        _, checks = self.doctor(self.bounded(THREE + ',+dac_read_search'))
        self.assertEqual(checks['descriptors of others']['result'], 'ok')

    def test_hidden_processes(self):
        hide = 'mount -t proc -o hidepid=2 none /proc;'
        _, checks = self.doctor(hide + ' exec {gyr} doctor --json')
        if 'hidepid' not in checks:
            self.skipTest('this kernel has one /proc for all mounts')
        self.assertEqual(checks['hidepid']['result'], 'note')
        _, checks = self.doctor(self.bounded('-all,+bpf,+perfmon', hide))
        self.assertEqual(checks['hidepid']['result'], 'loss')

    def test_missing_parts_of_the_system(self):
        for script, name, words in (
                ('mount -t tmpfs none /sys/kernel/btf;', 'type information', 'CONFIG_DEBUG_INFO_BTF'),
                ('mount -t tmpfs none /proc;', 'proc', 'mount -t proc')):
            with self.subTest(name):
                status, checks = self.doctor(script + ' exec {gyr} doctor --json')
                self.assertEqual((status, checks[name]['result']), (2, 'fault'))
                self.assertIn(words, checks[name]['remedy'])
        status, checks = self.doctor('exec {gyr} doctor --json', '--pid', '--fork', '--mount-proc')
        self.assertEqual((status, checks['pid namespace']['result']), (2, 'fault'))
        self.assertIn('HOST_ROOT', checks['pid namespace']['remedy'])

    def test_lockdown(self):
        for modes, result in (('none integrity [confidentiality]', 'fault'), ('none [integrity] confidentiality', 'ok'),
                              ('[none] integrity confidentiality', 'ok')):
            _, checks = self.doctor('mount -t tmpfs none /sys/kernel/security; '
                                    f'echo "{modes}" > /sys/kernel/security/lockdown; exec {{gyr}} doctor --json')
            self.assertEqual((checks['lockdown']['result'], checks['lockdown']['found'] in modes), (result, True))

    def test_runtimes_whose_files_are_closed(self):
        script = ('mount -t tmpfs none /run; mkdir -p /run/runc; chmod 700 /run/runc; chown 1:1 /run/runc; ')
        _, checks = self.doctor(self.bounded('-all,+bpf,+perfmon,+sys_ptrace', script))
        self.assertEqual(checks['container runtimes']['result'], 'loss')
        self.assertIn('/run/runc', checks['container runtimes']['found'])

    def test_an_ordinary_user(self):
        copy = os.path.join(self.folder, 'gyr')
        shutil.copy(GYR, copy)
        status, checks = self.doctor('exec setpriv --reuid=65534 --regid=65534 --clear-groups {folder}/gyr doctor --json')
        self.assertEqual((status, checks['capabilities']['result']), (2, 'fault'))
        self.assertIn('gyr -u', checks)

    def test_wrong_use(self):
        for arguments, said in (('--jsn', "did you mean '--json'"), ('now', 'unexpected argument'),
                                ('-o engine.kind=nothing', 'engine.kind: must be one of')):
            done = self.sh(f'exec {GYR} doctor {arguments}')
            self.assertEqual((done.returncode, done.stdout), (2, ''))
            self.assertIn(said, done.stderr)
        done = self.sh(f'exec {GYR} doctor --help')
        self.assertEqual(done.returncode, 0)
        self.assertIn('Exit status', done.stdout)


if __name__ == '__main__':
    GYR = os.path.abspath(sys.argv.pop(1))
    need_namespaces('other surroundings are made by root')
    unittest.main(verbosity=1)
