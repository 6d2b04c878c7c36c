# SPDX-License-Identifier: Apache-2.0
"""The printed JSON schemas are schemas, agree with the loaders, and take every real file. Runs: gyr."""
import copy
import glob
import json
import os
import subprocess
import sys
import tempfile
import unittest

from common import conformance_or_none, skip

try:
    import jsonschema
    import yaml
except ImportError as missing:
    skip(f'{missing.name} is missing (python3-jsonschema, python3-yaml)')

GYR = sys.argv[1]
CONFORMANCE = conformance_or_none()


def run(*arguments):
    return subprocess.run([GYR, *arguments], check=False, capture_output=True, text=True, timeout=60)


def schema(option):
    result = run(option)
    assert result.returncode == 0, result.stderr
    parsed = json.loads(result.stdout)
    jsonschema.Draft6Validator.check_schema(parsed)
    return parsed


CONFIG = schema('--config-schema')
RULES = schema('--rule-schema')


def takes(of, value):
    return jsonschema.Draft6Validator(of).is_valid(value)


def loader_verdict(text):
    """What the loader says about a configuration file: ok, failed or none."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'c.yaml')
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
        result = run('-c', path, '--version', '-o', 'log_stderr=true', '-o', 'log_level=info')
        for line in result.stderr.splitlines():
            if f'configuration: {path} | schema validation: ' in line:
                return line.rsplit(': ', 1)[1].split(' ')[0]
        # An error ends the run before the line.
        assert result.returncode == 1 and 'Error: ' in result.stderr, (text, result.stderr)
        return 'failed'


def keys_of(node, path=()):
    """Every key of the schema with its own schema."""
    for name, inner in node.get('properties', {}).items():
        if 'properties' in inner and inner['properties']:
            yield from keys_of(inner, path + (name,))
        else:
            yield path + (name,), inner


def at_path(path, value):
    for name in reversed(path):
        value = {name: value}
    return value


def scalar_type(inner):
    kinds = inner.get('type', [])
    return next((kind for kind in ('boolean', 'integer', 'number') if kind in kinds and 'pattern' in inner), None)


class ConfigSchema(unittest.TestCase):
    def agree(self, value, expected):
        text = yaml.safe_dump(value)
        with self.subTest(text=text):
            self.assertEqual(takes(CONFIG, value), expected, 'the schema')
            self.assertEqual(loader_verdict(text) == 'ok', expected, 'the loader')

    def test_values_of_all_keys(self):
        good, wrong, beyond = {}, [], []
        for path, inner in keys_of(CONFIG):
            removed = inner.get('description', '').startswith(('Removed', 'Now called'))
            if not removed and path[0] != 'config_files':
                target = good
                for name in path[:-1]:
                    target = target.setdefault(name, {})
                target[path[-1]] = inner['default']
            kind = scalar_type(inner)
            if kind:
                wrong += [(path, 'perhaps'), (path, [1]), (path, {'a': 1})]
            if kind in ('integer', 'number'):
                beyond += [(path, -1)]
            if 'maximum' in inner and not removed:
                beyond += [(path, inner['maximum'] + 1)]
                self.agree(at_path(path, inner['maximum']), True)
        self.assertGreater(len(wrong), 150)
        # All defaults at once; metrics and web server stay off, so nothing else is asked of them.
        self.agree(good, True)
        for path, value in wrong[::3] + beyond:
            self.agree(at_path(path, value), False)
        for path, value in wrong:
            self.assertFalse(takes(CONFIG, at_path(path, value)), (path, value))

    def test_misspelt_keys_everywhere(self):
        sections = {path[:-1] for path, _ in keys_of(CONFIG)}
        self.assertGreater(len(sections), 15)
        for section in sorted(sections):
            # What is below grpc, outputs and the like is not looked at.
            self.agree(at_path(section + ('no_such_key',), 1), False)

    def test_inside_lists(self):
        container = {'name': 'container', 'init_config': {'label_max_len': 10, 'hooks': ['create'], 'engines': {
            'docker': {'enabled': True, 'sockets': ['/x']}}}}
        good = {'plugins': [container, {'name': 'x', 'init_config': {'any': [1]}, 'open_params': ''}],
                'append_output': [{'match': {'tags': ['a']}, 'extra_fields': ['proc.name', {'a': '%proc.name'}]}],
                'rules': [{'enable': {'tag': 'a'}}, {'disable': {'rule': '*'}}],
                'static_fields': {'a': 'b', 'n': 1}}
        self.agree(good, True)
        for path, value in [(('plugins', 0, 'libary_path'), 'x'), (('plugins', 0, 'init_config', 'with_siz'), True),
                            (('plugins', 0, 'init_config', 'label_max_len'), 'long'),
                            (('plugins', 0, 'init_config', 'hooks'), ['stop']),
                            (('plugins', 0, 'init_config', 'engines', 'dockr'), {}),
                            (('plugins', 0, 'init_config', 'engines', 'docker', 'socket'), ['/x']),
                            (('append_output', 0, 'suggest'), True), (('append_output', 0, 'match', 'tag'), ['a']),
                            (('append_output', 0, 'extra_fields'), [{'a': '%proc.name', 'b': '%proc.pid'}]),
                            (('rules', 0, 'disable'), {'tag': 'a'}), (('rules', 0, 'enable', 'rule'), 'a'),
                            (('static_fields', 'a'), ['b'])]:
            bad = copy.deepcopy(good)
            target = bad
            for name in path[:-1]:
                target = target[name]
            target[path[-1]] = value
            self.agree(bad, False)

    def test_words_in_any_case_and_variables(self):
        self.agree({'priority': 'WARNING', 'log_level': 'Debug', 'rule_matching': 'ALL'}, True)
        self.assertTrue(takes(CONFIG, {'json_output': '${JSON}', 'output_timeout': '${MS}'}))
        self.agree({'log_level': 'loud'}, False)

    def test_shipped_files(self):
        if CONFORMANCE is None:
            self.skipTest('no conformance data')
        files = glob.glob(os.path.join(CONFORMANCE, 'configs', 'shipped', '*.yaml'))
        self.assertEqual(len(files), 5)
        for path in files:
            with self.subTest(path=path), open(path, encoding='utf-8') as file:
                errors = [f'{list(error.path)}: {error.message}' for error in
                          jsonschema.Draft6Validator(CONFIG).iter_errors(yaml.safe_load(file))]
                self.assertEqual(errors, [])

    def test_sample(self):
        sample = run('--config-sample').stdout
        self.assertTrue(takes(CONFIG, yaml.safe_load(sample)))


class Untyped(yaml.SafeLoader):
    """Takes tags that are not YAML's own for what they are on, and keeps the first of equal keys, as the reader does."""

    def first_of_each(self, node):
        pairs = {}
        for key, value in node.value:
            pairs.setdefault(self.construct_object(key), self.construct_object(value, deep=True))
        return pairs


Untyped.add_constructor('tag:yaml.org,2002:map', Untyped.first_of_each)
Untyped.add_constructor('tag:yaml.org,2002:timestamp', yaml.SafeLoader.construct_yaml_str)


class RuleSchema(unittest.TestCase):
    def test_agrees_with_reports(self):
        if CONFORMANCE is None:
            self.skipTest('no conformance data')
        files = sorted(glob.glob(os.path.join(CONFORMANCE, 'rules', '**', '*.y*ml'), recursive=True) +
                       glob.glob(os.path.join(CONFORMANCE, 'rulesets', '**', '*.y*ml'), recursive=True))
        self.assertGreater(len(files), 60)
        validator = jsonschema.Draft6Validator(RULES)
        compared = valid = 0
        for path in files:
            report = json.loads(run('-V', path, '-o', 'json_output=true').stdout)['falco_load_results'][0]
            try:
                with open(path, encoding='utf-8') as file:
                    documents = list(yaml.load_all(file, Loader=Untyped))
            except (yaml.YAMLError, UnicodeDecodeError):
                continue  # the reader's YAML and Python's are not the same; it has tests of its own
            ours = all(validator.is_valid(document) for document in documents)
            compared += 1
            valid += ours
            with self.subTest(path=path):
                # A report ends at the first error, so only the one way can be told of a file with errors.
                if report['successful'] or ours:
                    self.assertEqual(ours, report['schema_valid'], (report['schema_warnings'], [
                        f'{list(e.path)}: {e.message[:200]}' for d in documents for e in validator.iter_errors(d)][:3]))
        self.assertGreater(compared, 50)
        self.assertGreater(valid, 20)

    def test_refuses(self):
        rule = {'rule': 'a', 'condition': 'evt.type = open', 'output': 'x', 'desc': 'd', 'priority': 'debug'}
        self.assertTrue(takes(RULES, [rule]))
        self.assertTrue(takes(RULES, [{**rule, 'exceptions': None, 'override': None}]))
        for change in ({'prority': 'debug'}, {'priority': 'urgent'}, {'tags': 'a'}, {'enabled': 'perhaps'},
                       {'capture_duration': -1}, {'override': {'priority': 'append'}}, {'exceptions': [{'nam': 'x'}]}):
            self.assertFalse(takes(RULES, [{**rule, **change}]), change)
        self.assertFalse(takes(RULES, [{'rule': 'a'}]))
        self.assertFalse(takes(RULES, {'rule': 'a'}))


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1], verbosity=1)
