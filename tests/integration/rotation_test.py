#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""This host is recorded in several files while processes come and go: each file is a capture of its own. And how much of a
buffer a recording keeps (-s).

usage: rotation_test.py GYR
Needs root and eBPF; ends with status 77 (skipped) and a reason where they are missing.
"""
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

from common import skip

GYR = ''
# The file is opened once, by a process that then writes for as long as the recording lasts: its name and the process's
# arguments must be known in every file, though only the first one saw how they came to be.
LASTING = 'exec 7> "$T/kept-open"; cd /usr/lib; while :; do echo x >&7; sleep 0.02; done'
STORM = 'while :; do /bin/true; (cd /usr; cat /etc/hostname > /dev/null); x=$(echo a | cut -c1); done'


def start(folder, *options):
    process = subprocess.Popen([GYR, 'record', '-w', os.path.join(folder, 'r'), *options], stderr=subprocess.PIPE, text=True,
                               errors='replace')
    log = ''
    for line in process.stderr:
        log += line
        if 'recording this host' in line:
            return process
    process.wait()
    if re.search(r'CAP_BPF|CAP_PERFMON|BTF|Operation not permitted|without live capture', log):
        skip('no live capture here: ' + log.strip())
    print('gyr did not start to record:\n' + log)
    sys.exit(1)


def read(path, *words):
    return subprocess.run([GYR, 'read', path, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          errors='replace', check=False, timeout=300)


def check(name, folder, files, seconds, *options):
    """Number of faults; `files` is what their number must be like."""
    shells = []
    try:
        recorder = start(folder, *options)
        for script in (LASTING, STORM):
            shells.append(subprocess.Popen(['/bin/bash', '-c', script, 'an-argument'], start_new_session=True,
                                           env=dict(os.environ, T=folder), stdin=subprocess.DEVNULL,
                                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        time.sleep(seconds)
        recorder.send_signal(signal.SIGTERM)
        log = recorder.communicate(timeout=120)[1]
    finally:
        for shell in shells:
            os.killpg(shell.pid, signal.SIGKILL)
            shell.wait()
    made = sorted((entry for entry in os.listdir(folder) if entry.startswith('r')),
                  key=lambda entry: os.stat(os.path.join(folder, entry)).st_mtime_ns)
    print(f'{name}: {len(made)} files: {" ".join(made)}; {log.strip().splitlines()[-1]}')
    faults = (recorder.returncode != 0) + (not files(len(made)))
    before = 0
    for entry in made:
        path = os.path.join(folder, entry)
        lasting = read(path, f'proc.pid={shells[0].pid} and evt.type=write', '-p',
                       '%evt.rawtime|%fd.name|%proc.cmdline|%proc.cwd|%proc.pname|%user.name')
        bad = [line for line in lasting.stdout.splitlines()
               if f'|{folder}/kept-open|' not in line or '|/usr/lib/|' not in line or 'an-argument|' not in line or
               line.endswith('|<NA>')]
        lines = read(path, '-p', '%evt.rawtime %proc.name').stdout.splitlines()
        unknown = sum(line.endswith(' <NA>') for line in lines)
        times = [int(line.split()[0]) for line in lines]
        # The last file may have begun just before the end, with no event that fits.
        wrong = (lasting.returncode != 0) + bool(bad) + (not lines and entry != made[-1]) + (unknown * 100 > len(lines)) + \
                bool(times and times[0] < before) + (os.stat(path).st_mode & 0o777 != 0o600) + \
                (not lasting.stdout and entry != made[0] and entry != made[-1])
        print(f'  {entry}: {os.path.getsize(path)} bytes, {len(lines)} events, {unknown} of unknown processes, '
              f'{len(lasting.stdout.splitlines())} writes of the lasting one{", FAULT" if wrong else ""}')
        for line in bad[:3]:
            print('    ' + line)
        if lasting.returncode != 0:
            print('    ' + lasting.stderr.strip())
        faults += wrong
        before = times[-1] if times else before
    return faults


def check_snaplen(folder, kept, *options):
    """Number of faults: of 20,000 bytes that are written `kept` are to be in the recording."""
    recorder = start(folder, *options, 'evt.type=write and fd.name endswith long-write')
    with open(os.path.join(folder, 'long-write'), 'wb', buffering=0) as file:
        # By a process of its own: the recorder leaves nothing out but itself.
        subprocess.run(['dd', 'if=/dev/zero', 'bs=20000', 'count=1', 'status=none'], stdout=file, check=True)
    subprocess.run(['/bin/true'], check=True)
    time.sleep(0.3)
    recorder.send_signal(signal.SIGTERM)
    log = recorder.communicate(timeout=120)[1]
    seen = read(os.path.join(folder, 'r'), 'evt.type=write', '-p', '%evt.rawres|%evt.arg.data')
    got = [(int(line.split('|')[0]), len(line.split('|', 1)[1].replace('NULL', ''))) for line in seen.stdout.splitlines()]
    wrong = recorder.returncode != 0 or got != [(20000, kept)]
    print(f'buffers, {" ".join(options) or "as it comes"}: result and bytes kept {got}{f", FAULT: {kept} wanted" if wrong else ""}')
    if wrong:
        print(log + seen.stderr)
    return wrong


def main():
    if os.geteuid() != 0:
        skip('live capture needs root')
    faults = 0
    for name, files, seconds, options in (
            ('by time', lambda n: 3 <= n <= 6, 4.5, ['-G', '1']),
            ('by size, compressed', lambda n: n >= 2, 6, ['-C', '1', '-z', '-s', '200']),
            ('the newest three', lambda n: n == 3, 6, ['-e', '4000', '-W', '3']),
            ('filtered', lambda n: n >= 2, 4, ['-G', '1', 'evt.type=write or evt.type=execve'])):
        with tempfile.TemporaryDirectory() as folder:
            faults += check(name, folder, files, seconds, *options)
    for kept, options in ((80, []), (0, ['-s', '0']), (8, ['-s', '8']), (16000, ['--snaplen', '16000'])):
        with tempfile.TemporaryDirectory() as folder:
            faults += check_snaplen(folder, kept, *options)
    print(f'{faults} faults')
    return 1 if faults else 0


if __name__ == '__main__':
    GYR = os.path.abspath(sys.argv[1])
    sys.exit(main())
