#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two hundred damaged captures and two hundred damaged rule files, given to the real program: it never crashes or
hangs and always explains itself. The damage is the same in every run.

usage: damage_test.py GYR [CAPTURE_TEST] [--keep FOLDER]
Captures come from the program gyr_capture_test and, if it is there, the conformance folder.
A capture is run twice: with a rule, and printed. What it holds before the damage must be processed.
"""
import argparse
import collections
import gzip
import os
import pathlib
import random
import re
import struct
import subprocess
import sys
import tempfile

from common import ROOT

COUNT = 200
TIMEOUT_S = 60  # generous: a program under a sanitizer, on a busy machine
LARGEST_CAPTURE = 64 * 1024  # of a larger one so much is used, so that damage is often near the lists
RULE = '''- rule: Any
  desc: every event
  condition: evt.num >= 0
  output: "%evt.num %evt.type %proc.cmdline %fd.name %evt.args"
  priority: INFO
'''
PLACE = re.compile(r'capture file (\S+): offset (\d+)( of the uncompressed data)?: \S+')
# What a sanitizer or our own checks print when they stop the program.
CRASH = re.compile(r'Sanitizer|runtime error|GYR_CHECK|check failed|terminate called|Assertion')


class Failure(Exception):
    """What the program did and must not do."""


def run(gyr, *arguments):
    try:
        result = subprocess.run([gyr, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                errors='surrogateescape', timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise Failure(f'hangs: no end after {TIMEOUT_S} s') from None
    if result.returncode not in (0, 1):
        raise Failure(f'ends with status {result.returncode}: {result.stderr[-2000:]}')
    if CRASH.search(result.stderr):
        raise Failure(result.stderr[-2000:])
    return result


def block_starts(capture):
    starts, at = [], 0
    while at + 8 <= len(capture):
        starts.append(at)
        length = struct.unpack_from('<I', capture, at + 4)[0]
        if length < 12:
            break
        at += length
    return starts


def damage_capture(content, dice):
    """Returns the damaged content and what was done."""
    at = dice.randrange(len(content))
    kind = dice.randrange(6)
    if kind == 0:
        return content[:at], f'cut at {at}'
    if kind == 1:
        bit = 1 << dice.randrange(8)
        return content[:at] + bytes([content[at] ^ bit]) + content[at + 1:], f'bit {bit} at {at} flipped'
    if kind == 2:
        at = dice.choice(block_starts(content)) + 4
        length = dice.choice([dice.randrange(200), dice.randrange(1 << 32), 0xFFFFFFFF, 0x7FFFFFFC])
        return content[:at] + struct.pack('<I', length) + content[at + 4:], f'block length at {at} is {length}'
    if kind == 3:
        size = 1 + dice.randrange(64)
        return content[:at] + dice.randbytes(size) + content[at + size:], f'{size} random bytes at {at}'
    if kind == 4:
        size = 1 + dice.randrange(64)
        return content[:at] + content[at + size:], f'{size} bytes at {at} gone'
    # The front, where the lists of threads, descriptors and users are.
    at = dice.randrange(min(len(content), 4096))
    size = dice.choice([1, 2, 4, 8])
    return content[:at] + b'\xff' * size + content[at + size:], f'{size} bytes at {at} are 0xff'


def capture_sources(capture_test, data, folder):
    """Undamaged captures, unpacked."""
    paths = []
    if capture_test:
        subprocess.run([capture_test, '--gtest_filter=FuzzSeeds.*'], check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, 'GYR_FUZZ_SEEDS': folder})
        paths += sorted(pathlib.Path(folder).glob('*.scap'))
    paths += sorted(pathlib.Path(data, 'captures').glob('*.scap'))
    sources = []
    for path in paths:
        content = path.read_bytes()
        if content[:2] == b'\x1f\x8b':
            with gzip.open(path) as file:
                content = file.read(LARGEST_CAPTURE)
        content = content[:LARGEST_CAPTURE]
        sources.append((path.name, content[:(block_starts(content) or [0])[-1]]))
    return [(name, content) for name, content in sources if content]


def check_capture(gyr, rules, path, whole, shorter):
    """`whole`: what the undamaged capture prints. Returns the exit status."""
    printed = run(gyr, 'read', path, '-p', '%evt.num %evt.rawtime %evt.type')
    detected = run(gyr, '-r', rules, '-e', path)
    for result in (printed, detected):
        place = PLACE.search(result.stderr)
        if result.returncode == 1 and (not place or place.group(1) != path):
            raise Failure(f'does not say file, offset and reason: {result.stderr!r}')
    if detected.returncode != printed.returncode:
        raise Failure(f'read ends with {printed.returncode}, detection with {detected.returncode}')
    lines = printed.stdout.splitlines()
    # A capture that could not even be opened has no statistics; any other has, faulty or not.
    counted = re.search(r'^Events detected: (\d+)$', detected.stdout, re.M)
    if int(counted.group(1) if counted else 0) != len(lines) or (detected.returncode == 0 and not counted):
        raise Failure(f'prints {len(lines)} events and detects {counted.group(1) if counted else "none"}')
    if shorter and lines != whole[:len(lines)]:
        raise Failure('prints other events than those before the cut')
    return printed.returncode


def damaged_captures(gyr, capture_test, data, folder):
    sources = capture_sources(capture_test, data, os.path.join(folder, 'whole'))
    if not sources:
        print('captures: skipped, neither gyr_capture_test nor conformance data')
        return 0
    rules = os.path.join(folder, 'any.yaml')
    pathlib.Path(rules).write_text(RULE, encoding='utf-8')
    whole = {}
    statuses = collections.Counter()
    failures = 0
    for seed in range(COUNT):
        dice = random.Random(seed)
        name, content = sources[seed % len(sources)]
        damaged, how = damage_capture(content, dice)
        path = os.path.join(folder, f'damaged-{seed:03}.scap')
        pathlib.Path(path).write_bytes(gzip.compress(damaged, 1) if dice.randrange(4) == 0 else damaged)
        try:
            if name not in whole:
                whole_path = os.path.join(folder, f'whole-{name}')
                pathlib.Path(whole_path).write_bytes(content)
                whole[name] = run(gyr, 'read', whole_path, '-p', '%evt.num %evt.rawtime %evt.type').stdout.splitlines()
            statuses[check_capture(gyr, rules, path, whole[name], how.startswith('cut'))] += 1
        except Failure as failure:
            failures += 1
            print(f'capture {seed}, {name}, {how}: {failure}')
    print(f'captures: {COUNT} of {len(sources)} sources, {statuses[1]} refused, {statuses[0]} read to their end, '
          f'{failures} failures')
    # Damage that is never noticed, or always, would be a test that cannot fail.
    return failures + (statuses[1] < COUNT // 3 or statuses[0] == 0)


def damage_rules(text, dice):
    done = []
    for _ in range(1 + dice.randrange(3)):
        at = dice.randrange(max(1, len(text)))
        size = 1 + dice.randrange(40)
        kind = dice.randrange(7)
        done.append(f'{kind} at {at}')
        if kind == 0:
            text = text[:at]
        elif kind == 1:
            text = text[:at] + bytes([dice.randrange(256)]) + text[at + 1:]
        elif kind == 2:
            text = text[:at] + text[at + size:]
        elif kind == 3:
            text = text[:at] + dice.choice([b':', b'-', b'[', b'}', b'"', b"'", b'&a', b'*a', b'|', b'>', b'%', b',', b'\n',
                                            b'\t', b'\\', b'(', b' and ', b'\0', b'\xff']) + text[at:]
        elif kind == 4:
            to = dice.randrange(max(1, len(text)))
            text = text[:to] + text[at:at + size] + text[to:]
        elif kind == 5:
            lines = text.split(b'\n')
            line = lines.pop(dice.randrange(len(lines)))
            lines.insert(dice.randrange(len(lines) + 1), line)
            text = b'\n'.join(lines)
        else:
            text = text[:at] + text[at:].replace(b'  ', b' ', 1 + dice.randrange(3))
    return text, ', '.join(done)


def check_rules(gyr, path, text):
    result = run(gyr, '-V', path)
    said = result.stdout + result.stderr
    if result.returncode == 0:
        if f'{path}: Ok' not in said:
            raise Failure(f'accepts the file and does not say so: {said!r}')
        return 0
    place = re.search(re.escape(path) + r':(\d+):(\d+)', said)
    if not place:
        raise Failure(f'names no file, line and column: {said!r}')
    lines = re.split(rb'\r\n|\r|\n', text)
    if not 1 <= int(place.group(1)) <= len(lines) or int(place.group(2)) < 1:
        raise Failure(f'the place {place.group(0)} is not in the file of {len(lines)} lines')
    if not re.search(r'LOAD_\w+', said):
        raise Failure(f'has no code: {said!r}')
    return 1


def damaged_rules(gyr, data, folder):
    sources = sorted([*pathlib.Path(ROOT, 'rules').glob('*.yaml'), *pathlib.Path(ROOT, 'tests', 'rules', 'golden').glob('*.yaml'),
                      *pathlib.Path(data, 'rulesets').glob('*.yaml')])
    statuses = collections.Counter()
    failures = 0
    for seed in range(COUNT):
        source = sources[seed % len(sources)]
        text, how = damage_rules(source.read_bytes(), random.Random(1000 + seed))
        path = os.path.join(folder, f'damaged-{seed:03}.yaml')
        pathlib.Path(path).write_bytes(text)
        try:
            statuses[check_rules(gyr, path, text)] += 1
        except Failure as failure:
            failures += 1
            print(f'rules {seed}, {source.name}, {how}: {failure}')
    print(f'rules: {COUNT} of {len(sources)} sources, {statuses[1]} refused, {statuses[0]} accepted, {failures} failures')
    return failures + (statuses[1] < COUNT // 3 or statuses[0] == 0)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('gyr')
    parser.add_argument('capture_test', nargs='?')
    parser.add_argument('--keep', help='a folder for the damaged files')
    arguments = parser.parse_args()
    data = os.environ.get('GYR_CONFORMANCE') or os.path.join(ROOT, '..', 'shared', 'conformance')
    if not os.path.isdir(data):
        print(f'no conformance data at {os.path.normpath(data)}: only files of our own are damaged')
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or temporary
        os.makedirs(os.path.join(folder, 'whole'), exist_ok=True)
        bad = damaged_captures(arguments.gyr, arguments.capture_test, data, folder)
        bad += damaged_rules(arguments.gyr, data, folder)
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
