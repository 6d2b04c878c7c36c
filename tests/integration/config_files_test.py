# SPDX-License-Identifier: Apache-2.0
"""Configuration files as the world has them: pipes, directories, bad bytes, wrong values of every key, and those that Falco's
releases shipped. Runs: gyr.
"""
import functools
import glob
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from common import conformance_or_none
from observed import schemas, yaml

GYR = os.path.abspath(sys.argv[1])
DATA = conformance_or_none()


def run(*arguments, **more):
    return subprocess.run([GYR, *arguments], check=False, capture_output=True, text=True, errors='surrogateescape',
                          timeout=60, stdin=subprocess.DEVNULL, **more)


def without_verdicts(log):
    """The line about the schema shows the first fault again."""
    return ''.join(line for line in log.splitlines(True) if 'schema validation: ' not in line)


class Files(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def write(self, name, content):
        path = os.path.join(self.folder, name)
        with open(path, 'wb') as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        return path

    def fails(self, path, *words, **more):
        result = run('-c', path, '--version', **more)
        self.assertEqual(result.returncode, 1, result.stderr)
        for word in (path, *words):
            self.assertIn(word, result.stderr)
        self.assertTrue(result.stderr.startswith('Error: '), result.stderr)

    def test_what_is_no_file(self):
        self.fails(os.path.join(self.folder, 'none.yaml'), 'No such file')
        self.fails(self.folder, 'directory')

    def test_a_file_that_cannot_be_read_has_no_place_in_it(self):
        path = os.path.join(self.folder, 'none.yaml')
        self.assertEqual(run('-c', path, '--version').stderr, f'Error: cannot open {path}: No such file or directory\n')

    def test_what_is_no_file_in_a_folder_of_files(self):
        """A link that leads nowhere is left out and told; a folder with the name of a file stands for nothing."""
        folder = os.path.join(self.folder, 'config.d')
        os.makedirs(os.path.join(folder, 'a.yaml'))
        os.symlink('nowhere', os.path.join(folder, 'b.yaml'))
        real = self.write('real', 'json_output: true\n')
        os.symlink(real, os.path.join(folder, 'c.yaml'))
        result = run('-c', self.write('main.yaml', f'config_files: [{folder}]\n'), '--version')
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertTrue(result.stdout.startswith('{'), result.stdout)
        self.assertIn(f'{folder}/b.yaml: left out', result.stderr)
        self.assertNotIn('a.yaml', result.stderr)

    def test_unreadable(self):
        path = self.write('secret.yaml', 'json_output: true\n')
        os.chmod(path, 0)
        if os.geteuid() != 0:
            return self.fails(path, 'Permission denied')
        os.chmod(self.folder, 0o711)
        result = subprocess.run(['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', GYR, '-c', path, '--version'],
                                check=False, capture_output=True, text=True, timeout=60)
        if 'setpriv' in result.stderr or result.returncode == 127:
            self.skipTest(result.stderr)
        self.assertIn(f'cannot open {path}: Permission denied', result.stderr)
        return None

    def test_a_pipe_with_an_end(self):
        result = subprocess.run(['bash', '-c', f'{GYR} -c <(sleep 0.3; echo json_output: true) --version'], check=False,
                                capture_output=True, text=True, timeout=60)
        self.assertTrue(result.stdout.startswith('{'), result.stderr)

    def test_a_pipe_that_nobody_writes_into(self):
        path = os.path.join(self.folder, 'pipe.yaml')
        os.mkfifo(path)
        self.fails(path, 'nothing came for')
        rules = os.path.join(self.folder, 'rules.yaml')
        os.mkfifo(rules)
        result = run('-V', rules)
        self.assertEqual(result.returncode, 1)
        self.assertIn('nothing came for', result.stdout)

    def test_a_pipe_that_never_ends(self):
        self.fails('/dev/zero', '4 MiB')

    def test_not_utf8(self):
        # Paths may have any bytes; what is printed may not.
        folder = self.folder.encode() + b'/\xff\xfe'
        os.mkdir(folder)
        with open(folder + b'/r.yaml', 'w', encoding='ascii') as file:
            file.write('- rule: [\n')
        path = self.write('c.yaml', b'rules_files: [' + folder + b'/r.yaml]\n')
        result = subprocess.run([GYR, '-c', path, '--dry-run', '-o', 'engine.kind=nodriver'], check=False,
                                capture_output=True, timeout=60)
        self.assertEqual(result.returncode, 1)
        self.assertIn(b'r.yaml', result.stderr)
        path = self.write('k.yaml', b'json_\xff: 1\n"\\e[31mred": 1\n')
        result = subprocess.run([GYR, '-c', path, '--version'], check=False, capture_output=True, timeout=60)
        self.assertNotIn(b'\xff', result.stderr)
        self.assertNotIn(b'\x1b', result.stderr)
        self.assertEqual(without_verdicts(result.stderr.decode()).count('unknown key'), 2)

    def test_control_bytes_tabs_and_nesting(self):
        self.fails(self.write('a.yaml', 'a: \x00\n'), 'a.yaml:1:4: control characters')
        self.fails(self.write('b.yaml', 'engine:\n\tkind: replay\n'), 'b.yaml:2:6', 'tab')
        self.fails(self.write('c.yaml', 'rules_files: ' + '[' * 5000), 'nested too deeply')
        self.fails(self.write('d.yaml', 'log_level: debug\n  json_output: true\n'), 'd.yaml:2:')

    def test_many_unknown_keys_are_counted(self):
        path = self.write('many.yaml', ''.join(f'unknown_{i}: 1\n' for i in range(5000)))
        result = run('-c', path, '--version')
        self.assertEqual(without_verdicts(result.stderr).count('unknown key'), 200)
        self.assertIn('4800 more warnings', result.stderr)
        self.assertEqual(result.returncode, 0)

    def test_look_up_without_c(self):
        """/etc/gyr/gyr.yaml, else /etc/falco/falco.yaml, else defaults: in a mount namespace of its own."""
        if os.geteuid() != 0:
            self.skipTest('an /etc of its own needs root')
        def etc(*files):
            made = ''.join(f'mkdir -p $(dirname {f}); echo "json_output: {value}" > {f}; ' for f, value in files)
            result = subprocess.run(['unshare', '-m', 'sh', '-c', f'mount -t tmpfs none /etc && {{ {made} {GYR} --version; }}'],
                                    check=False, capture_output=True, text=True, timeout=60)
            if result.stderr.startswith('unshare'):
                self.skipTest(result.stderr)
            return result
        gyr, falco = '/etc/gyr/gyr.yaml', '/etc/falco/falco.yaml'
        self.assertFalse(etc().stdout.startswith('{'))
        self.assertTrue(etc((falco, 'true')).stdout.startswith('{'))
        both = etc((falco, 'true'), (gyr, 'false'))
        self.assertFalse(both.stdout.startswith('{'))
        self.assertIn(f'configuration: {gyr}', both.stderr)


class Shipped(unittest.TestCase):
    """What an operator reads who starts with the file of a Falco release: nothing that is not true."""
    # Of every line of the log, apart from its time: one of these must fit.
    TRUE = ("is now called '", 'was removed and has no effect: ', ' | schema validation: ok', 'containers: ',
            'is gone since Falco', 'watching this host', 'events were lost', 'governor')

    def setUp(self):
        if DATA is None:
            self.skipTest('no conformance data')
        self.files = sorted(glob.glob(os.path.join(DATA, 'configs', 'shipped', '*.yaml')))
        self.rules = os.path.join(DATA, 'rulesets', 'falco_rules.yaml')
        self.quiet = ['-o', 'syslog_output.enabled=false', '-o', 'log_syslog=false', '-o', 'webserver.enabled=false']

    def read(self, log):
        for line in log.splitlines():
            self.assertTrue(any(words in line for words in self.TRUE), line)

    def test_replay(self):
        capture = os.path.join(DATA, 'captures', 'cat_write.scap')
        self.assertEqual(len(self.files), 5)
        for path in self.files:
            with self.subTest(path=path):
                result = run('-c', path, '-r', self.rules, '-e', capture, *self.quiet)
                self.assertEqual(result.returncode, 0, result.stderr)
                self.read(result.stderr)
                with open(path, encoding='utf-8') as file:
                    text = file.read()
                for key in ('grpc:', 'grpc_output:', 'rules_file:', 'syscall_buf_size_preset:', 'metadata_download:',
                            'outputs:'):
                    self.assertEqual(f"'{key[:-1]}' " in result.stderr, f'\n{key}' in text, key)

    def test_live(self):
        for path in self.files:
            with self.subTest(path=path):
                process = subprocess.Popen([GYR, '-c', path, '-r', self.rules, *self.quiet], stdout=subprocess.PIPE,
                                           stderr=subprocess.PIPE, text=True, errors='replace')
                time.sleep(2)
                process.send_signal(signal.SIGINT)
                _, log = process.communicate(timeout=60)
                if 'watching this host' not in log:
                    self.skipTest('no live capture here: ' + log[-300:])
                self.assertEqual(process.returncode, 0, log)
                self.read(log)


def wrong_values():
    """(key, value, what is expected instead) for each key: of another type, and beyond its bounds on both sides."""
    for key, inner in schemas().items():
        types = inner.get('type', [])
        whole, number = 'integer' in types, 'number' in types and 'pattern' in inner
        if whole or number:
            kind = 'must be a whole number' if whole else 'must be a number'
            yield from ((key, value, kind) for value in ('perhaps', [1], {'a': 1}, -1))
            if 'maximum' in inner:
                bounds = f'must be from {inner["minimum"]:g} to {inner["maximum"]:.0f}, but is '
                yield key, inner['maximum'] + 1, bounds
                if inner['minimum'] > 0:
                    yield key, inner['minimum'] - 1, bounds
        elif 'boolean' in types and 'pattern' in inner:
            yield from ((key, value, 'must be true or false') for value in ('perhaps', [1], {'a': 1}))
        elif 'string' in types:
            yield from ((key, value, 'must be text') for value in ([1], {'a': 1}))
        elif 'object' in types:
            yield from ((key, value, 'must be a map') for value in ('text', [1]))
        elif any('$ref' in choice for choice in inner['anyOf']):
            yield (key, {'a': 1}, "the key 'path' is missing") if key == 'config_files' else (key, 5, "an entry .*, but is '5'")
        elif any(choice.get('type') == 'array' and 'enum' not in str(choice) for choice in inner['anyOf']):
            yield key, {'a': 1}, 'must be a list of texts'
        else:
            yield key, 'loud', 'one of|there are|none of'


def places(text):
    """Line and column of the value of each key."""
    def walk(node, path):
        for name, value in node.value:
            key = path + name.value
            found[key] = f'{value.start_mark.line + 1}:{value.start_mark.column + 1}'
            if isinstance(value, yaml.MappingNode):
                walk(value, key + '.')
    found = {}
    walk(yaml.compose(text), '')
    return found


class WrongValues(unittest.TestCase):
    def test_each_is_told_with_key_place_and_what_is_expected(self):
        rounds = {}  # of each key one value in a file, and not so many keys that the rest is counted only
        for key, value, expected in wrong_values():
            number = sum(key in files for files in rounds.values())
            while len(rounds.get(number, {})) >= 100 or key in rounds.get(number, {}):
                number += 1
            rounds.setdefault(number, {})[key] = (value, expected)
        self.assertEqual({key for files in rounds.values() for key in files}, set(schemas()))
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        for number, rows in rounds.items():
            root = {}
            for key, (value, _) in rows.items():
                *path, last = key.split('.')
                functools.reduce(lambda at, name: at.setdefault(name, {}), path, root)[last] = value
            text = yaml.safe_dump(root)
            config = os.path.join(folder.name, f'wrong{number}.yaml')
            with open(config, 'w', encoding='utf-8') as file:
                file.write(text)
            done = run('-c', config, '--version')
            self.assertEqual((done.returncode, done.stdout), (1, ''))
            for key, (value, expected) in rows.items():
                with self.subTest(key=key, value=value):
                    self.assertRegex(done.stderr, f'(?m)^Error: {re.escape(config)}:{places(text)[key]}: {re.escape(key)}: .*({expected})')
            self.assertEqual(done.stderr.count('Error: '), len(rows), done.stderr)


if __name__ == '__main__':
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=1)
