# SPDX-License-Identifier: Apache-2.0
"""What alerts hold: tokens of outputs, what the configuration adds, JSON types, bytes an attacker chooses. Runs: gyr."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

from common import conformance_or_none

GYR = os.path.abspath(sys.argv[1])
DATA = conformance_or_none()
# Token of an output and what it prints, then the members it makes in output_fields.
TOKENS = [
    ('%proc.name', 'cat', {'proc.name': 'cat'}),
    ('%10proc.name|', 'cat       |', {'proc.name': 'cat'}),
    ('%2proc.name', 'ca', {'proc.name': 'cat'}),
    ('%proc.namefoo', 'catfoo', {'proc.name': 'cat'}),
    ('%toupper(proc.name)', 'CAT', {'proc.name': 'cat'}),
    ('%fd.cip', '<NA>', {'fd.cip': None}),
    ('%fd.types', '(file)', {'fd.types': ['file']}),
    ('%proc.aname[1]', 'bash', {'proc.aname[1]': 'bash'}),
    ('%proc.aname', 'bash emacs bash sshd sshd sshd systemd', {'proc.aname': 'bash emacs bash sshd sshd sshd systemd'}),
    ('%proc.pid', '20072', {'proc.pid': 20072}),
    ('%evt.rawtime', '1470327477881785348', {'evt.rawtime': 1470327477881785348}),
    ('%evt.is_open_read', 'true', {'evt.is_open_read': True}),
    ('a%container.info', 'a', {}),
    ('  padded  ', 'padded', {}),
]
BAD = ['%%', 'x%', '%no.field', '%evt.arg', '% proc.name']


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def rules(self, output, condition='evt.type in (open, openat) and proc.name = cat', tags='[z, a]'):
        path = os.path.join(self.folder, 'rules.yaml')
        with open(path, 'w', encoding='utf-8') as file:
            file.write(f'- rule: r\n  desc: d\n  condition: {condition}\n  output: {json.dumps(output)}\n'
                       f'  priority: INFO\n  tags: {tags}\n')
        return path

    def replay(self, output, *settings, extra=(), **rule):
        if DATA is None:
            self.skipTest('no conformance data')
        options = [part for setting in settings for part in ('-o', setting)]
        return subprocess.run([GYR, '-r', self.rules(output, **rule), '-e', os.path.join(DATA, 'captures', 'cat_write.scap'),
                               *options, *extra], check=False, capture_output=True, text=True, timeout=60)

    def alert(self, output, *settings, **more):
        result = self.replay(output, 'json_output=true', 'json_include_message_property=true', *settings, **more)
        self.assertEqual(result.returncode, 0, result.stderr)
        line = result.stdout.splitlines()[0]
        alert = json.loads(line)
        self.assertEqual(list(alert), sorted(alert))
        self.assertEqual(list(alert['output_fields']), sorted(alert['output_fields']))
        self.assertEqual(alert['output_fields'].pop('evt.time'), 1470327477881785348)
        return alert


class Tokens(Case):
    def test_each(self):
        for token, text, fields in TOKENS:
            with self.subTest(token=token):
                alert = self.alert(token)
                self.assertEqual(alert['message'], text)
                self.assertEqual(alert['output_fields'], fields)

    def test_faults(self):
        for token in BAD:
            with self.subTest(token=token):
                result = self.replay(token)
                self.assertEqual(result.returncode, 1)
                self.assertIn('LOAD_ERR_COMPILE_OUTPUT', result.stderr)

    def test_the_members_of_json(self):
        alert = self.alert('x')
        self.assertEqual(alert['priority'], 'Informational')
        self.assertEqual((alert['rule'], alert['source'], alert['tags']), ('r', 'syscall', ['a', 'z']))
        self.assertEqual(alert['time'], '2016-08-04T16:17:57.881785348Z')
        self.assertTrue(alert['output'].endswith(': Informational x'))
        named = {**os.environ, 'FALCO_HOSTNAME': 'node-7'}
        result = subprocess.run([GYR, '-r', self.rules('x'), '-e', os.path.join(DATA, 'captures', 'cat_write.scap'), '-o',
                                 'json_output=true'], env=named, check=False, capture_output=True, text=True, timeout=60)
        self.assertEqual(json.loads(result.stdout.splitlines()[0])['hostname'], 'node-7')


class Additions(Case):
    def test_what_fits_is_added(self):
        cases = [('{}', True), ('{rule: r}', True), ('{rule: q}', False), ('{source: syscall}', True), ('{source: k8s_audit}', False),
                 ('{tags: [a]}', True), ('{tags: [a, z]}', True), ('{tags: [a, b]}', False),
                 ('{rule: r, source: syscall, tags: [z]}', True), ('{rule: r, tags: [b]}', False)]
        for match, fits in cases:
            with self.subTest(match=match):
                alert = self.alert('x', f'append_output[]={{match: {match}, extra_output: "pid=%proc.pid", extra_fields: [fd.name]}}')
                self.assertEqual(alert['message'], 'x pid=20072' if fits else 'x')
                self.assertEqual('fd.name' in alert['output_fields'], fits)

    def test_fields(self):
        alert = self.alert('x', 'append_output[]={extra_fields: [proc.pid, fd.types, "proc.aname[1]", fd.cip, '
                                '{f: "%proc.pid/%evt.num"}, {plain: text}]}')
        self.assertEqual(alert['message'], 'x')
        self.assertEqual(alert['output_fields'], {'proc.pid': 20072, 'fd.types': ['file'], 'proc.aname[1]': 'bash', 'fd.cip': None,
                                                  'f': '20072/137', 'plain': 'text'})

    def test_suggested(self):
        alert = self.alert('x', 'append_output[].suggested_output=true', 'static_fields.env=prod', 'static_fields.a\\.b=c')
        self.assertEqual(alert['message'],
                         'x container_id=host container_name=host container_image_repository= container_image_tag= '
                         'k8s_pod_name=<NA> k8s_ns_name=<NA> static_a_b=c static_env=prod')
        self.assertEqual(alert['output_fields']['static.env'], 'prod')

    def test_in_order(self):
        alert = self.alert('x', 'append_output[]={extra_output: one}', 'append_output[]={extra_output: "two"}', extra=['-p', 'three'])
        self.assertEqual(alert['message'], 'x one two three')

    def test_faults_show_the_option(self):
        for option in ('{extra_output: "%no.field"}', '{extra_fields: [no.field]}', '{extra_fields: [{x: "%%"}]}'):
            with self.subTest(option=option):
                result = self.replay('x', f'append_output[]={option}')
                self.assertEqual(result.returncode, 1)
                self.assertIn('(configuration or command line)', result.stderr)

    def test_what_fits_no_rule_is_said(self):
        for option, words in (('append_output[]={match: {rule: q}, extra_output: a}', 'append_output[0]: no rule'),
                              ('rules[].disable.rule=q*', "rules[0]: no rule is called 'q*'"),
                              ('rules[].enable.tag=nobody', "rules[0]: no rule has the tag 'nobody'")):
            with self.subTest(option=option):
                self.assertIn(words, self.replay('x', option).stderr)
        self.assertNotIn('no rule', self.replay('x', 'rules[].enable.rule=r', 'rules[].enable.tag=a',
                                                'append_output[]={match: {tags: [a]}, extra_output: a}').stderr)

    def test_historic_forms_of_p(self):
        for form in ('-pc', '-pk', '-pcontainer', '-pkubernetes'):
            result = self.replay('x', 'json_output=true', extra=[form])
            self.assertEqual(json.loads(result.stdout.splitlines()[0])['output_fields'].keys(), {'evt.time'})
            self.assertIn(f'{form} has no effect any more', result.stderr)
        self.assertIn(': Informational x u=20072', self.replay('x', extra=['-pu=%proc.pid']).stdout)
        self.assertIn('-p: ', self.replay('x', extra=['-p%no.field']).stderr)


class Bytes(Case):
    """Names that a program gives to files, as they come out of text and JSON."""
    NAMES = {b'line\nbreak': 'line\\nbreak', b'esc\x1b[31m': 'esc\\u001b[31m', b'bad\xff\xfeutf': 'bad\ufffd\ufffdutf',
             b'quote"back\\': 'quote"back\\', b'\xc2\x9bcsi': '\\u009bcsi', b'cut\xe2\x82': 'cut\ufffd\ufffd', 'ümlaut'.encode(): 'ümlaut'}

    def test_each(self):
        path = self.rules('f=%fd.filename', condition=f'evt.type in (open, openat) and fd.directory = {self.folder}/d')
        os.mkdir(os.path.join(self.folder, 'd'))
        for name, shown in self.NAMES.items():
            file = os.path.join(self.folder, 'd').encode() + b'/' + name
            with open(file, 'wb'):
                pass
            for as_json in ('true', 'false'):
                result = subprocess.run([GYR.encode(), b'-u', b'-r', path.encode(), b'-o', b'json_output=' + as_json.encode(),
                                         b'--', b'cat', file], check=False, capture_output=True, timeout=60)
                if b'ptrace' in result.stderr and result.returncode == 1:
                    self.skipTest(result.stderr.decode(errors='replace'))
                with self.subTest(name=name, json=as_json):
                    lines = result.stdout.decode('utf-8').splitlines()  # throws on what is no UTF-8
                    if as_json == 'false':
                        self.assertTrue(lines[0].endswith('f=' + shown), lines[0])
                        continue
                    alert = json.loads(lines[0])
                    wanted = name.decode('utf-8', 'replace')
                    got = alert['output_fields']['fd.filename']
                    self.assertEqual(got.replace('\ufffd', ''), wanted.replace('\ufffd', ''))


if __name__ == '__main__':
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=1)
