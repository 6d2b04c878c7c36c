#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Detection without eBPF: gyr -u -- COMMAND, gyr --attach PID.

usage: ptrace_test.py GYR
Alerts, exit statuses, signals, job control, threads, bad inputs; as root and as nobody where root can become nobody.
"""
import json
import os
import pty
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

GYR = ''
PYTHON = '/usr/bin/python3' if os.path.exists('/usr/bin/python3') else sys.executable  # that nobody may run
RULES = '''- rule: marked file opened
  desc: by the test
  condition: evt.type in (open, openat) and fd.name endswith /gyr-marked
  output: "%proc.name %proc.pid %proc.pname %proc.cmdline %fd.name"
  priority: INFO
'''
TIMEOUT_S = 60
# Calls rmdir of a path the 32-bit way.
CALL_32BIT = '''
import ctypes, mmap
page = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x40, 7)  # MAP_32BIT, RWX
page.write(bytes([0x53, 0xb8, 40, 0, 0, 0, 0x89, 0xfb, 0xcd, 0x80, 0x5b, 0xc3]))
page.seek(256)
page.write(b"/no/such/place\\0")
at = ctypes.addressof(ctypes.c_char.from_buffer(page))
ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(at)(at + 256)
'''
# A thread that is not the first runs a program.
EXEC_IN_THREAD = '''
import os, threading, time
threading.Thread(target=lambda: os.execv("/bin/echo", ["echo", "by a thread"])).start()
time.sleep(30)
'''
# A process that leaves its parent, and goes on for a while.
DAEMON = '''
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(0.5)
        open("gyr-marked", "w").close()
    os._exit(0)
os._exit(4)
'''
# Ends that come when they like: groups killed or stopped at work, a program run by a thread while others work, threads killed
# together, a first thread that ends before the last.
STORM = '''
import ctypes, os, random, signal, subprocess, sys, threading, time
random.seed(1)

def groups():
    work = ["sh", "-c", "while :; do cat /dev/null; /bin/true; done"]
    started = [subprocess.Popen(work, start_new_session=True) for _ in range(5)]
    time.sleep(random.random() * 0.4)
    for one in started:
        os.killpg(one.pid, random.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP]))
    time.sleep(0.05)
    for one in started:
        try:
            os.killpg(one.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        one.wait()

def forked(body, status):
    pid = os.fork()
    if pid == 0:
        body()
        os._exit(99)
    assert os.waitpid(pid, 0)[1] == status, body

def busy_threads_and_a_program():
    for _ in range(4):
        threading.Thread(target=lambda: [os.stat("/") for _ in range(10**7)], daemon=True).start()
    threading.Thread(target=lambda: os.execv("/bin/true", ["true"])).start()
    time.sleep(20)

def threads_killed():
    for _ in range(20):
        threading.Thread(target=lambda: time.sleep(20), daemon=True).start()
    os.kill(os.getpid(), signal.SIGKILL)

def first_thread_ends():
    threading.Thread(target=lambda: (time.sleep(0.1), os._exit(5))).start()
    ctypes.CDLL(None).pthread_exit(0)

for _ in range(3):
    groups()
    forked(busy_threads_and_a_program, 0)
    forked(threads_killed, signal.SIGKILL)
    forked(first_thread_ends, 5 << 8)
print("all ended")
'''


def state_of(pid):
    try:
        with open(f'/proc/{pid}/stat', encoding='utf-8') as file:
            return file.read().rsplit(')', 1)[1].split()[0]
    except OSError:
        return ''


def wait_for(condition):
    until = time.monotonic() + TIMEOUT_S
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.02)
    return False


class Case(unittest.TestCase):
    user = None

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        os.chmod(self.folder, 0o777)
        self.rules = os.path.join(self.folder, 'rules.yaml')
        with open(self.rules, 'w', encoding='utf-8') as file:
            file.write(RULES)

    def start(self, *arguments, rules=True, **options):
        words = [GYR, *(['-r', self.rules] if rules else []), *arguments]
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, cwd=self.folder, user=self.user, **options)
        for stream in (process.stdin, process.stdout, process.stderr):
            self.addCleanup(stream.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def run_gyr(self, *arguments, **options):
        given = options.pop('given', None)
        process = self.start(*arguments, **options)
        out, err = process.communicate(given, timeout=TIMEOUT_S)
        return process.returncode, out, err

    def refused(self, *arguments):
        status, out, err = self.run_gyr(*arguments)
        self.assertEqual((status, out), (1, ''), err)
        self.assertRegex(err, '(?m)^Error: ')
        return err


class Command(Case):
    def test_alerts_come_with_what_the_process_is(self):
        status, out, err = self.run_gyr('-u', '--', 'sh', '-c', ': > gyr-marked; cat gyr-marked; true')
        self.assertEqual(status, 0, err)
        alerts = [line for line in out.splitlines() if 'Info' in line]
        self.assertEqual(len(alerts), 2, out)
        self.assertRegex(alerts[0], r'sh \d+ (gyr|ptrace_test\.py) sh -c .* ' + f'{self.folder}/gyr-marked')
        self.assertRegex(alerts[1], r'cat \d+ sh cat gyr-marked ' + f'{self.folder}/gyr-marked')

    def test_the_status_of_the_command_is_ours(self):
        for script, status in (('exit 0', 0), ('exit 3', 3), ('kill -KILL $$', 137), ('kill -TERM $$', 143)):
            with self.subTest(script):
                self.assertEqual(self.run_gyr('-u', '--', 'sh', '-c', script)[0], status)

    def test_its_streams_are_ours(self):
        status, out, _ = self.run_gyr('-u', '--', 'tr', 'a-z', 'A-Z', given='hello\n')
        self.assertEqual(status, 0)
        self.assertIn('HELLO\n', out)

    def test_options_of_the_command_are_its_own(self):
        self.assertIn('-u -l', self.run_gyr('-u', '--', 'echo', '-u', '-l')[1])

    def test_what_the_command_leaves_behind_is_followed(self):
        status, out, err = self.run_gyr('-u', '--', PYTHON, '-c', DAEMON)
        self.assertEqual(status, 4, err)
        self.assertIn('/gyr-marked', out)

    def test_a_thread_runs_a_program(self):
        status, out, err = self.run_gyr('-u', '--', PYTHON, '-c', EXEC_IN_THREAD)
        self.assertEqual(status, 0, err)
        self.assertIn('by a thread', out)

    def test_every_process_of_many_is_seen(self):
        script = 'i=0; while [ $i -lt 200 ]; do cat gyr-marked & i=$((i+1)); done; wait'
        open(os.path.join(self.folder, 'gyr-marked'), 'w', encoding='utf-8').close()
        status, out, err = self.run_gyr('-u', '--', 'sh', '-c', script)
        self.assertEqual(status, 0, err)
        self.assertIn('Events detected: 200', out)

    def test_nobody_hangs_in_a_storm_of_ends(self):
        status, out, err = self.run_gyr('-u', '--', PYTHON, '-c', STORM)
        self.assertEqual(status, 0, err)
        self.assertIn('all ended', out)

    def test_the_terminal_interrupts_the_command_once(self):
        script = ('n=0; trap "n=\\$((n+1))" INT; echo ready; i=0; '
                  'while [ $i -lt 15 ]; do sleep 0.1; i=$((i+1)); done; echo interrupted $n times; exit 6')
        pid, terminal = pty.fork()
        if pid == 0:
            if self.user is not None:
                os.setuid(self.user)
            os.execv(GYR, [GYR, '-r', self.rules, '-u', '--', 'sh', '-c', script])
        self.addCleanup(os.close, terminal)
        shown, asked = b'', False
        while b'times' not in shown:
            try:
                shown += os.read(terminal, 4096)
            except OSError:
                break
            if b'ready' in shown and not asked:
                asked = os.write(terminal, b'\x03') == 1
        self.assertIn(b'interrupted 1 times', shown)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 6)

    def test_calls_of_32_bit_programs(self):
        rule = '- rule: r\n  desc: d\n  condition: evt.type = rmdir\n  output: "%evt.arg.path"\n  priority: INFO\n'
        with open(self.rules, 'w', encoding='utf-8') as file:
            file.write(rule)
        _, out, err = self.run_gyr('-u', '--', PYTHON, '-c', CALL_32BIT)
        self.assertIn('/no/such/place', out, err)

    def test_a_stopped_process_stays_stopped(self):
        process = self.start('-u', '--', 'sh', '-c', 'echo $$; kill -STOP $$; echo on')
        pid = int(process.stdout.readline())
        self.assertTrue(wait_for(lambda: state_of(pid) == 't' or state_of(pid) == 'T'))
        time.sleep(0.3)
        self.assertIn(state_of(pid), ('t', 'T'))
        os.kill(pid, signal.SIGCONT)
        self.assertEqual(process.stdout.readline(), 'on\n')
        self.assertEqual(process.wait(TIMEOUT_S), 0)

    def test_signals_to_gyr_reach_the_command(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            script = 'trap "echo asked; exit 7" TERM INT; echo ready; while :; do sleep 0.05; done'
            process = self.start('-u', '--', 'sh', '-c', script)
            self.assertEqual(process.stdout.readline(), 'ready\n')
            process.send_signal(number)
            self.assertEqual(process.stdout.readline(), 'asked\n')
            self.assertEqual(process.wait(TIMEOUT_S), 7)

    def test_time_ends_the_command(self):
        begin = time.monotonic()
        self.assertEqual(self.run_gyr('-M', '1', '-u', '--', 'sleep', '100')[0], 143)
        self.assertLess(time.monotonic() - begin, 30)

    def test_who_does_not_listen_is_killed(self):
        script = 'trap "" TERM; while :; do sleep 0.05; done'
        self.assertEqual(self.run_gyr('-M', '1', '-u', '--', 'sh', '-c', script)[0], 137)

    def test_the_command_does_not_outlive_gyr(self):
        process = self.start('-u', '--', 'sh', '-c', 'echo $$; while :; do sleep 0.05; done')
        pid = int(process.stdout.readline())
        process.kill()
        self.assertTrue(wait_for(lambda: state_of(pid) in ('', 'Z')))

    def test_bad_inputs(self):
        self.assertIn('-u needs a command', self.refused('-u', '--'))
        self.assertIn('no such program in PATH', self.refused('-u', '--', 'no-such-command'))
        self.assertIn('No such file', self.refused('-u', '--', './no-such-command'))
        self.assertIn('it is a folder', self.refused('-u', '--', self.folder))
        self.assertIn('not executable', self.refused('-u', '--', self.rules))
        self.assertIn('give only one', self.refused('-u', '-e', 'a.scap', '--', 'true'))
        self.assertIn('unexpected argument', self.refused('true'))
        self.assertIn('nothing to follow', self.refused('-o', 'engine.kind=ptrace'))
        self.assertIn('cannot be started as well', self.refused('--attach', '1', '-u', '--', 'true'))
        text = os.path.join(self.folder, 'text')
        with open(text, 'w', encoding='utf-8') as file:
            file.write('no program\n')
        os.chmod(text, 0o755)
        self.assertIn('Exec format error', self.refused('-u', '--', text))

    def test_a_dry_run_starts_nothing(self):
        status, out, err = self.run_gyr('--dry-run', '-u', '--', 'touch', 'made')
        self.assertEqual((status, out), (0, ''), err)
        self.assertFalse(os.path.exists(os.path.join(self.folder, 'made')))


class Attach(Case):
    def loop(self):
        script = 'while :; do : < gyr-marked; sleep 0.05; done'
        open(os.path.join(self.folder, 'gyr-marked'), 'w', encoding='utf-8').close()
        process = subprocess.Popen(['sh', '-c', script], cwd=self.folder, user=self.user)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def test_running_processes_are_followed_and_go_on(self):
        process = self.loop()
        status, out, err = self.run_gyr('--attach', str(process.pid), '-M', '2')
        self.assertEqual(status, 0, err)
        self.assertIn(f'Informational sh {process.pid} ', out)
        self.assertIsNone(process.poll())
        self.assertIn(state_of(process.pid), ('S', 'R'))

    def test_nobody_hangs_in_a_storm_of_ends(self):
        script = 'import sys; sys.stdin.readline()\n' + STORM
        process = subprocess.Popen([PYTHON, '-c', script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        gyr = self.start('--attach', str(process.pid))
        self.assertTrue(wait_for(lambda: self.tracer_of(process.pid) == gyr.pid))
        out, _ = process.communicate('go\n', timeout=TIMEOUT_S)
        self.assertIn('all ended', out)
        self.assertEqual(gyr.wait(TIMEOUT_S), 0)

    @staticmethod
    def tracer_of(pid):
        with open(f'/proc/{pid}/status', encoding='utf-8') as file:
            return int(file.read().split('TracerPid:')[1].split()[0])

    def test_they_outlive_gyr(self):
        process = self.loop()
        gyr = self.start('--attach', str(process.pid), '-U')
        self.assertIn('Info', gyr.stdout.readline())
        gyr.kill()
        gyr.wait()
        self.assertTrue(wait_for(lambda: state_of(process.pid) in ('S', 'R')))
        time.sleep(0.3)
        self.assertIsNone(process.poll())

    def test_gyr_ends_with_the_last_of_them(self):
        process = subprocess.Popen(['sleep', '1'], user=self.user)
        self.assertEqual(self.run_gyr('--attach', str(process.pid))[0], 0)
        self.assertEqual(process.wait(), 0)

    def test_bad_inputs(self):
        gone = subprocess.Popen(['true'])
        gone.wait()
        self.assertIn(f'there is no process {gone.pid}', self.refused('--attach', str(gone.pid)))
        self.assertIn('--attach', self.refused('--attach', 'x'))
        self.assertIn('--attach', self.refused('--attach', '0'))
        process = self.loop()
        first = self.start('--attach', str(process.pid), '-U')
        self.assertIn('Info', first.stdout.readline())
        self.assertIn(f'process {first.pid} traces it already', self.refused('--attach', str(process.pid)))


class AsRoot(Case):
    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest('needs root')

    def test_the_default_rules_alert(self):
        _, out, err = self.run_gyr('-o', 'json_output=true', '-u', '--', 'sh', '-c', 'cat /etc/shadow > /dev/null',
                                   rules=False)
        alerts = [json.loads(line) for line in out.splitlines() if line.startswith('{')]
        self.assertIn('/etc/shadow', [alert['output_fields'].get('fd.name') for alert in alerts], err)

    def test_setuid_programs_keep_their_rights(self):
        program = os.path.join(self.folder, 'id')
        shutil.copy(shutil.which('id'), program)
        os.chmod(program, 0o4755)
        words = ['setpriv', '--reuid=65534', '--clear-groups', program, '-u']
        plain = subprocess.run(words, capture_output=True, text=True, check=False).stdout
        if plain.strip() != '0':
            self.skipTest('setuid programs have no effect here')
        self.assertIn('0\n', self.run_gyr('-u', '--', *words)[1].splitlines(True))

    def test_programs_of_an_overlay_tell_their_layer(self):
        with open(self.rules, 'w', encoding='utf-8') as file:
            file.write('- rule: r\n  desc: d\n  condition: evt.type = execve and proc.name in (old, new)\n'
                       '  output: "%proc.name %proc.is_exe_upper_layer %proc.is_exe_lower_layer"\n  priority: INFO\n')
        script = ('mkdir lower all; cp /bin/true lower/old; sleep 0.1; mkdir layers; mkdir layers/up layers/work; '
                  'mount -t overlay none -o lowerdir=lower,upperdir=layers/up,workdir=layers/work all || exit 9; '
                  'cp /bin/true all/new; all/old; all/new')
        status, out, err = self.run_gyr('-u', '--', 'unshare', '-m', 'sh', '-c', script)
        if status == 9:
            self.skipTest('no overlay file system here')
        self.assertEqual(status, 0, err)
        self.assertIn('old false true', out, err)
        self.assertIn('new true false', out, err)

    def test_threads_of_the_kernel_cannot_be_followed(self):
        found = subprocess.run(['cat', '/proc/2/comm'], capture_output=True, text=True, check=False).stdout
        if found != 'kthreadd\n':
            self.skipTest('the threads of the kernel are not in sight')
        self.assertIn('thread of the kernel', self.refused('--attach', '2'))


class AsNobody(Command):
    """The same commands, and what only who lacks privileges meets."""

    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest('needs root to become nobody')
        self.user = pwd.getpwnam('nobody').pw_uid
        try:
            subprocess.run([GYR, '--version'], capture_output=True, user=self.user, cwd='/', check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            self.skipTest(f'nobody may not run {GYR}: {error}')

    def test_others_cannot_be_followed(self):
        process = subprocess.Popen(['sleep', '30'])
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assertRegex(self.refused('--attach', str(process.pid)), 'another user|ptrace_scope')


if __name__ == '__main__':
    GYR = os.path.abspath(sys.argv.pop(1))
    unittest.main()
