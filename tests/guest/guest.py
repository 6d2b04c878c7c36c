#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Boots a Debian kernel in QEMU with files of ours, runs one command there, gives back its output and exit status.

usage: guest.py [-v] KERNEL [FILE[:PLACE]]... -- COMMAND...
       e.g. guest.py 5.10 build/dev/gyr build/dev/tests/live/gyr_live_test -- /bin/gyr_live_test --gtest_filter='Open*'
KERNEL is a name of the table KERNELS below. Each FILE is put at PLACE (/bin/NAME unless said); a program brings its shared
libraries. The guest has busybox (its shell runs COMMAND), /proc, /sys with tracefs and securityfs, cgroup2 and a loopback
device, two CPUs and no disk. The exit status is the command's; 77 when the guest cannot be had, with the reason. -v shows
what the kernel says.

Guests are emulated (TCG), since nested virtualisation cannot be counted on: calls take five times as long as they do
natively. What cannot be attached on a developer's machine because of lockdown works here on every x86-64 kernel of the
table: fentry, fexit, LSM programs (say `lsm` below: Debian leaves bpf out of the list), kprobes. A test of such a program
is a few lines:
    with Guest('6.12', options='lsm=capability,bpf') as guest:
        guest.add(program)
        ran = guest.run('/bin/program')    # ran.status, ran.output, ran.seconds
"""
import argparse
import fcntl
import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tools'))
from debian import Archive, Unavailable  # noqa: E402

CACHE = ROOT / 'build' / 'guest'
SKIP = 77
BOOT_S = 60  # what booting may take on a loaded machine; added to the limit of a run
MEMORY_MIB = 768
BEGIN, END = '<<guest begins>>', '<<guest ends>>'

# name: (release of Debian, machine). The newest kernel of the release is taken.
KERNELS = {
    '5.10': ('bullseye', 'amd64'),
    '6.1': ('bookworm', 'amd64'),
    '6.12': ('trixie', 'amd64'),
    'newest': ('sid', 'amd64'),
    'arm64-6.1': ('bookworm', 'arm64'),
    'arm64-6.12': ('trixie', 'arm64'),
}
QEMU = {
    'amd64': ['qemu-system-x86_64', '-M', 'q35', '-cpu', 'max'],
    'arm64': ['qemu-system-aarch64', '-M', 'virt', '-cpu', 'cortex-a72'],
}
CONSOLE = {'amd64': 'ttyS0', 'arm64': 'ttyAMA0'}
LIBRARIES = {'amd64': 'x86_64-linux-gnu', 'arm64': 'aarch64-linux-gnu'}

INIT = '''#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /tmp /run /var /root /sbin /usr/bin /usr/sbin /usr/lib /usr/share
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs devtmpfs /dev 2> /dev/null
/bin/busybox --install -s
for kind in tracefs:tracing securityfs:security bpf:bpf cgroup2:cgroup; do
  place=/sys/kernel/${kind#*:}
  case $kind in bpf:*|cgroup2:*) place=/sys/fs/${kind#*:};; esac
  mount -t ${kind%:*} none $place 2> /dev/null
done
mkdir -p /dev/shm /dev/pts
mount -t tmpfs none /dev/shm
mount -t devpts none /dev/pts
ip link set lo up
export TERM=dumb PATH=/bin:/sbin:/usr/bin:/usr/sbin HOME=/root LD_LIBRARY_PATH=/lib
stty -opost
echo "@BEGIN@"
sh /command < /dev/null 2>&1
status=$?
echo
echo "@END@ $status"
poweroff -f
'''.replace('@BEGIN@', BEGIN).replace('@END@', END)


class Ran:
    """What came of a command: exit status (None when it did not end in time or the kernel stopped), output, seconds."""

    def __init__(self, log, seconds):
        self.log, self.seconds = log, seconds
        begin, end = log.find(BEGIN), log.rfind(END)
        self.status = int(log[end + len(END):].split()[0]) if end >= 0 else None
        self.output = log[begin + len(BEGIN) + 1:end if end >= 0 else None] if begin >= 0 else ''


def kernel_image(name):
    """The kernel's file, fetched once."""
    suite, machine = KERNELS[name]
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / 'lock', 'w', encoding='utf-8') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several tests may start at once
        kept = CACHE / f'vmlinuz-{name}'
        if not kept.exists():
            archive = Archive(suite, machine)
            names = [package for package in archive.needed([f'linux-image-cloud-{machine}'])
                     if re.match(r'linux-(image|binary)-[0-9]', package)]
            with tempfile.TemporaryDirectory(dir=CACHE) as folder:
                archive.unpack(names, folder)
                found = sorted(pathlib.Path(folder).rglob('vmlinu[xz]*'))
                if not found:
                    raise Unavailable(f'no kernel in {", ".join(names)}')
                shutil.move(found[-1], kept)
        return kept


def busybox(machine):
    """A static busybox for the machine, fetched once."""
    with open(CACHE / 'lock', 'w', encoding='utf-8') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = CACHE / f'busybox-{machine}'
        if not kept.exists():
            with tempfile.TemporaryDirectory(dir=CACHE) as folder:
                Archive('bookworm', machine).unpack(['busybox-static'], folder)
                shutil.move(pathlib.Path(folder) / 'bin' / 'busybox', kept)
        return kept


class Initramfs:
    """A file tree as the kernel unpacks it at boot (cpio, newc)."""

    def __init__(self):
        self._bytes = bytearray()
        self._number = 0
        self._known = set()

    def _entry(self, path, mode, content):
        self._number += 1
        name = path.encode() + b'\0'
        fields = (self._number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name), 0)
        for part in (b'070701' + b''.join(b'%08x' % field for field in fields) + name, content):
            self._bytes += part + b'\0' * (-len(part) % 4)

    def add(self, path, content, mode=0o755):
        path = path.strip('/')
        if path in self._known:
            return
        above = os.path.dirname(path)
        if above and above not in self._known:
            self.add(above, None)
        self._known.add(path)
        self._entry(path, (stat.S_IFREG if content is not None else stat.S_IFDIR) | mode, content or b'')

    def done(self):
        """The archive; more may be added to it later."""
        end = Initramfs()
        end._entry('TRAILER!!!', 0, b'')
        return bytes(self._bytes + end._bytes)


class Guest:
    """One machine to be. Files are added, then each run() boots it afresh."""

    def __init__(self, kernel, options=''):
        if kernel not in KERNELS:
            raise Unavailable(f'unknown kernel {kernel}; there are {", ".join(KERNELS)}')
        self.machine = KERNELS[kernel][1]
        if shutil.which(QEMU[self.machine][0]) is None:
            raise Unavailable(f'{QEMU[self.machine][0]} is not installed')
        self.kernel, self.options = kernel_image(kernel), options
        self._files = Initramfs()
        self._temporary = tempfile.TemporaryDirectory()
        self.add_bytes('/bin/busybox', busybox(self.machine).read_bytes())
        self.add_bytes('/init', INIT.encode())
        self.add_bytes('/etc/passwd', b'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n', 0o644)
        self.add_bytes('/etc/group', b'root:x:0:\nnogroup:x:65534:\n', 0o644)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._temporary.cleanup()

    def add_bytes(self, place, content, mode=0o755):
        self._files.add(place, content, mode)

    def add(self, file, place=None):
        """A file of the host; a program with the shared libraries it names."""
        file = pathlib.Path(file)
        content = file.read_bytes()
        if content.startswith(b'\x7fELF'):
            self._add_libraries(file)
            content = self._stripped(file)
        self.add_bytes(place or f'/bin/{file.name}', content, stat.S_IMODE(file.stat().st_mode))

    def _folders(self):
        """Where shared libraries of the machine are: on the host, or in the files the cross build links with."""
        triplet = LIBRARIES[self.machine]
        roots = [ROOT / 'build' / f'{self.machine}-sysroot', pathlib.Path('/')]
        return [root / place / triplet for root in roots for place in ('lib', 'usr/lib')]

    def _tool(self, name):
        cross = f'{LIBRARIES[self.machine]}-{name}'
        return cross if shutil.which(cross) else name

    def _add_libraries(self, file):
        told = subprocess.run([self._tool('readelf'), '-dlW', file], capture_output=True, text=True, check=True).stdout
        needed = {name: f'/lib/{name}' for name in re.findall(r'\(NEEDED\).*\[(.*)\]', told)}
        for interpreter in re.findall(r'program interpreter: (.*)\]', told):
            needed[os.path.basename(interpreter)] = interpreter
        for name, place in needed.items():
            found = next((folder / name for folder in self._folders() if (folder / name).exists()), None)
            if found is None:
                raise Unavailable(f'{file} needs {name}, which is not in {self._folders()[0]}')
            if place.strip('/') not in self._files._known:
                self.add(found, place)

    def _stripped(self, file):
        """The bytes without debug information, which would only fill the guest's memory."""
        smaller = os.path.join(self._temporary.name, 'stripped')
        done = subprocess.run([self._tool('strip'), '--strip-debug', '-o', smaller, file], capture_output=True, check=False)
        return pathlib.Path(smaller if done.returncode == 0 else file).read_bytes()

    def run(self, command, limit_s=60, verbose=False):
        """Boots, runs the shell command, powers off. The limit is the command's; booting has its own."""
        initramfs = os.path.join(self._temporary.name, 'initramfs')
        files = Initramfs()
        files.add('command', command.encode())
        with open(initramfs, 'wb') as out:
            out.write(self._files.done())
            out.write(files.done())
        level = 7 if verbose else 1
        line = f'console={CONSOLE[self.machine]} loglevel={level} panic=-1 rdinit=/init {self.options}'
        machine = [*QEMU[self.machine], '-accel', 'tcg', '-m', str(MEMORY_MIB), '-smp', '2', '-nodefaults', '-nographic',
                   '-serial', 'stdio', '-no-reboot', '-kernel', self.kernel, '-initrd', initramfs, '-append', line]
        start = time.monotonic()
        process = subprocess.Popen(machine, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            log, _ = process.communicate(timeout=limit_s + BOOT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            log, _ = process.communicate()
        return Ran(log.decode(errors='replace').replace('\r\n', '\n'), time.monotonic() - start)


def main():
    parser = argparse.ArgumentParser(usage=__doc__, add_help=False)
    parser.add_argument('-v', action='store_true')
    parser.add_argument('kernel')
    parser.add_argument('files', nargs='*')
    arguments = sys.argv[1:]
    if '--' not in arguments:
        sys.exit(__doc__)
    at = arguments.index('--')
    options = parser.parse_args(arguments[:at])
    try:
        with Guest(options.kernel) as guest:
            for file in options.files:
                guest.add(*file.split(':', 1))
            ran = guest.run(' '.join(arguments[at + 1:]), verbose=options.v)
    except Unavailable as fault:
        print(f'skipped: {fault}')
        sys.exit(SKIP)
    print(ran.log if options.v or ran.status is None else ran.output, end='')
    print(f'{ran.seconds:.1f} s', file=sys.stderr)
    sys.exit('the guest stopped or ran out of time' if ran.status is None else ran.status)


if __name__ == '__main__':
    main()
