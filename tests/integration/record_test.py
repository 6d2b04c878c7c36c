#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is detected live and recorded gives the same alerts, byte for byte, when the recording is replayed.

usage: record_test.py GYR RULES.yaml
Needs root and eBPF; ends with status 77 (skipped) and a reason where they are missing. Watches the whole host: every alert
counts, whoever caused it. Beside the default rules, rules that print most fields of every exec, open, exit and connection
make sure that any difference of the states shows. Workloads: one of our own, and shared/workloads/realistic.sh if it is
there (beside the conformance data).
"""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from common import ROOT, SKIP, fastest, skip

# Everything of the process, its ancestors, its descriptor, user and place that both sides can know. Not among them:
# proc.pidns_init_start_ts and what is derived from it, which a replay counts from 0 as the reference does.
PROCESS = ' '.join('%' + name for name in '''evt.num evt.time evt.cpu evt.type evt.args evt.res evt.failed evt.is_async
    proc.pid proc.ppid proc.name proc.pname proc.aname[2] proc.aname[3] proc.aname[4] proc.exe proc.exepath proc.pexepath
    proc.args proc.cmdline proc.pcmdline proc.cwd proc.env proc.sid proc.sname proc.sid.exepath proc.vpgid proc.vpgid.name
    proc.pgid proc.loginshellid proc.tty proc.nthreads proc.nchilds proc.duration proc.ppid.duration proc.is_exe_writable
    proc.is_exe_upper_layer proc.is_exe_from_memfd proc.exe_ino proc.exe_ino.ctime proc.exe_ino.mtime proc.fdopencount
    proc.fdlimit proc.vmsize proc.vmrss proc.cmdnargs proc.is_vpgid_leader proc.is_sid_leader proc.stdin.type
    proc.stdout.name proc.stderr.name thread.tid thread.vtid thread.ismain thread.cap_effective thread.cgroups
    thread.cap_permitted thread.cap_inheritable user.uid user.name user.homedir user.shell user.loginuid user.loginname
    group.gid group.name container.id'''.split())
FD = ' '.join('%' + name for name in '''fd.num fd.type fd.typechar fd.name fd.directory fd.filename fd.ino fd.dev fd.sip
    fd.cip fd.lip fd.rip fd.sport fd.cport fd.l4proto fd.is_server fd.types fs.path.name fs.path.nameraw'''.split())
BROAD = f'''
- rule: every exec
  desc: all that is known of it
  condition: evt.type in (execve, execveat, clone, clone3, fork, vfork, procexit, chdir, fchdir, setuid, setsid, unshare)
  output: "{PROCESS}"
  priority: INFO
- rule: every descriptor
  desc: all that is known of it
  condition: >
    evt.type in (connect, accept, accept4, bind, close, dup, dup2, dup3, fcntl, pipe, pipe2, socketpair, memfd_create) or
    (evt.type in (open, openat, creat, openat2) and evt.failed = false)
  output: "%evt.num %evt.type %proc.pid %proc.name %proc.cwd {FD}"
  priority: INFO
'''

# Threads, storms of processes, changed directories and users, descriptors that survive an exec or do not.
OWN = r'''
cd "$T" || exit 1
cat > threads.py <<'END'
import os, socket, threading
def work(n):
    for i in range(20):
        with open('/proc/self/stat') as file:
            file.read()
        a, b = socket.socketpair()
        a.close(); b.close()
        if os.fork() == 0:
            os.chdir('/usr')
            os.chdir('lib')
            os.execv('/bin/cat', ['cat', '/dev/null'])
        os.wait()
threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]
server = socket.create_server(('127.0.0.1', 0))
client = socket.create_connection(server.getsockname()); peer, _ = server.accept()
client.send(b'x'); peer.recv(1)
END
/usr/bin/python3 threads.py &
for i in 1 2 3; do
  cat /etc/shadow > /dev/null
  ln -s /etc/shadow l$i; rm l$i
  cp /bin/true /dev/shm/gyr-record-test; /dev/shm/gyr-record-test; rm /dev/shm/gyr-record-test
  echo x > /var/log/gyr-record-test.log; : > /var/log/gyr-record-test.log; rm /var/log/gyr-record-test.log
  (cd /usr; cd lib; cat ../../etc/hostname > /dev/null)
  setpriv --reuid 65534 --clear-groups cat /etc/hostname > /dev/null
  setsid sh -c 'exec 5< /etc/passwd; sh -c "cat <&5" > /dev/null; true'
  unshare -m true
done
for i in $(seq 300); do /bin/true; (exit 3); x=$(echo $i | cut -c1); done
wait
'''
STORM = 'while :; do /bin/true; (cd /usr; cd lib; ls .. > /dev/null; (sleep 0.01 &)) ; x=$(echo a | cut -c1); done'


class Watch:
    """gyr, detecting live and recording."""

    def __init__(self, gyr, rules, folder, name='seen.scap'):
        self.file = os.path.join(folder, name)
        self.rules = rules
        self.gyr = gyr
        self.out = os.path.join(folder, 'live.jsonl')
        with open(self.out, 'wb') as out:
            self.process = subprocess.Popen(
                [gyr, *self.options(), '-o', f'gyr.record.file={self.file}', '-o', 'engine.modern_ebpf.buf_size_preset=8',
                 # However slow the machine, all alerts are to be delivered, and none is of the machine's slowness.
                 '-o', 'output_timeout=600000', '-o', 'gyr.governor.enabled=false', '-o', 'gyr.outputs.stdout.queue_mb=4096'],
                stdout=out, stderr=subprocess.PIPE, text=True, errors='replace')
        self.log = self.wait_until_ready()

    def options(self):
        rules = [argument for path in self.rules for argument in ('-r', path)]
        return [*rules, '-o', 'json_output=true', '-o', 'rule_matching=all', '-o', 'json_include_message_property=true']

    def wait_until_ready(self):
        log = ''
        for line in self.process.stderr:
            log += line
            if 'watching this host' in line:
                return log
        self.process.wait()
        if re.search(r'CAP_BPF|CAP_PERFMON|BTF|Operation not permitted|without live capture', log):
            skip('no live capture here: ' + log.strip())
        print('gyr did not start to watch:\n' + log)
        sys.exit(1)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.log += self.process.communicate(timeout=600)[1]
        return self.process.returncode

    def replayed(self, to):
        with open(to, 'wb') as out:
            return subprocess.run([self.gyr, *self.options(), '-e', self.file], stdout=out, stderr=subprocess.PIPE,
                                  text=True, errors='replace', check=False, timeout=1800)


def differences(line, other):
    """The fields in which two alerts differ, or the lines themselves."""
    try:
        a, b = json.loads(line)['output_fields'], json.loads(other)['output_fields']
    except (ValueError, KeyError):
        return [line[:300], other[:300]]
    return [f'{key}: live {a.get(key)!r}, replay {b.get(key)!r}' for key in sorted({*a, *b}) if a.get(key) != b.get(key)]


def compare(name, watch, folder):
    """Number of faults. Alerts and statistics must be equal line by line."""
    status = watch.stop()
    print(f'{name}: live ended with {status}: ' + ' | '.join(watch.log.strip().splitlines()[-3:]))
    replay_out = os.path.join(folder, 'replay.jsonl')
    replay = watch.replayed(replay_out)
    shown = bad = count = 0
    with open(watch.out, encoding='utf-8', errors='surrogateescape') as live, \
            open(replay_out, encoding='utf-8', errors='surrogateescape') as again:
        rules = {}
        for line, other in zip(live, again):
            count += 1
            if line.startswith('{'):
                rule = json.loads(line)['rule']
                rules[rule] = rules.get(rule, 0) + 1
            if line != other:
                bad += 1
                if shown < 5:
                    shown += 1
                    print(f'  line {count}: ' + '\n    '.join(differences(line, other)))
        rest = sum(1 for _ in live) + sum(1 for _ in again)
    print(f'{name}: {count} lines compared, {bad} differ, {rest} on one side only; replay ended with {replay.returncode}')
    for rule, number in sorted(rules.items()):
        print(f'  {number:7} {rule}')
    if replay.returncode != 0 or status != 0:
        print(replay.stderr[-1000:])
    faults = bad + rest + (replay.returncode != 0) + (status != 0)
    if len(rules) < 2:
        print('  too few rules fired: the workload was not seen')
        faults += 1
    return faults


def run(command, folder, **more):
    env = dict(os.environ, T=folder, PATH='/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin')
    return subprocess.run(command, env=env, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, check=False, timeout=900, **more)


def workloads():
    data = os.environ.get('GYR_CONFORMANCE') or os.path.join(ROOT, '..', 'shared', 'conformance')
    return os.path.join(os.path.dirname(os.path.normpath(data)), 'workloads')


def own_workload(gyr, rules, folder):
    watch = Watch(gyr, rules, folder)
    run(['/bin/bash', '-c', OWN], folder)
    time.sleep(0.5)
    return compare('own workload', watch, folder)


def in_a_storm(gyr, rules, folder):
    """Started, recorded and stopped while processes come and go."""
    storms = [subprocess.Popen(['/bin/bash', '-c', STORM], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, start_new_session=True) for _ in range(2)]
    try:
        time.sleep(0.3)
        watch = Watch(gyr, rules, folder, 'storm.scap.gz')
        time.sleep(4)
        return compare('in a storm', watch, folder)
    finally:
        for storm in storms:
            os.killpg(storm.pid, signal.SIGKILL)
            storm.wait()


def realistic(gyr, rules, folder):
    source = workloads()
    if not os.path.isfile(os.path.join(source, 'realistic.sh')):
        print(f'note: no {source}/realistic.sh, that workload is not run')
        return 0
    copy = os.path.join(folder, 'workloads')
    shutil.copytree(source, copy)
    run(['gcc', '-O2', '-pthread', '-o', 'netloop', 'netloop.c'], copy)
    watch = Watch(gyr, rules, folder)
    run(['/bin/bash', os.path.join(copy, 'realistic.sh'), '1'], copy)
    time.sleep(0.5)
    return compare('realistic.sh', watch, folder)


def main():
    program, rules = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    if os.geteuid() != 0:
        skip('live detection needs root')
    faults = 0
    for test, broad in ((own_workload, True), (in_a_storm, True), (realistic, False)):
        with tempfile.TemporaryDirectory() as folder:
            files = [rules]
            if broad:
                files.append(os.path.join(folder, 'broad.yaml'))
                with open(files[-1], 'w', encoding='utf-8') as file:
                    file.write(BROAD)
            faults += test(fastest(program), files, folder)
    print(f'{faults} faults')
    return 1 if faults else 0


if __name__ == '__main__':
    assert SKIP == 77
    sys.exit(main())
