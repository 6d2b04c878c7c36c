#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The example of the public interface gives the alerts gyr gives; a project of somebody else can build it.

usage: api_test.py GYR EXAMPLE COMPILER
"""
import os
import re
import shlex
import subprocess
import sys
import tempfile

from common import ROOT, conformance

RULE = '''- rule: opened
  desc: every open
  condition: evt.type in (open, openat) and fd.name exists
  output: "opened %fd.name by %proc.name"
  priority: INFO
'''


# All that docs/api.md asks of a project.
PROJECT = f'''cmake_minimum_required(VERSION 3.25)
project(mine LANGUAGES C CXX)
add_subdirectory({ROOT} gyr EXCLUDE_FROM_ALL)
add_executable(alerts {ROOT}/examples/alerts.cpp)
target_link_libraries(alerts PRIVATE gyr::gyr)
'''


def run(*command):
    result = subprocess.run(command, capture_output=True, text=True, errors='surrogateescape', timeout=600, check=False)
    if result.returncode:
        sys.exit(f'failed: {shlex.join(command)}\n{result.stdout[-2000:]}{result.stderr[-2000:]}')
    return result.stdout


def check_example(example, gyr, capture, rules):
    """Its alerts and statistics are gyr's; its counts of opens are those of gyr read."""
    wanted = run(gyr, '-e', capture, '-r', rules)
    lines = run(example, capture, rules).splitlines()
    opens = [line for line in lines if re.match(r'\d+ opens by ', line)]
    got = [line.removeprefix('opened | ') for line in lines[:len(lines) - len(opens)]]
    assert got == wanted.splitlines(), f'{len(got)} lines, gyr gives {len(wanted.splitlines())}'
    assert len(got) > 5, 'too few alerts to tell anything'
    names = run(gyr, 'read', capture, 'evt.type in (open, openat)', '-p', '%proc.name').splitlines()
    assert opens == [f'{names.count(name)} opens by {name}' for name in sorted(set(names))], opens


def check_mistakes(example, capture, folder):
    bad = os.path.join(folder, 'bad.yaml')
    with open(bad, 'w', encoding='utf-8') as file:
        file.write(RULE.replace('fd.name exists', 'fd.nme exists'))
    for arguments, word in (((capture, bad), "did you mean 'fd.name'"), (('/nonexistent', bad), 'bad.yaml: Invalid'),
                            ((), 'usage')):
        result = subprocess.run([example, *arguments], capture_output=True, text=True, check=False, timeout=60)
        assert result.returncode == 1 and word in result.stderr, (arguments, result)


def check_project(folder, compiler):
    """Gyr as a part of another project: CMake accepts it, and the program compiles with the public headers alone in sight.

    That it links is known from the example, which links the same target."""
    build = os.path.join(folder, 'build')
    with open(os.path.join(folder, 'CMakeLists.txt'), 'w', encoding='utf-8') as file:
        file.write(PROJECT)
    run('cmake', '-G', 'Ninja', '-S', folder, '-B', build, f'-DCMAKE_CXX_COMPILER={compiler}', '-DGYR_PROBE=OFF')
    listed = run('cmake', '--build', build, '--target', 'help')
    assert ': phony' in listed and 'gyr_example_alerts' not in listed and 'gyr_api_test' not in listed, listed[:2000]
    program = next(line.split(':')[0] for line in run('ninja', '-C', build, '-t', 'targets', 'all').splitlines()
                   if 'alerts.dir' in line and '.o:' in line)
    run('ninja', '-C', build, program)
    command = run('ninja', '-C', build, '-t', 'commands', '-s', program)
    assert f'-I{ROOT}/include' in command and f'{ROOT}/src' not in command, command


def main():
    gyr, example, compiler = sys.argv[1:4]
    with tempfile.TemporaryDirectory() as folder:
        check_project(folder, compiler)
    capture = os.path.join(conformance(), 'captures', 'cat_write.scap')
    with tempfile.TemporaryDirectory() as folder:
        rules = os.path.join(folder, 'rules.yaml')
        with open(rules, 'w', encoding='utf-8') as file:
            file.write(RULE)
        check_example(example, gyr, capture, rules)
        check_mistakes(example, capture, folder)
    return 0


if __name__ == '__main__':
    sys.exit(main())
