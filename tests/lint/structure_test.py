#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rules of structure that no compiler checks.

usage: structure_test.py CHECKOUT
Includes stay inside the closure of modules.txt; public headers include only themselves and std; files and lines have a
bounded size; every source names its licence; no banned words; every package of packages.txt has its reason in the docs; the
tests that docs/failure-modes.md names exist; links of pages lead somewhere.
"""
import os
import re
import shutil
import subprocess
import sys

FILE_LINES_MAX = 700
LINE_MAX = 100
BANNED = re.compile(r'\b(TODO|FIXME|XXX|HACK)\b')
EXEMPT_SIZE = re.compile(r'\.def$|vmlinux_min\.h$')


def tracked(root, *patterns):
    out = subprocess.run(['git', '-C', root, 'ls-files', *patterns], capture_output=True, text=True, check=True)
    return [f for f in out.stdout.splitlines() if os.path.isfile(os.path.join(root, f))]


def check_failure_modes(root):
    """Each row names files of tests, and after a file names that stand in it."""
    page = 'docs/failure-modes.md'
    for number, line in enumerate(open(os.path.join(root, page), encoding='utf-8'), 1):
        if not line.startswith('|') or number < 8:
            continue
        text = None
        for word in re.findall(r'`([^`]+)`', line.rsplit('|', 2)[1]):
            if word.startswith('tests/'):
                path = os.path.join(root, word)
                text = open(path, encoding='utf-8').read() if os.path.isfile(path) else None
                if text is None:
                    report(f'{page}:{number}: there is no {word}')
            elif text is None or word not in text:
                report(f'{page}:{number}: the test {word} is not in the file named before it')


def anchors_of(path):
    """Of a page's headings, as GitHub names them."""
    names = []
    for line in prose_of(path):
        if line.startswith('#'):
            plain = re.sub(r'[^\w\- ]', '', line.lstrip('#').strip().lower()).replace(' ', '-')
            names.append(f'{plain}-{names.count(plain)}' if plain in names else plain)
    return names


def prose_of(path):
    """The lines of a page outside its blocks of code."""
    code = False
    for line in open(path, encoding='utf-8'):
        code ^= line.lstrip().startswith('```')
        yield '\n' if code else line


def check_links(root):
    for page in tracked(root, '*.md'):
        path = os.path.join(root, page)
        for number, line in enumerate(prose_of(path), 1):
            for file, anchor in re.findall(r'\]\(([^)#\s]*)#?([^)\s]*)\)', re.sub('`[^`]*`', '', line)):
                target = os.path.normpath(os.path.join(os.path.dirname(path), file)) if file else path
                if '://' in file:
                    continue
                if not os.path.exists(target):
                    report(f'{page}:{number}: there is no {file}')
                elif anchor and anchor not in anchors_of(target):
                    report(f'{page}:{number}: {file or page} has no heading #{anchor}')


def read_modules(root):
    closure = {}
    for line in open(os.path.join(root, 'modules.txt'), encoding='utf-8'):
        match = re.match(r'^([a-z0-9_]+):(.*)$', line)
        if not match:
            continue
        name, uses = match[1], match[2].split()
        reach = {name}
        for use in uses:
            if use not in closure:
                report(f'modules.txt: {name} names {use}, which is not a line above it')
                continue
            reach |= closure[use]
        closure[name] = reach
    return closure


errors = []


def report(text):
    errors.append(text)


def check_includes(root, closure):
    for path in tracked(root, 'src/*'):
        if not path.endswith(('.h', '.cpp', '.def')):
            continue
        module = path.split('/')[1]
        if module not in closure:
            report(f'{path}: module {module} has no line in modules.txt')
            continue
        for number, line in enumerate(open(os.path.join(root, path), encoding='utf-8'), 1):
            match = re.match(r'\s*#\s*include "([a-z0-9_]+)/', line)
            if match and match[1] in closure and match[1] not in closure[module]:
                report(f'{path}:{number}: {module} may not include {match[1]} (modules.txt)')


def check_public_headers(root):
    """Each compiles alone, with nothing but the others and the standard library in sight."""
    compiler = shutil.which(os.environ.get('CXX', 'c++'))
    for path in tracked(root, 'include/gyr/*.h'):
        name = path.removeprefix('include/')
        for number, line in enumerate(open(os.path.join(root, path), encoding='utf-8'), 1):
            match = re.match(r'\s*#\s*include (?:"(.*)"|<(.*)>)', line)
            if match and not (match[1] or 'gyr/').startswith('gyr/'):
                report(f'{path}:{number}: public headers include only <std> and "gyr/…"')
            if match and match[2] and not re.fullmatch(r'[a-z_]+', match[2]):
                report(f'{path}:{number}: <{match[2]}> is no header of the C++ standard library')
        if compiler:
            result = subprocess.run([compiler, '-std=c++20', '-Wall', '-Wextra', '-Werror', '-fsyntax-only', '-x', 'c++',
                                     '-I', os.path.join(root, 'include'), '-'], input=f'#include "{name}"\n',
                                    capture_output=True, text=True, check=False)
            if result.returncode:
                report(f'{path}: does not compile alone: {result.stderr.splitlines()[0]}')


def check_texts(root):
    for path in tracked(root, '*.cpp', '*.h', '*.c', '*.py', '*.cmake', '*.sh'):
        lines = open(os.path.join(root, path), encoding='utf-8').read().split('\n')
        if not any('SPDX-License-Identifier: Apache-2.0' in line for line in lines[:5]):
            report(f'{path}:1: no SPDX-License-Identifier: Apache-2.0 line')
        if path == 'tests/lint/structure_test.py':
            continue
        if not EXEMPT_SIZE.search(path) and len(lines) > FILE_LINES_MAX:
            report(f'{path}: {len(lines)} lines, at most {FILE_LINES_MAX}; which second idea lives in it?')
        for number, line in enumerate(lines, 1):
            if path.endswith(('.cpp', '.h', '.c')) and len(line) > LINE_MAX and not EXEMPT_SIZE.search(path):
                report(f'{path}:{number}: {len(line)} columns, at most {LINE_MAX}')
            if BANNED.search(line):
                report(f'{path}:{number}: unfinished work is finished or filed, not marked: {line.strip()[:60]}')
            if path.startswith(('src/', 'include/')) and path.endswith('.h') and number == 1 and '#pragma once' not in '\n'.join(lines):
                report(f'{path}:1: no #pragma once')


def check_packages(root):
    docs = open(os.path.join(root, 'docs/dependencies.md'), encoding='utf-8').read()
    for packages in ('packages.txt', 'packages-guest.txt', 'packages-deploy.txt'):
        for line in open(os.path.join(root, packages), encoding='utf-8'):
            name = line.split('#')[0].strip()
            if name and f'`{name}`' not in docs:
                report(f'{packages}: {name} has no reason in docs/dependencies.md')


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else '.'
    closure = read_modules(root)
    check_includes(root, closure)
    check_public_headers(root)
    check_texts(root)
    check_packages(root)
    check_failure_modes(root)
    check_links(root)
    for error in errors:
        print(error)
    print(f'structure: {len(errors)} faults')
    return 1 if errors else 0


if __name__ == '__main__':
    sys.exit(main())
