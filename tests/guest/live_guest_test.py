#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Live detection on another kernel or machine: gyr runs in a guest, a script acts, the alerts must tell what it did.

usage: live_guest_test.py KERNEL GYR [LIVE_TEST]
KERNEL is a name of guest.py's table; GYR and LIVE_TEST (gyr_live_test, which checks every parameter of many calls) are
programs for its machine. Skips with a reason where the guest cannot be had.
"""
import json
import pathlib
import sys
import unittest

from guest import Guest, SKIP, Unavailable

KERNEL = GYR = LIVE_TEST = ''
# Of gyr_live_test what reads all kinds of parameters, and what the kernel is the first to have: all of it takes an emulated
# machine minutes.
TESTS = {'5.10': ['AttachLive.*', 'OpenLive.*', 'PathLive.*', 'ProcessLive.*', 'SocketLive.*', 'IoLive.*', 'SystemLive.*',
                  'TracepointLive.*', 'ListScan.*'],
         '6.1': ['ExecLive.*', 'UringLive.*']}
LACKING = {'5.10': ['OpenLive.close_range'],  # CLOSE_RANGE_CLOEXEC came with 5.11
           # io_uring binds since 6.11; all programs there are busybox, which does nothing under another name.
           '6.1': ['UringLive.bind_and_listen', 'ExecLive.a_program_below_a_very_long_path_is_seen']}

RULES = '''
- rule: opened
  desc: a file was made, and another could not be opened
  condition: evt.type in (open, openat) and fd.name startswith /marked/
  output: "%evt.rawres;%evt.res;%fd.name;%evt.arg.flags;%proc.name;%proc.exepath;%user.name;%proc.pname"
  priority: INFO
- rule: executed
  desc: a program ran
  condition: evt.type in (execve, execveat) and evt.arg.res = 0 and proc.cmdline startswith uname
  output: "%proc.cmdline;%proc.exepath;%proc.pname;%proc.exe_ino;%proc.env[MARK]"
  priority: INFO
- rule: connected
  desc: a program connected
  condition: evt.type = connect and fd.sport = 4711
  output: "%fd.name;%fd.l4proto;%evt.arg.res"
  priority: INFO
- rule: cloned
  desc: both sides of a fork
  condition: evt.type in (clone, clone3, fork, vfork) and proc.name = act
  output: "%evt.arg.res;%proc.pid;%proc.ppid;%proc.name"
  priority: INFO
- rule: ended
  desc: a process ended
  condition: evt.type = procexit and evt.arg.ret = 77
  output: "%evt.arg.ret;%evt.arg.sig;%proc.name"
  priority: INFO
'''

# The alerts go to a file, so that nothing but them is between the marks.
SCRIPT = '''
ulimit -l 64 # what a service gets on kernels that still count the memory of maps
mkdir /marked
gyr -r /rules.yaml -o json_output=true -o log_stderr=true -U > /alerts 2> /log &
watcher=$!
n=0
until grep -q 'watching this host' /log; do
  n=$((n + 1))
  [ $n -lt 300 ] && kill -0 $watcher 2> /dev/null || break
  sleep 0.1
done
cat > /act << 'END'
#!/bin/busybox sh
echo made > /marked/made
cat /marked/missing
MARK=yes /bin/uname -m marked
nc -l -p 4711 > /dev/null &
sleep 0.3
echo hello | nc -w 1 127.0.0.1 4711
(/bin/true; exit 77)
END
chmod +x /act
/act > /dev/null 2>&1
sleep 1
kill -TERM $watcher
wait $watcher
echo "ended $?"
cat /log
echo "<<alerts>>"
cat /alerts
'''


class OtherKernel(unittest.TestCase):
    """One boot; the alerts by rule, each a list of its output's parts."""

    @classmethod
    def setUpClass(cls):
        cls.guest = Guest(KERNEL)
        cls.addClassCleanup(cls.guest.__exit__)
        cls.guest.add(GYR)
        cls.guest.add_bytes('/rules.yaml', RULES.encode(), 0o644)
        cls.ran = cls.guest.run(SCRIPT, limit_s=240)  # 15 s on a quiet host
        print(f'{KERNEL}: {cls.ran.seconds:.1f} s')
        cls.log, _, alerts = cls.ran.output.partition('<<alerts>>\n')
        cls.alerts = {}
        for line in alerts.splitlines():
            if line.startswith('{'):
                alert = json.loads(line)
                cls.alerts.setdefault(alert['rule'], []).append(alert['output'].split(' ', 2)[-1].split(';'))

    def of(self, rule):
        self.assertIn(rule, self.alerts, f'{self.log}\n{self.ran.log[-4000:]}')
        return self.alerts[rule]

    def test_it_starts_and_ends_well(self):
        self.assertEqual(self.ran.status, 0, self.ran.log[-4000:])
        self.assertIn('watching this host', self.log)
        self.assertIn('ended 0', self.log)
        self.assertNotIn('events were lost', self.log)

    def test_opens(self):
        made, missing = sorted(self.of('opened'), key=lambda parts: parts[2])
        number, result, name, flags, *rest = made
        self.assertGreater(int(number), 2)
        self.assertEqual(result, 'SUCCESS')
        self.assertEqual((name, flags), ('/marked/made', 'O_TRUNC|O_CREAT|O_WRONLY|O_F_CREATED'))
        self.assertEqual(rest, ['act', '/bin/busybox', 'root', 'sh'])
        self.assertEqual(missing[:3], ['-2', 'ENOENT', '/marked/missing'])

    def test_exec(self):
        ran = self.of('executed')
        self.assertEqual(len(ran), 1, ran)
        self.assertEqual(ran[0][:3], ['uname -m marked', '/bin/busybox', 'act'])
        self.assertEqual(ran[0][4], 'yes')

    def test_connect(self):
        name, protocol, result = self.of('connected')[0]
        self.assertRegex(name, r'^127\.0\.0\.1:\d+->127\.0\.0\.1:4711$')
        self.assertEqual((protocol, result), ('tcp', '0'))

    def test_both_sides_of_a_fork(self):
        sides = self.of('cloned')
        act = next(pid for result, pid, *_ in sides if result != '0')
        children = [pid for result, pid, parent, _ in sides if result == '0' and parent == act]
        self.assertEqual(len(children), len([1 for result, pid, *_ in sides if result != '0' and pid == act]), sides)
        self.assertGreaterEqual(len(children), 4)

    def test_ends_of_processes(self):
        self.assertEqual(self.of('ended'), [['77', '0', 'act']] * 2)  # of the subshell and of the script


class Parameters(unittest.TestCase):
    """gyr_live_test in the guest."""

    def test_of_many_calls(self):
        if not LIVE_TEST:
            self.skipTest('no live test for this machine')
        chosen = ':'.join(TESTS[KERNEL]) + '-' + ':'.join(LACKING.get(KERNEL, []))
        with Guest(KERNEL) as guest:
            guest.add(LIVE_TEST)
            ran = guest.run(f'gyr_live_test --gtest_brief=1 --gtest_color=no --gtest_filter={chosen}', limit_s=300)
        print(f'{KERNEL}: {ran.seconds:.1f} s, {ran.output.splitlines()[-1] if ran.output else ""}')
        self.assertEqual(ran.status, 0, ran.log[-6000:])
        self.assertIn('PASSED', ran.output)
        self.assertNotIn('no live capture', ran.output)
        self.assertNotIn('no iterators here', ran.output)
        if 'UringLive.*' in TESTS[KERNEL]:
            self.assertNotRegex(ran.output, r'SKIPPED|io_uring')  # a program that is refused, say


if __name__ == '__main__':
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    KERNEL, GYR, LIVE_TEST = (sys.argv[1:] + [''])[:3]
    if not pathlib.Path(GYR).exists():
        print(f'skipped: {GYR} is not built; `make arm64` builds that for aarch64')
        sys.exit(SKIP)
    try:
        Guest(KERNEL).__exit__()
    except Unavailable as fault:
        print(f'skipped: {fault}')
        sys.exit(SKIP)
    unittest.main(argv=sys.argv[:1])
