# SPDX-License-Identifier: Apache-2.0
"""Which test observes which key of the configuration: @observes('key', 'section.*') on a test.

The decorator watches what the test starts: each of its keys must have been given to a program, on a command line or in a file
named by -c, with a value that is not the default. config_keys_test.py reads the decorators and misses keys that have none.
"""
import ast
import fnmatch
import functools
import glob
import json
import os
import re
import subprocess
import sys
from unittest import mock

from common import skip

try:
    import yaml
except ImportError:
    skip('python3-yaml is missing')

GYR = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else 'gyr'
HERE = os.path.dirname(os.path.abspath(__file__))


@functools.lru_cache
def schemas():
    """Every key that has an effect, with its part of the schema."""
    def walk(node, path):
        for name, inner in node['properties'].items():
            if inner.get('description', '').startswith(('Removed', 'Now called')):
                continue
            if inner.get('properties'):
                yield from walk(inner, path + name + '.')
            elif 'default' in inner:
                yield path + name, inner
    done = subprocess.run([GYR, '--config-schema'], capture_output=True, text=True, check=True)
    return dict(walk(json.loads(done.stdout), ''))


def defaults():
    return {key: inner['default'] for key, inner in schemas().items()}


def expand(patterns):
    """The keys that are meant; a pattern of none is a mistake."""
    keys = []
    for pattern in patterns:
        fitting = fnmatch.filter(sorted(defaults()), pattern)
        assert fitting, f'there is no key {pattern}'
        keys += fitting
    return keys


def plain(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


class Given:
    """The commands that are started meanwhile."""

    def __init__(self):
        self.words, self.files = [], []

    def __enter__(self):
        original = subprocess.Popen.__init__

        def init(popen, args, *more, **named):
            words = [args] if isinstance(args, (str, bytes)) else list(args)
            self.note([os.fsdecode(word) for word in words])
            original(popen, args, *more, **named)
        self.patch = mock.patch.object(subprocess.Popen, '__init__', init)
        self.patch.start()
        return self

    def __exit__(self, *_):
        self.patch.stop()

    def note(self, words):
        self.words += words
        for option, path in zip(words, words[1:]):
            if option == '-c' and path.endswith('.yaml') and os.path.isfile(path):
                with open(path, encoding='utf-8', errors='replace') as file:
                    try:
                        self.files.append(yaml.safe_load(file))
                    except yaml.YAMLError:
                        pass  # it is meant to be wrong

    def values(self, key):
        """Of a list or map some part of it is enough."""
        form = re.compile(rf'(?:^|\s){re.escape(key)}([.\[][^=]*)?=(.*)', re.S)
        for word in self.words:
            if match := form.search(word):
                yield f'{match[1]} {match[2]}' if match[1] else match[2]
        for file in self.files:
            for name in key.split('.'):
                file = file.get(name) if isinstance(file, dict) else None
            if file is not None:
                yield plain(file)

    def check(self, test, keys):
        for key in keys:
            given = set(self.values(key))
            test.assertTrue(given - {plain(defaults()[key])}, f'{key} was set to nothing but its default: {sorted(given)}')


def run_observing(test, keys, body):
    with Given() as given:
        body()
    given.check(test, expand(keys))


def observes(*keys):
    def decorate(function):
        @functools.wraps(function)
        def run(self):
            run_observing(self, keys, lambda: function(self))
        return run
    return decorate


def observed_by_tests():
    """From the text of all scripts: pattern of keys → 'script: test'."""
    found = {}
    for path in sorted(glob.glob(os.path.join(HERE, '*_test.py'))):
        with open(path, encoding='utf-8') as file:
            tree = ast.parse(file.read(), path)
        for function in ast.walk(tree):
            if not isinstance(function, ast.FunctionDef):
                continue
            for decorator in function.decorator_list:
                if isinstance(decorator, ast.Call) and getattr(decorator.func, 'id', '') == 'observes':
                    assert function.name.startswith('test_'), f'{path}:{function.lineno}: no test'
                    for key in decorator.args:
                        found.setdefault(key.value, []).append(f'{os.path.basename(path)}: {function.name}')
    return found
