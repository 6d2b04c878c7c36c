#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The command line as a user meets it: mistakes, missing files, closed pipes, Ctrl-C, damaged captures.

usage: cli_test.py GYR [unittest arguments]
Needs no privileges. Captures come from the conformance folder; tests that use one are skipped without it.
"""
import base64
import gzip
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from common import ROOT

GYR = ''
DATA = os.environ.get('GYR_CONFORMANCE') or os.path.join(ROOT, '..', 'shared', 'conformance')
RULE = '''- rule: opened
  desc: every open
  condition: evt.type in (open, openat) and fd.name exists
  output: "opened %fd.name by %proc.name"
  priority: INFO
  tags: [b, a]
'''


def run(*arguments, **options):
    return subprocess.run([GYR, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          errors='surrogateescape', timeout=60, check=False, **options)


def capture(name):
    path = os.path.join(DATA, 'captures', name)
    if not os.path.isfile(path):
        raise unittest.SkipTest(f'no {path}; set GYR_CONFORMANCE')
    return path


def gunzipped(path):
    with open(path, 'rb') as file:
        content = file.read()
    return gzip.decompress(content) if content[:2] == b'\x1f\x8b' else content


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        self.rules = self.write('rules.yaml', RULE)

    def write(self, name, content):
        path = os.path.join(self.folder, name)
        with open(path, 'wb') as file:
            file.write(content.encode() if isinstance(content, str) else content)
        return path

    def assert_fails(self, result, *words):
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertEqual(result.stdout, '')
        for word in words:
            self.assertIn(word, result.stderr)


class Mistakes(Case):
    def test_unknown_option_gets_a_suggestion(self):
        self.assert_fails(run('--lst'), "'--lst'", "'--list'")

    def test_option_without_its_value(self):
        self.assert_fails(run('-r'), '-r needs a value')

    def test_stray_argument(self):
        self.assert_fails(run('start'), "'start'")

    def test_missing_configuration(self):
        self.assert_fails(run('-c', '/nonexistent.yaml'), '/nonexistent.yaml')

    def test_missing_rules_file(self):
        self.assert_fails(run('-r', '/nonexistent.yaml', '-e', 'x.scap'), '/nonexistent.yaml')

    def test_missing_capture(self):
        self.assert_fails(run('-r', self.rules, '-e', '/nonexistent.scap'), '/nonexistent.scap')
        self.assert_fails(run('read', '/nonexistent.scap'), '/nonexistent.scap')

    def test_value_of_wrong_type(self):
        result = run('-o', 'json_output=perhaps', '-r', self.rules, '--dry-run')
        self.assert_fails(result, 'json_output')

    def test_not_a_capture(self):
        self.assert_fails(run('read', self.rules), self.rules)

    def test_rules_name_file_line_and_column(self):
        bad = self.write('bad.yaml', RULE.replace('fd.name exists', 'fd.nme exists'))
        result = run('-r', bad, '-e', 'x.scap')
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, r'bad\.yaml:3:\d+')
        self.assertIn('fd.name', result.stderr)

    def test_bad_values_are_refused_by_name(self):
        folder = os.path.join(self.folder, 'none')
        os.mkdir(folder)
        noise = self.write('noise', bytes(range(256)))
        empty = self.write('empty.scap', b'')
        bad = {
            '-o': (('=x', 'the key is missing'), ('rules[99999999999]=x', 'index 99999999999'), ('json_output.x=true', 'json_output'),
                   ('append_output[]={', 'append_output[]={:1:1'), ('priority={a: b}', 'priority'), ('rules[-1]=x', "'-1'"),
                   ('falco_libs.snaplen=-1', 'falco_libs.snaplen'), ('', '-o: the value is empty')),
            '-e': ((folder, 'Is a directory'), (self.rules, 'not a capture'), (noise, 'noise: offset 0'), (empty, 'empty'),
                   ('/dev/null', '/dev/null'), ('', '-e: the value is empty')),
            '-r': ((folder, folder), (noise, 'LOAD_ERR_YAML_PARSE'), ('/nonexistent', '/nonexistent'),
                   (os.path.join(self.rules, 'x'), 'Not a directory'), ('', '-r: the value is empty')),
            '-V': ((folder, folder), ('', '-V: the value is empty')),
            '-M': (('-1', '-M'), ('1.5', "'1.5'"), ('5s', "'5s'"), (' 5', "' 5'"), ('99999999999999999999', '-M'), ('', '-M')),
            '-p': (('%', '-p'), ('%nofield', "'nofield'"), ('%%', "'%%'"), ('%toupper(', '-p'), ('%fd.nme', "'fd.name'"),
                   ('%proc.aname[x]', "'x'"), ('', '-p: the value is empty')),
        }
        for option, values in bad.items():
            rest = () if option in ('-r', '-V') else ('-r', self.rules)
            rest += () if option == '-e' else ('--dry-run',)
            for value, word in values:
                with self.subTest(option + ' ' + value):
                    self.assert_fails(run(option, value, *rest), word)
        for path in (noise, '/nonexistent'):
            result = run('-V', path)
            self.assertEqual(result.returncode, 1)
            self.assertIn(os.path.basename(path) + ': Invalid', result.stdout)

    def test_unknown_rule_to_describe(self):
        self.assert_fails(run('-r', self.rules, '-l', 'opend'), 'opend')

    def test_filters_that_are_wrong(self):
        path = capture('cat_write.scap')
        for text in ('evt.type = opne', 'proc.name', 'fd.nme = x', '(evt.num = 1', 'evt.num = one'):
            with self.subTest(text):
                self.assert_fails(run('read', path, text), 'filter')
        self.assert_fails(run('read', path, '-p', '%no.field'), 'format')


    def test_control_characters_of_rules_do_not_reach_the_terminal(self):
        # Raw, which is no YAML; as an escape in a name; as an escape in a word that a message repeats.
        raw = '- rule: a\x1b[31m\n'
        name = '- rule: "a\\e[31m"\n  foo: 1\n'
        word = RULE.replace('INFO', '"IN\\e[31mFO"')
        for text in (raw, name, word):
            bad = self.write('bad.yaml', text)
            result = run('-V', bad)
            self.assertNotIn('\x1b', result.stdout + result.stderr)
            self.assertEqual(result.returncode, 1)

    def test_markdown_and_format_exclude_each_other(self):
        self.assert_fails(run('--list', '--markdown', '--format', 'text'), '--markdown', '--format')

    def test_settings_without_effect_are_said(self):
        rules = ('-r', self.rules, '--dry-run', '-o', 'engine.kind=nodriver')
        result = run(*rules, '-o', 'webserver.enabled=true', '-o', 'webserver.prometheus_metrics_enabled=true')
        self.assertIn('webserver.prometheus_metrics_enabled has no effect without metrics.enabled', result.stderr)
        self.assertRegex(run(*rules).stderr, '^gyr: dry run: .*\n$')
        self.assert_fails(run(*rules, '-o', 'metrics.enabled=true'), 'metrics.output_rule')

    def test_outputs_without_what_they_need_are_refused(self):
        config = self.write('c.yaml', 'log_stderr: false\nprogram_output:\n  enabled: true\n')
        self.assert_fails(run('-c', config, '-r', self.rules, '--dry-run'), 'program_output.program')
        self.assert_fails(run('-o', 'http_output.enabled=true', '-r', self.rules, '--dry-run'), 'http_output.url')
        self.assertEqual(run('-c', config, '-V', self.rules).returncode, 0)

    def test_plugins_are_not_loaded_and_that_is_said(self):
        def told(text):
            config = self.write('c.yaml', 'stdout_output: {enabled: true}\nengine: {kind: nodriver}\n' + text)
            return run('-c', config, '-r', self.rules, '--dry-run').stderr

        plugins = 'plugins: [{name: cloudtrail, library_path: x.so}, {name: json, library_path: y.so}]\n'
        self.assertIn("c.yaml:3:10: plugins: the plugin 'cloudtrail' is not loaded", told(plugins))
        self.assertNotIn("'json'", told(plugins))
        self.assertNotIn('cloudtrail', told('load_plugins: []\n' + plugins))
        self.assertIn("load_plugins: the plugin 'cloudtrail'", told('load_plugins: [json, cloudtrail]\n' + plugins))
        self.assertIn("load_plugins: there is no entry 'okta' in plugins", told('load_plugins: [json, okta]\n' + plugins))

    def test_a_replay_that_settings_take_back(self):
        self.assert_fails(run('-r', self.rules, '-e', 'x.scap', '-o', 'engine={kind: kmod}'), '(-e) asks for a replay of x.scap')

    def test_an_unreadable_rules_file_has_no_place(self):
        result = run('-V', '/nonexistent')
        self.assertNotIn('1:1', result.stdout + result.stderr)
        self.assertNotIn('^', result.stdout + result.stderr)
        report = json.loads(run('-V', '/nonexistent', '-o', 'json_output=true').stdout)['falco_load_results'][0]
        place = {'name': '/nonexistent', 'line': 0, 'column': 0, 'offset': 0}
        self.assertEqual(report['errors'][0]['context'],
                         {'locations': [{'item_type': 'rules content', 'item_name': '', 'position': place}], 'snippet': ''})

    def test_warnings_of_rules_have_a_line_at_the_start(self):
        rules = self.write('typo.yaml', RULE + '  exceptions: [{name: e, fields: fd.name, value: [x]}]\n')
        result = run('-r', rules, '--dry-run', '-o', 'engine.kind=nodriver')
        self.assertIn(f'{rules}: 1 warning; gyr -V {rules} shows it', result.stderr)
        unused = self.write('unused.yaml', RULE + '- macro: m\n  condition: evt.type=open\n')
        self.assertRegex(run('-r', unused, '--dry-run', '-o', 'engine.kind=nodriver').stderr, '^gyr: dry run: .*\n$')

    def test_names_of_rules_stay_on_one_line(self):
        rules = self.write('names.yaml', RULE.replace('- rule: ', '- rule: "a\\nb\\e[31m"\n  # '))
        for arguments in (('-e', capture('cat_write.scap')), ('-L',), ('-V', rules, '-L')):
            arguments = arguments if '-V' in arguments else ('-r', rules, *arguments)
            result = run(*arguments)
            self.assertNotIn('\x1b', result.stdout)
            self.assertIn('a\\nb\\u001b[31m', result.stdout)

    def test_nothing_to_check_or_to_detect_is_said(self):
        folder = os.path.join(self.folder, 'none')
        os.mkdir(folder)
        self.assert_fails(run('-V', folder), 'no rules file')
        result = run('-r', self.rules, '-e', capture('cat_write.scap'), '-t', 'nosuch')
        self.assertEqual(result.returncode, 0)
        self.assertIn('no rule is enabled', result.stderr)


class Listings(Case):
    def test_help_and_version(self):
        for word in ('--help', '-h'):
            result = run(word)
            self.assertEqual(result.returncode, 0)
            self.assertIn('Examples:', result.stdout)
        self.assertEqual(run('read', '--help').returncode, 0)
        self.assertRegex(run('--version').stdout, r'Gyr version:\s+\d+\.\d+\.\d+')
        versions = json.loads(run('--version', '-o', 'json_output=true').stdout)
        for key in ('falco_version', 'engine_version', 'engine_version_semver', 'plugin_versions'):
            self.assertIn(key, versions)
        self.assertEqual(int(run('--page-size').stdout), os.sysconf('SC_PAGE_SIZE'))

    def test_fields(self):
        names = run('--list', '-N').stdout.split()
        self.assertIn('proc.name', names)
        self.assertGreater(len(names), 150)
        self.assertEqual(len(names), len(set(names)))
        self.assertIn('`fd.name` | CHARBUF', run('--list=syscall', '--format', 'markdown').stdout)
        classes = json.loads(run('--list', '--format', 'json').stdout)['fieldclasses']
        self.assertTrue(any(f['name'] == 'evt.type' for c in classes for f in c['fields']))
        self.assertEqual(run('--list=nothing').returncode, 1)

    def test_events(self):
        self.assertIn('openat(', run('--list-events').stdout)
        events = json.loads(run('--list-events', '--format', 'json').stdout)
        self.assertTrue(any(e['name'] == 'openat' for e in events['Syscall events']))
        self.assertTrue(run('-i').stdout.startswith('Ignored syscall(s):\n- pread\n'))

    def test_rules(self):
        self.assertIn('opened', run('-r', self.rules, '-L').stdout)
        described = json.loads(run('-r', self.rules, '-l', 'opened', '-o', 'json_output=true').stdout)
        self.assertEqual(described['rules'][0]['info']['name'], 'opened')
        self.assertGreater(len(run('-L').stdout.splitlines()), 15)

    def test_events_of_a_rule(self):
        def events(condition):
            rules = self.write('events.yaml', RULE.replace('evt.type in (open, openat) and fd.name exists', condition))
            text = run('-r', rules, '-l', 'opened', '-o', 'json_output=true').stdout
            return json.loads(text)['rules'][0]['details']['events']
        self.assertEqual(events('evt.type in (open, openat) and fd.name exists'), ['open', 'openat'])
        # A call without an event of its own arrives as the generic one; its name says more.
        self.assertEqual(events('evt.type in (open, getrandom)'), ['getrandom', 'open'])
        others = events('evt.type != open and proc.name = x')
        self.assertIn('syscall', others)
        self.assertNotIn('open', others)
        self.assertNotIn('pluginevent', others)

    def test_validation(self):
        self.assertIn(': Ok', run('-V', self.rules).stdout)
        self.assertEqual(run('-V', self.rules).returncode, 0)
        bad = self.write('bad.yaml', '- rule: x\n')
        result = run('-V', bad)
        self.assertEqual(result.returncode, 1)
        self.assertIn('Invalid', result.stdout)

    def test_validation_tells_warnings_of_valid_rules_beside_the_verdict(self):
        path = self.write('unused.yaml', '- macro: nobodys\n  condition: evt.type=open\n')
        result = run('-V', path)
        self.assertEqual((result.returncode, result.stdout), (0, f'{path}: Ok, with warnings\n'))
        self.assertIn('LOAD_UNUSED_MACRO', result.stderr)

    def test_validation_with_a_description(self):
        both = json.loads(run('-V', self.rules, '-L', '-o', 'json_output=true').stdout)
        self.assertTrue(both['falco_load_results'][0]['successful'])
        self.assertEqual(both['falco_describe_results']['rules'][0]['info']['name'], 'opened')
        text = run('-V', self.rules, '-l', 'opened')
        self.assertEqual(text.returncode, 0)
        self.assertRegex(text.stdout, r'(?s)rules\.yaml: Ok.*opened +every open')
        bad = self.write('bad.yaml', '- rule: x\n')
        self.assertNotIn('falco_describe_results', run('-V', bad, '-L', '-o', 'json_output=true').stdout)
        self.assert_fails(run('-V', self.rules, '-l', 'nosuch'), 'nosuch')

    def test_dry_run(self):
        result = run('-r', self.rules, '-e', capture('cat_write.scap'), '--dry-run')
        self.assertEqual((result.returncode, result.stdout), (0, ''))
        self.assertRegex(result.stderr, 'dry run: 1 rule loaded, 1 enabled; .*cat_write.scap is a capture file')

    def test_dry_run_without_a_source(self):
        result = run('-r', self.rules, '-o', 'engine.kind=nodriver', '--dry-run')
        self.assertEqual((result.returncode, result.stdout), (0, ''))
        self.assertRegex(result.stderr, 'dry run: 1 rule loaded, 1 enabled; .*nodriver')


class Syscalls(Case):
    def test_names_are_those_that_are_collected(self):
        result = run('syscalls', '-r', self.rules)
        self.assertEqual(result.returncode, 0, result.stderr)
        names = result.stdout.split()
        self.assertEqual(names, sorted(names))
        for name in ('openat', 'execve', 'sched_process_exit'):
            self.assertIn(name, names)
        self.assertNotIn('read', names)

    def test_each_has_its_reasons(self):
        result = run('syscalls', '-r', self.rules, 'open', 'read')
        self.assertEqual(result.stdout, "open: collected\n  rule 'opened'\n"
                         '  the state of processes and descriptors needs it\nread: left out\n  nothing asks for it\n')
        every = run('syscalls', '-r', self.rules, '--explain').stdout
        self.assertIn("open: collected\n  rule 'opened'\n", every)

    def test_mistakes(self):
        self.assert_fails(run('syscalls', '-r', self.rules, 'opena'), "no system call 'opena'", "'open'?")
        self.assert_fails(run('syscalls', '--explan'), "'--explain'")
        self.assert_fails(run('syscalls', '-r', '/nonexistent'), '/nonexistent')
        custom = run('syscalls', '-r', self.rules, '-o', 'base_syscalls.custom_set=[clone, wahrwait]')
        self.assertIn("no system call 'wahrwait'", custom.stderr)
        self.assertIn('gyr syscalls [CALL', run('syscalls', '--help').stdout)


class Replay(Case):
    def replay(self, *arguments):
        return run('-r', self.rules, '-e', capture('cat_write.scap'), *arguments)

    def test_alerts_and_statistics_alone_on_stdout(self):
        result = self.replay('-v')
        self.assertEqual(result.returncode, 0, result.stderr)
        lines = result.stdout.splitlines()
        count = int(re.search(r'^Events detected: (\d+)$', result.stdout, re.M)[1])
        self.assertGreater(count, 0)
        for line in lines[:count]:
            self.assertRegex(line, r'^\d\d:\d\d:\d\d\.\d{9}: Informational opened ')
        self.assertEqual(lines[count:], [f'Events detected: {count}', 'Rule counts by severity:', f'   INFO: {count}',
                                         'Triggered rules by rule name:', f'   opened: {count}'])

    def test_json(self):
        lines = self.replay('-o', 'json_output=true', '-o', 'json_include_message_property=true').stdout.splitlines()
        alert = json.loads(lines[0])
        self.assertEqual(sorted(alert), list(alert))
        self.assertEqual(alert['tags'], ['a', 'b'])
        self.assertTrue(alert['output'].endswith(alert['message']))
        self.assertEqual(sorted(alert['output_fields']), ['evt.time', 'fd.name', 'proc.name'])
        self.assertIsInstance(alert['output_fields']['evt.time'], int)

    def test_extra_output_and_tags(self):
        lines = self.replay('-p', 'pid=%proc.pid').stdout.splitlines()
        self.assertRegex(lines[0], r' pid=\d+$')
        self.assertIn('Events detected: 0', self.replay('-T', 'a').stdout)
        self.assertNotIn('Events detected: 0', self.replay('-t', 'b').stdout)
        self.assertIn('Events detected: 0', self.replay('-t', 'c').stdout)
        self.assertIn('Events detected: 0', self.replay('-D', 'pene').stdout)

    def test_the_dead_token_of_old_service_files_prints_nothing(self):
        result = run('-r', self.rules, '-e', capture('cat_write.scap'), '-p', '<%container.info|%proc.name>')
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn('<|cat>', result.stdout)
        self.assertNotIn('%container.info', result.stdout)

    def test_static_fields(self):
        rule = RULE.replace('fd.name exists', 'fd.name exists and static.env = prod') + '  # %static\n'
        rules = self.write('static.yaml', rule.replace('%fd.name', '%fd.name in %static.env and %toupper(static.zone)'))
        fields = ('-o', 'static_fields.env=prod', '-o', 'static_fields.zone=a b')
        replay = ('-r', rules, '-e', capture('cat_write.scap'), '-o', 'json_output=true')
        alert = json.loads(run(*replay, *fields).stdout.splitlines()[0])
        self.assertIn(' in prod and A B', alert['output'])
        self.assertEqual(alert['output_fields']['static.env'], 'prod')
        self.assertIn('Events detected: 0', run(*replay, *fields, '-o', 'static_fields.env=test').stdout)
        suggested = run(*replay, *fields, '-o', 'append_output[]={suggested_output: true}').stdout.splitlines()[0]
        self.assertTrue(json.loads(suggested)['output'].endswith(' static_env=prod static_zone=a b'))
        misspelt = run(*replay, '-o', 'static_fields.zone=x', '-o', 'static_fields.envy=x')
        self.assert_fails(misspelt, "no field 'static.env'", "'static.envy'", 'static.yaml:3:')
        self.assert_fails(run(*replay), "no field 'static.env'; static_fields of the configuration")
        self.assertIn('static.env\n', run('--list', '-N', *fields).stdout)

    def test_buffers(self):
        rule = RULE.replace('evt.type in (open, openat) and fd.name exists', 'evt.buffer contains root')
        rules = self.write('buffer.yaml', rule.replace('%fd.name by %proc.name', '%evt.buffer'))
        replay = ('-r', rules, '-e', capture('net.scap'), '-o', 'json_output=true')
        plain, *packed = [[json.loads(line) for line in run(*replay, *more).stdout.splitlines() if line[0] == '{']
                          for more in ((), ('-b',), ('-o', 'buffer_format_base64=true'))]
        self.assertGreater(len(plain), 0)
        for coded in packed:
            self.assertEqual(len(coded), len(plain))
            for one, other in zip(plain, coded):
                shown = one['output_fields']['evt.buffer']
                raw = base64.b64decode(other['output_fields']['evt.buffer'], validate=True)
                self.assertEqual(shown, ''.join(chr(c) if 0x20 <= c < 0x7f else '.' for c in raw))
                self.assertTrue(other['output'].endswith('opened ' + other['output_fields']['evt.buffer']))

    def test_file_output(self):
        path = os.path.join(self.folder, 'alerts.txt')
        result = self.replay('-o', 'file_output.enabled=true', '-o', f'file_output.filename={path}',
                             '-o', 'stdout_output.enabled=false')
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertTrue(result.stdout.startswith('Events detected:'))
        with open(path, encoding='utf-8') as file:
            self.assertEqual(len(file.readlines()), int(re.search(r'detected: (\d+)', result.stdout)[1]))

    def test_unwritable_file_is_an_error_at_start(self):
        result = self.replay('-o', 'file_output.enabled=true', '-o', 'file_output.filename=/nonexistent/x')
        self.assert_fails(result, '/nonexistent/x')

    def test_lost_alerts_of_a_replay_make_it_fail(self):
        result = self.replay('-o', 'file_output.enabled=true', '-o', 'file_output.filename=/dev/full')
        self.assertEqual(result.returncode, 1)
        self.assertIn('No space left', result.stderr)
        self.assertRegex(result.stderr, r'file_output: 0 alerts delivered, [1-9]\d* lost ')

    def test_tables_that_are_full_are_said(self):
        result = self.replay('-o', 'falco_libs.thread_table_size=3')
        self.assertRegex(result.stderr, r'state is incomplete: [1-9]\d* times there was no room for a thread')
        self.assertNotIn('incomplete', self.replay().stderr)

    def test_caches_change_nothing(self):
        self.assertEqual(self.replay('-o', 'gyr.rules.caches=false').stdout, self.replay().stdout)

    def test_duration_ends_quietly(self):
        self.assertEqual(self.replay('-M', '30').returncode, 0)


class Read(Case):
    def test_lines(self):
        path = capture('cat_write.scap')
        lines = run('read', path).stdout.splitlines()
        self.assertGreater(len(lines), 100)
        self.assertEqual(len(run('read', path, '-n', '5').stdout.splitlines()), 5)
        numbers = run('read', path, 'evt.type = open', '-p', '%evt.num\x1f%evt.type\x1f%k8s.pod.name').stdout
        for line in numbers.splitlines():
            self.assertRegex(line, '^\\d+\x1fopen\x1f<NA>$')

    def test_json_has_the_types_of_alerts(self):
        path = capture('sample.scap')
        fields = '*%evt.num %evt.time %evt.type %evt.failed %proc.pid %proc.name %fd.name %fd.types %k8s.pod.name %evt.rawtime.ns'
        lines = run('read', path, '-j', '-p', fields).stdout.splitlines()
        texts = run('read', path, '-p', '%evt.num|%proc.pid|%fd.name').stdout.splitlines()
        self.assertEqual(len(lines), len(texts))
        seen = set()
        for line, text in zip(lines, texts):
            event = json.loads(line)
            number, pid, name = text.split('|')
            self.assertEqual(list(event), sorted(event))
            self.assertEqual(event['evt.num'], int(number))
            self.assertEqual(event['proc.pid'], None if pid == '<NA>' else int(pid))
            self.assertEqual(event['fd.name'], None if name == '<NA>' else name)
            self.assertGreater(event['evt.time'], 10 ** 18)
            self.assertIsNone(event['k8s.pod.name'])
            seen |= {(key, type(value).__name__) for key, value in event.items()}
        for kind in (('evt.failed', 'bool'), ('fd.types', 'list'), ('proc.name', 'str'), ('fd.name', 'NoneType')):
            self.assertIn(kind, seen)
        default = json.loads(run('read', path, '-j', '-n', '1').stdout)
        self.assertEqual(sorted(default), ['evt.args', 'evt.cpu', 'evt.num', 'evt.time', 'evt.type', 'proc.name', 'proc.pid'])

    def test_values_stay_on_one_line(self):
        text = run('read', capture('sample.scap'), '-p', '%evt.num|%evt.args|%proc.env').stdout
        for line in text.split('\n')[:-1]:
            self.assertRegex(line, r'^\d+\|')
            self.assertNotRegex(line, '[\x00-\x08\x0b-\x1f]')

    def test_closed_pipe_ends_quietly(self):
        process = subprocess.Popen([GYR, 'read', capture('net.scap')], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdout.readline()
        process.stdout.close()
        with process.stderr:
            self.assertEqual(process.stderr.read(), b'')
        self.assertEqual(process.wait(timeout=30), 0)

    def test_full_disk_is_an_error(self):
        with open('/dev/full', 'w', encoding='utf-8') as full:
            result = subprocess.run([GYR, 'read', capture('net.scap')], stdout=full, stderr=subprocess.PIPE, text=True,
                                    check=False, timeout=60)
        self.assertEqual(result.returncode, 1)
        self.assertIn('No space left', result.stderr)


class Damage(Case):
    def damaged(self, keep):
        content = gunzipped(capture('net.scap'))
        return self.write('cut.scap', content[:int(len(content) * keep)])

    def test_everything_before_the_fault_is_processed(self):
        path = self.damaged(0.7)
        whole = run('read', capture('net.scap'), '-p', '%evt.num').stdout.splitlines()
        result = run('read', path, '-p', '%evt.num')
        part = result.stdout.splitlines()
        self.assertEqual(result.returncode, 1)
        self.assertGreater(len(part), len(whole) // 2)
        self.assertEqual(part, whole[:len(part)])
        self.assertRegex(result.stderr, r'cut\.scap.*\d+')

    def test_detection_reports_the_fault_and_its_statistics(self):
        result = run('-r', self.rules, '-e', self.damaged(0.5))
        self.assertEqual(result.returncode, 1)
        self.assertIn('cut.scap', result.stderr)
        self.assertIn('Events detected:', result.stdout)


class Endings(Case):
    """A capture through a pipe that stays open keeps the program running."""

    def start(self, *arguments, **options):
        content = gunzipped(capture('cat_write.scap'))  # skips where there are no captures
        fifo = os.path.join(self.folder, 'live.scap')
        os.mkfifo(fifo)
        process = subprocess.Popen([GYR, '-r', self.rules, '-e', fifo, *arguments], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, **options)
        writer = open(fifo, 'wb', buffering=0)
        self.addCleanup(writer.close)
        return process, writer, content

    def test_signals_end_with_statistics(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # a replay does not reload
            with self.subTest(number):
                process, writer, content = self.start()
                writer.write(content)
                self.assertIn('opened', process.stdout.readline())  # flushed though nothing ends
                process.send_signal(number)
                out, err = process.communicate(timeout=30)
                self.assertEqual(process.returncode, 0, err)
                self.assertIn('Events detected:', out)
                os.unlink(os.path.join(self.folder, 'live.scap'))

    def test_half_a_capture_is_none_that_is_cut_off(self):
        for name, change in (('plain', bytes), ('gzip', gzip.compress)):
            with self.subTest(name):
                process, writer, content = self.start('-M', '2')
                content = change(content)
                writer.write(content[:len(content) // 2])
                out, err = process.communicate(timeout=30)
                self.assertEqual(process.returncode, 0, err)
                self.assertIn('Events detected:', out)
                os.unlink(os.path.join(self.folder, 'live.scap'))

    def test_a_pipe_without_a_writer_is_given_up(self):
        fifo = os.path.join(self.folder, 'empty')
        os.mkfifo(fifo)
        copy = os.path.join(self.folder, 'copy.scap')
        for command in (['-r', self.rules, '-e', fifo], ['read', fifo], ['record', '-w', copy, '-r', fifo]):
            with self.subTest(command[0]):
                process = subprocess.Popen([GYR, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                time.sleep(0.5)
                self.assertIsNone(process.poll())
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=30)
                self.assertEqual(process.returncode, 0, err)
                self.assertEqual('Events detected: 0' in out, command[0] == '-r')
        self.assertEqual(run('-r', self.rules, '-e', fifo, '-M', '1').returncode, 0)

    def test_alerts_wait_for_the_reader_of_a_pipe(self):
        fifo = os.path.join(self.folder, 'alerts')
        os.mkfifo(fifo)
        command = [GYR, '-r', self.rules, '-e', capture('cat_write.scap'), '-o', 'stdout_output.enabled=false',
                   '-o', 'file_output.enabled=true', '-o', f'file_output.filename={fifo}',
                   '-o', 'file_output.keep_alive=true']  # else a reader who takes the first alerts sees an end after them
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(0.5)
        with open(fifo, encoding='utf-8') as reader:
            lines = reader.readlines()
        out, err = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 0, err)
        self.assertEqual(len(lines), int(re.search(r'detected: (\d+)', out)[1]))
        # Nobody comes: a signal ends that, and what is lost is said.
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 1, err)
        self.assertIn(f'{len(lines)} alerts were not delivered', err)

    def test_nothing_depends_on_standard_error(self):
        file = capture('cat_write.scap')
        copy = os.path.join(self.folder, 'copy.scap')
        cut = self.write('cut.scap', gunzipped(file)[:-100])
        good = run('record', '-w', copy, '-r', file)
        self.assertEqual(good.returncode, 0, good.stderr)
        with open(copy, 'rb') as recorded:
            content = recorded.read()
        for way in ('2>/dev/full', '2>&-', '2> >(exec true)'):
            for command, status in ((['--nosuch'], 1), (['-r', self.rules, '-e', cut], 1),
                                    (['-r', self.rules, '-e', file, '--dry-run'], 0), (['record', '-w', copy, '-r', file, '--overwrite'], 0)):
                with self.subTest(way=way, command=command):
                    result = subprocess.run(['bash', '-c', f'"$@" {way}', 'bash', GYR, *command], check=False,
                                            stdout=subprocess.PIPE, timeout=60)
                    self.assertEqual(result.returncode, status)
            with open(copy, 'rb') as recorded:
                self.assertEqual(recorded.read(), content)

    def test_closed_pipe_ends_quietly(self):
        process, writer, content = self.start()
        process.stdout.close()
        try:
            writer.write(content)
        except BrokenPipeError:
            pass  # it ended before it had read all
        writer.close()
        self.assertEqual(process.wait(timeout=30), 0)
        with process.stderr:
            self.assertNotIn('roken pipe', process.stderr.read())


if __name__ == '__main__':
    GYR = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=1)
