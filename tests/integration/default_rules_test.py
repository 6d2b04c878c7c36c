#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every default rule fires on the act it is for and stays silent on a near miss, on this host, live.

usage: default_rules_test.py GYR RULES.yaml
Needs root and eBPF; ends with status 77 (skipped) and a reason where they are missing. Files are made in a fresh folder or
removed again; nothing outside is changed for good.
"""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

SKIP = 77

# rule: (what must fire it, what must not). Shell text; $T is a fresh folder; $GYR_CC a C compiler.
CASES = {
    'Path traversal to a secret file': ('cat /etc/../etc/shadow', 'cat /etc/../etc/hostname'),
    'Read of account secrets': ('cat /etc/shadow', 'cat /etc/passwd; ls -l /etc/shadow'),
    'Read of a private SSH key': (
        'mkdir -p /root/.ssh; echo k > /root/.ssh/id_gyrtest; cat /root/.ssh/id_gyrtest; rm /root/.ssh/id_gyrtest',
        'mkdir -p /root/.ssh; echo k > /root/.ssh/id_gyrtest.pub; cat /root/.ssh/id_gyrtest.pub; rm /root/.ssh/id_gyrtest.pub'),
    'Search for keys and passwords': ('find $T -name id_rsa', 'find $T -name idea'),
    'Link to a secret file': ('ln -s /etc/shadow $T/l', 'ln -s /etc/hostname $T/m'),
    'Preloaded library changed': (
        # An empty file preloads nothing.
        'test -e /etc/ld.so.preload || { : > /etc/ld.so.preload; rm /etc/ld.so.preload; }', 'echo > $T/ld.so.preload'),
    'Scheduled job or service added': (
        'mkdir -p /etc/cron.d; echo "# gyr test" > /etc/cron.d/gyr-test; rm /etc/cron.d/gyr-test',
        'mkdir -p /etc/cron.d; echo > $T/cron.d; cat /etc/cron.d/* > /dev/null 2>&1; true'),
    'Login files changed': (
        'echo "# gyr test" > /etc/profile.d/gyr-test.sh; rm /etc/profile.d/gyr-test.sh', 'cat /etc/profile; echo > $T/profile'),
    'Account database changed': ('dd if=/dev/null of=/etc/group oflag=append conv=notrunc', 'dd if=/etc/group of=$T/group'),
    'Write below a directory of programs': (
        'echo > /usr/local/bin/gyr-test; rm /usr/local/bin/gyr-test', 'cat /usr/bin/true > $T/true'),
    'Program replaced by renaming': (
        'echo > $T/gyr-test; mv $T/gyr-test /usr/local/bin/gyr-test; rm /usr/local/bin/gyr-test',
        'echo > $T/a; mv $T/a $T/b'),
    'Write below the configuration directory': (
        'echo > /etc/gyr-test.conf; rm /etc/gyr-test.conf', 'cat /etc/hosts; echo > $T/hosts'),
    'Shell started by a network service': (
        'cp /bin/dash $T/nginx; $T/nginx -c "sh -c true; true"', 'cp /bin/dash $T/mynginx; $T/mynginx -c "sh -c true; true"'),
    'Reverse shell': (
        "python3 -c 'import socket,os,threading\ns=socket.socket();s.bind((\"127.0.0.1\",0));s.listen()\n"
        "c=socket.create_connection(s.getsockname());os.dup2(c.fileno(),0)'",
        "python3 -c 'import socket,os\ns=socket.socket();s.bind((\"127.0.0.1\",0));s.listen()\n"
        "c=socket.create_connection(s.getsockname());os.dup2(c.fileno(),30)'"),
    'Netcat offers a program': (
        'cp /bin/true $T/nc; $T/nc -e /bin/sh 127.0.0.1 1', 'cp /bin/true $T/nc; $T/nc -z 127.0.0.1 1'),
    'Execution from memory': (
        "python3 -c 'import os\nf=os.memfd_create(\"x\");os.write(f,open(\"/bin/true\",\"rb\").read())\n"
        "os.execve(f,[\"x\"],{})'",
        "python3 -c 'import os\nf=os.memfd_create(\"x\");os.write(f,b\"x\")'; true"),
    'Execution from shared memory': (
        'cp /bin/true /dev/shm/gyr-test; /dev/shm/gyr-test; rm /dev/shm/gyr-test', 'cp /bin/true $T/gyr-test; $T/gyr-test'),
    'Hidden program started': (
        'cp /bin/true /tmp/.gyr-test; /tmp/.gyr-test; rm /tmp/.gyr-test', 'cp /bin/true /tmp/gyr-test; /tmp/gyr-test; rm /tmp/gyr-test'),
    'Set-user-ID bit set': (
        'echo > $T/s; chmod u+s $T/s',
        # No such bit; a set-group-ID bit that nobody of the group could use; a directory opened as one.
        'echo > $T/s; chmod 755 $T/s; chmod 2644 $T/s; '
        'python3 -c "import os\nos.mkdir(\'$T/d\')\nos.fchmod(os.open(\'$T/d\', os.O_RDONLY | os.O_DIRECTORY), 0o2755)"'),
    'Another process traced': (
        # The attach may leave it stopped: only SIGKILL is sure to end it.
        'sleep 5 & P=$!; python3 -c "import ctypes,sys\nl=ctypes.CDLL(None)\nl.ptrace(16,$P,0,0)\nl.ptrace(17,$P,0,0)"; kill -KILL $P',
        'python3 -c "import ctypes\nctypes.CDLL(None).ptrace(16,1999999,0,0)"'),
    'Kernel module loaded': (
        "python3 -c 'import ctypes\nl=ctypes.CDLL(None)\nl.syscall(175,b\"x\",1,b\"\")'", 'lsmod > /dev/null 2>&1; cat /proc/modules'),
    'BPF program loaded': (
        # BPF_PROG_LOAD of "r0 = 0; exit" as a socket filter.
        "python3 -c 'import ctypes,struct\nl=ctypes.CDLL(None)\n"
        "i=ctypes.create_string_buffer(struct.pack(\"<BBhiBBhi\",0xb7,0,0,0,0x95,0,0,0));g=ctypes.create_string_buffer(b\"GPL\")\n"
        "a=struct.pack(\"<IIQQ\",1,2,ctypes.addressof(i),ctypes.addressof(g))+bytes(96)\nprint(l.syscall(321,5,a,len(a)))'",
        # BPF_MAP_CREATE of an array.
        "python3 -c 'import ctypes,struct\nl=ctypes.CDLL(None)\na=struct.pack(\"<IIII\",2,4,4,1)+bytes(104)\nprint(l.syscall(321,0,a,len(a)))'"),
    'Kernel control file written': (
        # Opened, not written.
        "python3 -c 'import os\nos.close(os.open(\"/proc/sys/kernel/core_pattern\",os.O_WRONLY))'",
        'cat /proc/sys/kernel/core_pattern'),
    'Raw disk or memory opened for writing': (
        "python3 -c 'import os\nos.close(os.open(\"/dev/vda\",os.O_RDWR))'", "python3 -c 'import os\nos.close(os.open(\"/dev/null\",os.O_RDWR))'"),
    'User namespace made by an ordinary user': (
        'setpriv --reuid 65534 --clear-groups unshare -U true', 'unshare -U true'),
    'Log tampering': (
        'echo x > $T/l; cp $T/l /var/log/gyr-test.log; : > /var/log/gyr-test.log; rm /var/log/gyr-test.log',
        # A log that is new: bash creates it with O_TRUNC.
        'F=/var/log/gyr-keep-$$.log; echo x > $F; echo x >> $F; cat $F; mv $F $F.1; mv $F.1 /var/log/gyr-keep.log; '
        'echo > $T/x.log; rm $T/x.log'),
    'Shell history removed': ('echo > $T/.bash_history; rm $T/.bash_history', 'echo > $T/bash_history; rm $T/bash_history'),
    'Files wiped': ('echo > $T/w; shred -u $T/w', 'echo > $T/w; rm $T/w'),
}
# Acts in a container need a cgroup path that names one; made with plain cgroup folders.
CONTAINER_CASES = {
    'Container opened the host': (
        'unshare -m sh -c "mount -t tmpfs none $T"', 'unshare -m sh -c "mount -t tmpfs none $T"'),
    'Package manager run in a container': ('dpkg -i $T/none.deb', 'dpkg -i $T/none.deb'),
}
# What must not fire a container's rule although it happens in one.
CONTAINER_MISSES = {
    'Package manager run in a container': 'dpkg --compare-versions 1 lt 2; dpkg -l > /dev/null; apt-get --version > /dev/null',
}
CONTAINER_ID = '0123456789abcdef' * 4

# Files that must open for writing, or the rule cannot fire on this host.
NEEDS_TO_WRITE = {
    'Kernel control file written': '/proc/sys/kernel/core_pattern',
    'Raw disk or memory opened for writing': '/dev/vda',
}


def can_write(path):
    try:
        os.close(os.open(path, os.O_WRONLY))
    except OSError:
        return False
    return True


def in_container():
    """Whether a cgroup path of ours looks like a container's: /name/id, and no unit of systemd."""
    with open('/proc/self/cgroup', encoding='utf-8') as file:
        paths = [line.rstrip('\n').split(':', 2)[2] for line in file]
    return any(re.search(r'^/.+/[^/]+$', p) and not p.endswith(('.service', '.slice', '.scope')) for p in paths)


def too_long(rules):
    """Names of programs in lists and comparisons that no program can have."""
    with open(rules, encoding='utf-8') as file:
        text = file.read()
    groups = re.findall(r'items: \[(.*?)\]|proc\.p?name in \(([^()]*)\)|proc\.p?name = (\S+)', text, re.S)
    lists = set(re.findall(r'^- list: (\S+)', text, re.M))
    words = {word for group in groups for part in group for word in re.split(r'[,\s]+', part)}
    return sorted(word for word in words - lists if len(word) > 15)


class Gyr:
    """A live gyr and the alerts it has printed."""

    def __init__(self, program, rules):
        self.alerts = []
        self.process = subprocess.Popen([program, '-r', rules, '-o', 'json_output=true', '-o', 'rule_matching=all', '-U'],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors='replace')
        self.log = []
        threading.Thread(target=self.read_alerts, daemon=True).start()
        threading.Thread(target=self.read_log, daemon=True).start()

    def read_alerts(self):
        for line in self.process.stdout:
            if line.startswith('{'):
                self.alerts.append(json.loads(line))

    def read_log(self):
        for line in self.process.stderr:
            self.log.append(line)

    def wait_for(self, rule, since, seconds):
        end = time.time() + seconds
        while time.time() < end:
            found = [a for a in self.alerts[since:] if a['rule'] == rule]
            if found:
                return found
            time.sleep(0.02)
        return []

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(20)


def run(text, folder, prefix=''):
    env = dict(os.environ, T=folder, PATH='/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin')
    # bash as `gyr-act`, so that no rule's list of programs knows the caller.
    return subprocess.run(['/bin/bash', '-c', prefix + text], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60)


def container_prefix():
    """Shell text that moves the shell into a cgroup whose path names a container; None where none can be made."""
    for root in ('/sys/fs/cgroup/memory', '/sys/fs/cgroup/pids', '/sys/fs/cgroup'):
        path = f'{root}/docker/{CONTAINER_ID}'
        try:
            os.makedirs(path, exist_ok=True)
            return f'echo $$ > {path}/cgroup.procs; '
        except OSError:
            continue
    return None


def ready(gyr):
    """Waits until an act is seen: the start-up is over then."""
    for _ in range(200):
        if gyr.process.poll() is not None:
            return False
        with tempfile.TemporaryDirectory() as folder:
            run('find $T -name id_rsa_gyr_ready', folder)
        if gyr.wait_for('Search for keys and passwords', 0, 0.1):
            return True
    return False


def check(gyr, rule, act, miss, prefix, bad):
    """`prefix` stands before the act and before the near miss that happens in a container, too."""
    inside = CONTAINER_MISSES.get(rule)
    for fires, text, before in ((False, miss, ''), (False, inside, prefix), (True, act, prefix)):
        if text is None:
            continue
        with tempfile.TemporaryDirectory() as folder:
            since = len(gyr.alerts)
            result = run(text, folder, before)
            found = gyr.wait_for(rule, since, 3 if fires else 0.3)
            if bool(found) != fires:
                what = 'did not fire on' if fires else 'fired on the near miss'
                bad.append(f'{rule}: {what}: {text}\n    output: {result.stdout.decode(errors="replace").strip()[:300]}\n'
                           f'    alerts: {[(a["rule"], a["output"][:150]) for a in gyr.alerts[since:]]}')


def main():
    program, rules = sys.argv[1:3]
    if os.geteuid() != 0:
        print('skipped: live detection needs root')
        return SKIP
    cases = dict(CASES)
    for rule, path in NEEDS_TO_WRITE.items():
        if not can_write(path):
            cases.pop(rule)
            print(f'note: {path} cannot be opened for writing here, "{rule}" is not tested')
    for tool in ('setpriv', 'unshare', 'shred'):
        if not shutil.which(tool):
            print(f'skipped: {tool} is missing')
            return SKIP
    gyr = Gyr(program, rules)
    try:
        if not ready(gyr):
            text = ''.join(gyr.log)
            print('gyr did not start to watch:\n' + text)
            return SKIP if re.search(r'CAP_BPF|CAP_PERFMON|BTF|Operation not permitted', text) else 1
        bad = []
        for rule, (act, miss) in cases.items():
            check(gyr, rule, act, miss, '', bad)
        prefix = container_prefix()
        if prefix:
            inside = in_container()
            if inside:
                print('note: this host is a container itself, acts outside of one cannot be tried')
            for rule, (act, miss) in CONTAINER_CASES.items():
                check(gyr, rule, act, None if inside else miss, prefix, bad)
        else:
            print('note: no cgroup can be made here, the container rules are not tested')
        bad += [f'{name}: the kernel cuts names of programs to 15 bytes, this one never matches' for name in too_long(rules)]
        names = set(re.findall(r'^- rule: (.*)$', open(rules, encoding='utf-8').read(), re.M))
        untested = names - set(CASES) - set(CONTAINER_CASES)
        bad += [f'{name}: has no case in this test' for name in sorted(untested)]
    finally:
        gyr.stop()
        if os.path.exists('/var/log/gyr-keep.log'):
            os.remove('/var/log/gyr-keep.log')
    for text in bad:
        print('FAIL', text)
    tried = len(cases) + (len(CONTAINER_CASES) if prefix else 0)
    print(f'{tried} rules tried, {len(bad)} faults')
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
