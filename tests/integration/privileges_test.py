#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What privileges a running gyr has, thread by thread, and that everything it does for life works with them.

usage: privileges_test.py GYR
The table of docs/privileges.md says what each thread keeps. Needs root and eBPF, else it is skipped.
"""
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

from common import ROOT, Detection, free_port, need_live_capture, need_namespaces, wait_for
from observed import observes

GYR = ''
NOBODY = 65534
NUMBERS = {'CAP_DAC_OVERRIDE': 1, 'CAP_DAC_READ_SEARCH': 2, 'CAP_SYS_PTRACE': 19, 'CAP_SYS_ADMIN': 21, 'CAP_PERFMON': 38, 'CAP_BPF': 39}
KEPT = ('CAP_BPF', 'CAP_PERFMON', 'CAP_SYS_PTRACE', 'CAP_DAC_READ_SEARCH')


def bits(names):
    return sum(1 << NUMBERS[name] for name in names)


def rule(name, condition, output='%fd.name', more=''):
    return f'- rule: {name}\n  desc: by the test\n  condition: {condition}\n  output: "{output}"\n  priority: WARNING\n{more}'


def stated():
    """Thread: its capabilities, from the table of the docs."""
    text = pathlib.Path(ROOT, 'docs', 'privileges.md').read_text(encoding='utf-8')
    table = text.split('## What each thread keeps')[1].split('\n## ')[0]
    rows = re.findall(r'(?m)^\| (`gyr[^|]*) \| ([^|]*) \|', table)
    return {thread: re.findall('CAP_[A-Z_]+', kept) for threads, kept in rows for thread in re.findall('`(gyr[^`]*)`', threads)}


def status_of(path):
    lines = dict(line.split(':', 1) for line in pathlib.Path(path).read_text(encoding='utf-8').splitlines() if ':' in line)
    sets = {name: int(lines[name], 16) for name in ('CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb')}
    return {**sets, 'name': lines['Name'].strip(), 'NoNewPrivs': lines['NoNewPrivs'].strip()}


class Watching(Detection):
    def __init__(self, test, *arguments, options=(), given=None, rules=None):
        limited = [] if given is None else ['setpriv', '--inh-caps=-all', f'--bounding-set={given}']
        super().__init__(test, [*limited, GYR, *arguments, *(['-r', rules] if rules else [])], options)

    def threads(self):
        """The status of each. The one that gives up last does so right after it has said that it watches."""
        folder = f'/proc/{self.process.pid}/task'
        wait_for(lambda: status_of(f'{folder}/{self.process.pid}/status')['NoNewPrivs'] == '1', 'no_new_privs')
        return [status_of(f'{folder}/{tid}/status') for tid in os.listdir(folder)]

    def main(self):
        return next(thread for thread in self.threads() if thread['name'] == 'gyr')


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='gyr-privileges-')
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        os.chmod(self.folder, 0o755)
        self.rules = os.path.join(self.folder, 'rules.yaml')
        self.marked = os.path.join(self.folder, 'marked')
        self.write('marked', 'x' * 100)
        self.write('rules.yaml', rule('opened', f'evt.type in (open, openat) and fd.name = {self.marked}'))

    def write(self, name, text):
        path = pathlib.Path(self.folder, name)
        path.write_text(text, encoding='utf-8')
        return str(path)

    def start(self, *arguments, **more):
        return Watching(self, *arguments, rules=self.rules, **more)

    def expect(self, gyr, name, act):
        end = time.monotonic() + 30
        while not gyr.named(name) and time.monotonic() < end:
            act()
            time.sleep(0.05)
        self.assertTrue(gyr.named(name), f'{name}: {"".join(gyr.log)}')
        return gyr.named(name)[0]

    def open_marked(self):
        with open(self.marked, encoding='utf-8'):
            pass


class Sets(Case):
    def test_each_thread_keeps_what_the_docs_say(self):
        """All of the docs' threads at once, but for outputs that need a library, which the unit tests of lanes stand for."""
        table = stated()
        self.assertEqual(tuple(table['gyr']), KEPT)
        on = ['syslog_output.enabled=true', 'file_output.enabled=true', f'file_output.filename={self.folder}/alerts',
              'program_output.enabled=true', f'program_output.program=cat /proc/self/status > {self.folder}/program; cat > /dev/null',
              'gyr.outputs.unix.enabled=true', f'gyr.outputs.unix.path={self.folder}/socket',
              'http_output.enabled=true', 'http_output.url=http://127.0.0.1:9/',
              'gyr.outputs.otlp.enabled=true', 'gyr.outputs.otlp.url=http://127.0.0.1:9/',
              'webserver.enabled=true', 'webserver.listen_address=127.0.0.1', f'webserver.listen_port={free_port()}',
              'metrics.enabled=true', 'metrics.interval=1h', f'metrics.output_file={self.folder}/metrics']
        gyr = self.start(options=on)
        self.expect(gyr, 'opened', self.open_marked)
        self.assertEqual(gyr.says('cannot be limited') + gyr.says('cannot be given up'), 0, gyr.log)
        seen = set()
        for thread in gyr.threads():
            rows = [name for name in table if name[:15] == thread['name']]
            self.assertEqual(len(rows), 1, thread)
            with self.subTest(rows[0]):
                kept = bits(table[rows[0]])
                self.assertEqual((thread['CapPrm'], thread['CapEff']), (kept, kept))
                self.assertEqual((thread['CapInh'], thread['CapAmb'], thread['NoNewPrivs']), (0, 0, '1'))
                self.assertEqual(thread['CapBnd'] & ~bits(KEPT), kept & ~bits(KEPT))
            seen.add(rows[0])
        self.assertEqual(seen | {'gyr:nats', 'gyr:kafka'}, set(table), 'threads of the docs that do not run, or the other way round')
        self.wait_for_program()
        program = status_of(self.folder + '/program')
        self.assertEqual((program['CapPrm'], program['CapEff'], program['NoNewPrivs']), (0, 0, '1'))
        wait_for(lambda: os.path.getsize(self.folder + '/alerts') > 0, 'the alert in the file')
        self.assertEqual(gyr.end(), 0)

    def wait_for_program(self):
        path = self.folder + '/program'
        wait_for(lambda: os.path.exists(path) and 'NoNewPrivs' in pathlib.Path(path).read_text(encoding='utf-8'), 'the program')

    @observes('gyr.outputs.program.keep_privileges')
    def test_a_program_may_be_given_everything(self):
        gyr = self.start(options=['program_output.enabled=true', 'gyr.outputs.program.keep_privileges=true',
                                  f'program_output.program=cat /proc/self/status > {self.folder}/program; cat > /dev/null'])
        self.expect(gyr, 'opened', self.open_marked)
        self.wait_for_program()
        program, own = status_of(self.folder + '/program'), status_of('/proc/self/status')
        self.assertEqual((program['CapPrm'], program['NoNewPrivs']), (own['CapPrm'], own['NoNewPrivs']))
        self.assertEqual(gyr.end(), 0)

    def test_it_cannot_be_traced_by_its_like(self):
        """Of a process that is not dumpable, its own memory belongs to root with CAP_SYS_PTRACE."""
        gyr = self.start()
        gyr.threads()
        for tid in os.listdir(f'/proc/{gyr.process.pid}/task'):
            look = f'head -c 1 /proc/{gyr.process.pid}/task/{tid}/mem; cat /proc/{gyr.process.pid}/task/{tid}/environ'
            done = subprocess.run(['setpriv', '--inh-caps=-all', '--bounding-set=-all', 'sh', '-c', look], check=False,
                                  capture_output=True, text=True)
            self.assertEqual((done.returncode != 0, done.stdout), (True, ''), done)

    def test_started_with_less_it_keeps_no_more(self):
        for given, kept in (('-all,+bpf,+perfmon,+sys_ptrace', KEPT[:3]),
                            ('-all,+sys_admin,+sys_ptrace,+dac_override', ('CAP_SYS_ADMIN', 'CAP_SYS_PTRACE', 'CAP_DAC_OVERRIDE')),
                            ('-all,+bpf,+perfmon,+sys_ptrace,+dac_read_search,+net_admin', KEPT)):
            with self.subTest(given):
                gyr = self.start(given=given)
                main = gyr.main()
                self.assertEqual((main['CapPrm'], main['CapEff']), (bits(kept), bits(kept)))
                self.assertEqual(main['NoNewPrivs'], '1')
                self.expect(gyr, 'opened', self.open_marked)
                self.assertEqual(gyr.end(), 0)

    def test_a_capability_less_and_what_is_lost(self):
        for missing, said in (('sys_ptrace', 'CAP_SYS_PTRACE was not given: of processes that ran before'),
                              ('dac_read_search', 'CAP_DAC_READ_SEARCH was not given: what other users')):
            with self.subTest(missing):
                others = {'sys_ptrace', 'dac_read_search'} - {missing}
                gyr = self.start(given='-all,+bpf,+perfmon' + ''.join(f',+{name}' for name in others))
                self.assertEqual(gyr.says(said), 1, gyr.log)
                self.expect(gyr, 'opened', self.open_marked)
                gyr.reload()
                self.assertEqual(gyr.end(), 0)

    def test_a_followed_command_keeps_everything(self):
        done = subprocess.run([GYR, '-r', self.rules, '-u', 'cat', '/proc/self/status'], check=False, capture_output=True, text=True)
        own = status_of('/proc/self/status')
        self.assertIn(f'CapPrm:\t{own["CapPrm"]:016x}', done.stdout, done.stderr)
        self.assertIn(f'NoNewPrivs:\t{own["NoNewPrivs"]}', done.stdout)


class Life(Case):
    """All of it after the privileges are gone."""

    def check_new_tracepoints(self, mode, **more):
        gyr = self.start(options=[f'gyr.attach_mode={mode}', 'watch_config_files=false'], **more)
        gyr.threads()
        self.expect(gyr, 'opened', self.open_marked)
        self.assertEqual(gyr.says('raw takes its place'), 0, gyr.log)
        more_rules = (rule('signal', 'evt.type = signaldeliver and evt.arg.sig = SIGUSR2', '%evt.type') +
                      rule('directory', 'evt.type in (mkdir, mkdirat)', '%evt.type') +
                      rule('changed', 'evt.type in (unlink, unlinkat) and evt.args_changed = true', '%evt.type'))
        self.write('rules.yaml', more_rules)
        gyr.reload()
        self.expect(gyr, 'directory', lambda: (os.mkdir(self.folder + '/d'), os.rmdir(self.folder + '/d')))

        def signalled():
            # One that kills is delivered as SIGKILL: the child has a handler.
            code = 'import signal, time; signal.signal(signal.SIGUSR2, lambda *_: exit()); print(1, flush=True); time.sleep(9)'
            with subprocess.Popen([sys.executable, '-c', code], stdout=subprocess.PIPE) as child:
                child.stdout.readline()
                child.send_signal(signal.SIGUSR2)
        self.expect(gyr, 'signal', signalled)
        self.write('rules.yaml', rule('opened', f'evt.type in (open, openat) and fd.name = {self.marked}'))
        gyr.reload()
        before = len(gyr.named('opened'))
        self.open_marked()
        wait_for(lambda: len(gyr.named('opened')) > before, 'the alert of the first rule')
        self.assertEqual([line for line in gyr.log if 'not seen' in line and '32-bit' not in line], [])
        self.assertEqual(gyr.end(), 0)

    def test_a_reload_attaches_and_detaches(self):
        self.check_new_tracepoints('raw')

    def test_a_reload_attaches_and_detaches_single_calls(self):
        self.check_new_tracepoints('per_syscall')

    def test_the_same_with_stand_ins(self):
        self.check_new_tracepoints('raw', given='-all,+sys_admin,+sys_ptrace,+dac_override')

    def test_descriptors_of_other_users_are_looked_up(self):
        """One that came over a socket is known from /proc alone; its owner is another user."""
        self.write('rules.yaml', rule('used', f'evt.type = read and fd.name = {self.marked}', '%fd.name %proc.name'))
        ours, theirs = socket.socketpair()
        reader = ('import array, os, socket, sys\ns = socket.socket(fileno=0)\n_, data, _, _ = s.recvmsg(1, socket.CMSG_SPACE(4))\n'
                  'fd = array.array("i", data[0][2])[0]\nwhile s.recv(1):\n    os.lseek(fd, 0, 0)\n    os.read(fd, 1)\n')
        python = shutil.which('python3', path='/usr/bin:/bin')  # for everybody
        if not python:
            self.skipTest('no python3 that an ordinary user may run')
        child = subprocess.Popen([python, '-c', reader], stdin=theirs, user=NOBODY, group=NOBODY, extra_groups=[])
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        gyr = self.start(options=['base_syscalls.all=true'])
        gyr.threads()
        with open(self.marked, 'rb') as file:
            socket.send_fds(ours, [b'x'], [file.fileno()])
        alert = self.expect(gyr, 'used', lambda: ours.send(b'x'))
        self.assertIn(self.marked, alert['output'])
        self.assertEqual(gyr.end(), 0)
        ours.close()
        theirs.close()

    def test_signal_reopens_a_file_of_somebody_else(self):
        """As rotation leaves it: the folder and the new file belong to another user and nobody else may write."""
        logs = os.path.join(self.folder, 'logs')
        os.mkdir(logs)
        os.chown(logs, NOBODY, NOBODY)
        os.chmod(logs, 0o700)
        path = os.path.join(logs, 'alerts')
        gyr = self.start(options=['file_output.enabled=true', f'file_output.filename={path}', 'file_output.keep_alive=true'])
        gyr.threads()
        self.expect(gyr, 'opened', self.open_marked)
        wait_for(lambda: os.path.getsize(path) > 0, 'the alert in the file')
        os.rename(path, path + '.1')
        with open(path, 'w', encoding='utf-8'):
            os.chown(path, NOBODY, NOBODY)
            os.chmod(path, 0o600)
        gyr.process.send_signal(signal.SIGUSR1)
        end = time.monotonic() + 30
        while os.path.getsize(path) == 0 and time.monotonic() < end:
            self.open_marked()
            time.sleep(0.1)
        self.assertGreater(os.path.getsize(path), 0, ''.join(gyr.log))
        self.assertEqual(gyr.end(), 0)

    def check_captures(self, mode, owner, kept):
        folder = os.path.join(self.folder, f'captures-{owner}')
        os.mkdir(folder)
        os.chown(folder, owner, owner)
        os.chmod(folder, mode)
        self.write('rules.yaml', rule('opened', f'evt.type in (open, openat) and fd.name = {self.marked}',
                                      more='  capture: true\n  capture_duration: 100\n'))
        gyr = self.start(options=['capture.enabled=true', f'capture.path_prefix={folder}/c'])
        self.assertEqual(gyr.main()['CapPrm'], bits(kept))
        self.expect(gyr, 'opened', self.open_marked)
        self.assertEqual(gyr.end(), 0, gyr.log)
        self.assertGreater(os.path.getsize(os.path.join(folder, os.listdir(folder)[0])), 0)

    def test_captures_on_alert(self):
        self.check_captures(0o755, 0, KEPT)

    def test_captures_where_only_another_user_may_write(self):
        self.check_captures(0o700, NOBODY, (*KEPT, 'CAP_DAC_OVERRIDE'))

    def test_a_recording_in_several_files(self):
        path = os.path.join(self.folder, 'r.scap')
        with subprocess.Popen([GYR, 'record', '-w', path, '-G', '1', '-M', '6'], stderr=subprocess.PIPE, text=True) as recorder:
            for line in recorder.stderr:
                if 'recording this host' in line:
                    break
            self.assertEqual(status_of(f'/proc/{recorder.pid}/status')['CapPrm'], bits(KEPT))
            while recorder.poll() is None:  # another file is begun by the first event after the time
                self.open_marked()
                time.sleep(0.1)
            self.assertEqual(recorder.returncode, 0, recorder.stderr.read())
        self.assertGreater(len([name for name in os.listdir(self.folder) if name.startswith('r')]), 2)


if __name__ == '__main__':
    GYR = os.path.abspath(sys.argv.pop(1))
    need_namespaces('privileges can be given up by who has them: root')
    need_live_capture(GYR)
    unittest.main(verbosity=1)
