#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Files that gyr writes open in genuine sysdig, which shows the same events with the same values of fields.

usage: sysdig_test.py GYR
GYR_SYSDIG_ROOT names the root folder of a system with sysdig 0.41 (Debian sid, made by debootstrap, with `apt-get install
sysdig`); without it, or where chroot is not allowed, the test is skipped with the reason. Recorded are the conformance
captures, whole, compressed and in rotated files, and this host where live capture is possible.

That sysdig's table of events is older: it aborts on events with more parameters than it knows. Those few (`sysdig -L` tells
which) are taken out of the file before both programs read it.
"""
import glob
import gzip
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time

from common import ROOT, skip

GYR = ''
SYSDIG_ROOT = os.environ.get('GYR_SYSDIG_ROOT', '')
DATA = os.environ.get('GYR_CONFORMANCE') or os.path.join(ROOT, '..', 'shared', 'conformance')
CAPTURES = ('cat_write', 'sample', 'net', 'curl_google', 'open-multiple-files', 'run_as_user_0_container')
# The number of an event is its place in the file for sysdig, that of a shown or state-only event for gyr.
FIELDS = '''evt.rawtime evt.type evt.cpu evt.failed evt.rawres evt.res evt.is_io evt.buflen evt.arg[0] evt.arg[1]
    proc.name proc.pid proc.ppid proc.pname proc.aname[2] proc.exe proc.exepath proc.cmdline proc.args proc.cwd proc.tty
    proc.sid proc.vpid proc.loginshellid proc.fdlimit proc.nchilds thread.tid thread.vtid
    thread.ismain user.uid user.name group.gid group.name fd.num fd.type fd.name fd.typechar fd.l4proto fd.cip fd.sip
    fd.cport fd.sport fd.is_server fd.directory fd.filename'''.split()
# The format's lists do not tell which end of a connection is the server, nor that a thread has just ended or begun, so
# sysdig does not know it in a file that begins in the middle of things (gyr does). There these are not compared:
NOT_IN_LISTS = {'fd.l4proto', 'fd.cip', 'fd.sip', 'fd.cport', 'fd.sport', 'fd.is_server', 'proc.nchilds', 'evt.arg[0]', 'evt.arg[1]'}
# … and values of these may differ in one of so many events: a child that was made before the file gets its parent's
# descriptors once more when it first runs.
INHERITED = {'fd.num', 'fd.type', 'fd.typechar', 'fd.name', 'fd.directory', 'fd.filename', 'evt.buflen'}
SHARE = 50
# Where the event that made a socket is taken out, neither knows its role: an end may be named first or last.
ROLES = {'fd.cport', 'fd.sport'}
SEPARATOR = f'<{os.urandom(4).hex()}>'  # in no text that is recorded
KIND, THREAD = FIELDS.index('evt.type'), FIELDS.index('proc.pid')
INTERNAL = {b'procinfo', b'scapevent', b'notification', b'infra', b'container', b'useradded', b'groupadded'}
EVENT_BLOCKS = {0x216: 2, 0x217: 6, 0x221: 2, 0x222: 6}  # number: bytes before the event


def sysdig(*arguments):
    return subprocess.run(['chroot', SYSDIG_ROOT, 'sysdig', *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                          check=False, timeout=600)


def gyr(*arguments):
    return subprocess.run([GYR, *arguments], stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=600)


def newer_events():
    """{type of an event: number of parameters that sysdig knows of it}, where gyr may write more."""
    known = {}
    for line in sysdig('-L').stdout.decode().splitlines():
        match = re.match(r'([<>]) ([^(]+)\((.*)\)$', line)
        if match:
            count = len(match[3].split(', ')) if match[3] else 0
            known[match[1], match[2]] = max(count, known.get((match[1], match[2]), 0))
    ours = {}
    with open(os.path.join(ROOT, 'src', 'schema', 'events.def'), encoding='utf-8') as table:
        for line in table:
            if match := re.match(r'GYR_EVENT\((\d+), (\w+), "([^"]*)"', line):
                ours[match[2]] = [int(match[1]), match[3], 0]
            elif match := re.match(r'GYR_PARAM\((\w+),', line):
                ours[match[1]][2] += 1
    newer = {}
    for number, name, count in ours.values():
        limit = known.get(('<' if number & 1 else '>', name))
        if limit is not None and limit < count:
            newer[number] = limit
    return newer


def without(content, newer):
    """The capture without events of more parameters than sysdig knows; and how many there were."""
    kept, at, dropped = [], 0, 0
    while at < len(content):
        number, length = struct.unpack_from('<II', content, at)
        if number in EVENT_BLOCKS:
            event = at + 8 + EVENT_BLOCKS[number]
            kind, count = struct.unpack_from('<HI', content, event + 20)
            if count > newer.get(kind, count):
                dropped += 1
                at += length
                continue
        kept.append(content[at:at + length])
        at += length
    return b''.join(kept), dropped


def plain(value):
    """What both print alike: gyr escapes control bytes and prints the others, sysdig leaves some out."""
    return re.sub(rb'\\(n|x[0-9a-f]{2})|[\x00-\x1f\x7f-\xff]', b'', value)


def ends(value):
    """Of a connection, in no order."""
    return sorted(re.sub(rb'^<\w+>', b'', value).split(b'->'))


def differing(theirs, ours, ignored):
    """{field: [(number, sysdig's value, gyr's value), …]}"""
    faults = {}
    for number, (line, other) in enumerate(zip(theirs, ours)):
        if line == other or (ignored is NOT_IN_LISTS and other[THREAD] == b'<NA>'):
            continue
        for field, value, own in zip(FIELDS, line, other):
            # A list has "/" for no directory.
            same = (plain(value) == plain(own) or (ignored is ROLES and b'->' in own and ends(value) == ends(own)) or
                    (ignored is NOT_IN_LISTS and field == 'proc.cwd' and {value, own} == {b'/', b''}))
            if not same and field not in ignored:
                faults.setdefault(field, []).append((number, value, own))
    if ignored is NOT_IN_LISTS:
        return {field: cases for field, cases in faults.items() if field not in INHERITED or len(cases) * SHARE > len(ours)}
    return faults


def compare(name, file, newer, folder, rotated):
    """Number of faults."""
    with open(file, 'rb') as opened:
        content = opened.read()
    packed = content[:2] == b'\x1f\x8b'
    content, dropped = without(gzip.decompress(content) if packed else content, newer)
    target = os.path.join(folder, 'file.scap')
    # What nothing was taken out of is read as gyr wrote it.
    if dropped:
        with open(target, 'wb') as copy:
            copy.write(gzip.compress(content) if packed else content)
    else:
        shutil.copy(file, target)
    text = SEPARATOR.join('%' + field for field in FIELDS)
    theirs = sysdig('-r', os.path.join('/', os.path.relpath(target, SYSDIG_ROOT)), '-p', '*' + text)
    ours = gyr('read', target, '-p', text)
    if theirs.returncode != 0 or ours.returncode != 0:
        print(f'{name}: sysdig ended with {theirs.returncode}, gyr with {ours.returncode}: '
              f'{(theirs.stderr + ours.stderr).decode(errors="replace")[-500:]}')
        return 1
    theirs, ours = ([line.split(SEPARATOR.encode()) for line in result.stdout.split(b'\n')[:-1]] for result in (theirs, ours))
    # sysdig shows no events about itself; any other event must be shown by both, in the same order.
    nothing = not ours  # a file may well hold nothing but events about sysdig itself
    unseen = {line[KIND] for line in ours} - {line[KIND] for line in theirs}
    ours = [line for line in ours if line[KIND] not in unseen & INTERNAL]
    faults = differing(theirs, ours, NOT_IN_LISTS if rotated else ROLES if dropped else set())
    print(f'{name}: {len(theirs)} events in sysdig, {len(ours)} in gyr; {dropped} newer ones were taken out; '
          f'{sum(map(len, faults.values()))} values differ')
    for field, cases in faults.items():
        print(f'  {field}: {len(cases)} times, first event {cases[0][0]}, {theirs[cases[0][0]][KIND].decode()}: '
              f'sysdig {cases[0][1][:120]!r}, gyr {cases[0][2][:120]!r}')
    return len(faults) + (len(theirs) != len(ours)) + nothing


def compare_json(capture, folder):
    """Number of faults: `gyr read -j` prints the objects that `sysdig -j` prints."""
    target = os.path.join(folder, 'json.scap')
    made = gyr('record', '-w', target, '-r', capture)
    fields = '*' + ' '.join('%' + field for field in (*FIELDS, 'evt.time', 'evt.args', 'evt.datetime'))
    hidden = ', '.join(name.decode() for name in sorted(INTERNAL))
    theirs = sysdig('-r', os.path.join('/', os.path.relpath(target, SYSDIG_ROOT)), '-j', '-p', fields).stdout.splitlines()
    ours = gyr('read', target, f'not evt.type in ({hidden})', '-j', '-p', fields).stdout.splitlines()
    theirs = [json.loads(line) for line in theirs if line.startswith(b'{')]
    ours = [json.loads(line) for line in ours]
    bad = [(a, b) for a, b in zip(theirs, ours) if a != b]
    print(f'JSON of {os.path.basename(capture)}: {len(theirs)} objects in sysdig, {len(ours)} in gyr, {len(bad)} differ')
    for a, b in bad[:3]:
        print('  ' + ', '.join(f'{key}: sysdig {a.get(key)!r}, gyr {b.get(key)!r}' for key in {*a, *b} if a.get(key) != b.get(key)))
    return len(bad) + (len(theirs) != len(ours)) + (not ours) + (made.returncode != 0)


def recorded(capture, folder):
    """(what, file, whether it begins in the middle) of a capture as gyr writes it: whole, compressed, in several files."""
    for what, options in (('whole', []), ('compressed', ['-z']), ('rotated', ['-e', '400'])):
        path = os.path.join(folder, what)
        result = gyr('record', '-w', path, '-r', capture, *options)
        if result.returncode != 0:
            print(result.stderr.decode())
            sys.exit(1)
        files = [path] if what != 'rotated' else sorted(glob.glob(path + '[0-9]*'), key=lambda p: int(p[len(path):]))
        for file in files[:4] + files[-1:] if len(files) > 5 else files:
            yield os.path.basename(file), file, what == 'rotated' and not file.endswith('rotated0')


def recorded_live(folder):
    path = os.path.join(folder, 'live')
    process = subprocess.Popen([GYR, 'record', '-w', path, '-e', '3000'], stderr=subprocess.PIPE, text=True)
    line = process.stderr.readline()
    if 'recording this host' not in line:
        print('no live recording is compared: ' + line.strip())
        process.wait()
        return
    for _ in range(30):
        subprocess.run(['/bin/sh', '-c', 'cat /etc/hostname > /dev/null; cd /usr; ls | wc -l > /dev/null'], check=False)
    time.sleep(0.5)
    process.terminate()
    process.communicate(timeout=60)
    for file in sorted(glob.glob(path + '[0-9]*'))[:3]:
        yield os.path.basename(file), file, not file.endswith('live0')


def main():
    if not SYSDIG_ROOT:
        skip('GYR_SYSDIG_ROOT does not name the root of a system with sysdig')
    if os.geteuid() != 0:
        skip('chroot needs root')
    version = sysdig('--version') if os.path.isdir(SYSDIG_ROOT) else None
    if version is None or version.returncode != 0:
        skip(f'no sysdig runs in {SYSDIG_ROOT}')
    print(version.stdout.decode().strip())
    newer = newer_events()
    faults = 0
    with tempfile.TemporaryDirectory(dir=os.path.join(SYSDIG_ROOT, 'tmp')) as folder:
        for capture in CAPTURES:
            path = os.path.join(DATA, 'captures', capture + '.scap')
            if not os.path.isfile(path):
                print(f'no {path}; set GYR_CONFORMANCE')
                continue
            if capture == 'sample':
                faults += compare_json(path, folder)
            with tempfile.TemporaryDirectory() as made:
                for what, file, rotated in recorded(path, made):
                    faults += compare(f'{capture}, {what}', file, newer, folder, rotated)
        with tempfile.TemporaryDirectory() as made:
            for what, file, rotated in recorded_live(made):
                faults += compare(what, file, newer, folder, rotated)
    print(f'{faults} faults')
    return 1 if faults else 0


if __name__ == '__main__':
    GYR = os.path.abspath(sys.argv[1])
    sys.exit(main())
