#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What service files and scripts of Falco's users do: the name falco, -d, -P, --support, sources, plugins, retired options.

usage: cli_service_test.py GYR [unittest arguments]
Needs no privileges: it runs with engine.kind=nodriver.
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

GYR = ''
RULE = '''- rule: opened
  desc: every open
  condition: evt.type in (open, openat) and fd.name exists
  output: "opened %fd.name by %proc.name"
  priority: INFO
'''
IDLE = ('-o', 'engine.kind=nodriver')
SECRETS = '''stdout_output: {enabled: true}
http_output:
  url: https://user:hunter2@example.org/hook?token=hunter2&x=1
  api_token: |
    hunter2
    hunter2 more
  nested: {Password: "hunter2", other: [visible], client_secret: [hunter2, {a: hunter2}]}
program_output:
  program: "curl -H 'Authorization: Bearer hunter2' -u me:hunter2 https://example.org -d password=hunter2"
'''


def wait_for(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        self.rules = self.write('rules.yaml', RULE)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), 'w', encoding='utf-8') as file:
            file.write(text)
        return self.path(name)

    def run_gyr(self, *arguments, program=None):
        return subprocess.run([program or GYR, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=60, check=False, cwd=self.folder)

    def read(self, name):
        with open(self.path(name), encoding='utf-8') as file:
            return file.read()

    def assert_fails(self, result, *words, status=1):
        self.assertEqual(result.returncode, status, result.stderr)
        self.assertEqual(result.stdout, '')
        for word in words:
            self.assertIn(word, result.stderr)


class Pidfile(Case):
    def start(self, *arguments):
        process = subprocess.Popen([GYR, '-r', self.rules, *IDLE, '-P', self.path('pid'), *arguments],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.assertTrue(wait_for(lambda: os.path.isfile(self.path('pid')) and self.read('pid') == f'{process.pid}\n'))
        return process

    def test_it_is_there_while_gyr_runs(self):
        process = self.start()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
        self.assertEqual(process.returncode, 0)
        self.assertFalse(os.path.exists(self.path('pid')))

    def test_what_a_killed_process_left_is_taken_over(self):
        process = self.start()
        process.kill()
        process.communicate(timeout=30)
        self.assertEqual(self.read('pid'), f'{process.pid}\n')
        self.start()

    def test_one_that_runs_is_not_taken_over(self):
        process = self.start()
        second = self.run_gyr('-r', self.rules, *IDLE, '-P', self.path('pid'))
        self.assert_fails(second, 'a process that runs holds it', status=255)
        self.assertEqual(self.read('pid'), f'{process.pid}\n')

    def test_nothing_else_is_written_over(self):
        precious = self.write('precious', 'root:x:0:0\n')
        os.symlink(precious, self.path('link'))
        self.write('linked', '1\n')
        os.link(self.path('linked'), self.path('second_name'))
        os.mkfifo(self.path('pipe'))
        for name, why in (('link', 'symbolic link'), ('precious', 'something else'), ('second_name', 'other names'),
                          ('pipe', 'no regular file'), ('no/such/folder', 'No such file'), ('.', 'Is a directory')):
            with self.subTest(name):
                result = self.run_gyr('-r', self.rules, *IDLE, '-M', '1', '-P', self.path(name))
                self.assert_fails(result, 'Error: -P: cannot write the pid file', why, status=255)
        self.assertEqual(self.read('precious'), 'root:x:0:0\n')

    def test_a_file_that_somebody_replaced_stays(self):
        process = self.start()
        os.rename(self.write('other', '1\n'), self.path('pid'))
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
        self.assertEqual(self.read('pid'), '1\n')

    def test_none_in_a_dry_run(self):
        self.assertEqual(self.run_gyr('-r', self.rules, *IDLE, '--dry-run', '-P', self.path('pid')).returncode, 0)
        self.assertFalse(os.path.exists(self.path('pid')))


class Outputs(Case):
    def setUp(self):
        super().setUp()
        os.mkfifo(self.path('pipe'))  # which nobody reads

    def options(self, **settings):
        return [word for key, value in settings.items() for word in ('-o', f'{key.replace("__", ".")}={value}')]

    def to_file(self, name, **more):
        """With a spool."""
        return ['-r', self.rules, *self.options(file_output__enabled='true', file_output__filename=name, gyr__outputs__file__spool=self.path('spool'),
                                                stdout_output__enabled='false', **more)]

    def fill_spool(self):
        result = self.run_gyr(*self.to_file('/dev/full', metrics__enabled='true', metrics__interval='100ms', metrics__output_rule='true'),
                              *IDLE, '-M', '1')
        self.assertRegex(result.stderr, r'file_output: \d+ alerts wait in its spool')

    def spooled(self):
        """File: its size and when it was written."""
        files = [os.path.join(self.path('spool'), name) for name in os.listdir(self.path('spool'))]
        return {file: (os.stat(file).st_size, os.stat(file).st_mtime_ns) for file in files}

    def test_a_start_that_fails_does_not_wait_for_a_blocked_output(self):
        """What an earlier run has left in the spool goes to a pipe that nobody reads, so that output hangs from the start on."""
        self.fill_spool()
        self.assert_fails(self.run_gyr(*self.to_file(self.path('pipe')), '-e', '/no/such.scap'), '/no/such.scap')
        # The second of two outputs is wrong.
        self.assert_fails(self.run_gyr(*self.to_file(self.path('pipe'), program_output__enabled='true'), *IDLE), 'program_output.program')
        self.assertTrue(self.spooled())

    def test_a_dry_run_sends_nothing_and_makes_nothing(self):
        self.fill_spool()
        before = self.spooled()
        for file in (self.path('pipe'), self.path('new')):
            with self.subTest(file):
                result = self.run_gyr(*self.to_file(file, gyr__outputs__unix__enabled='true', gyr__outputs__unix__path=self.path('socket')),
                                      *IDLE, '--dry-run')
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertIn('dry run', result.stderr)
        self.assertEqual(self.spooled(), before)
        self.assertEqual(sorted(os.listdir(self.folder)), ['pipe', 'rules.yaml', 'spool'])

    def test_a_dry_run_finds_what_is_wrong(self):
        cases = (({'file_output__filename': '/no/such/file'}, '/no/such/file: No such file'),
                 ({'gyr__outputs__file__spool': '/no/such/spool'}, '/no/such/spool: cannot make the folder'),
                 ({'gyr__outputs__unix__enabled': 'true', 'gyr__outputs__unix__path': self.rules}, 'is there and no socket'),
                 ({'gyr__outputs__stdout__spool': self.path('spool'), 'stdout_output__enabled': 'true'}, 'another output uses this folder'),
                 ({'http_output__enabled': 'true', 'http_output__url': 'https://x', 'http_output__ca_cert': '/no/ca'}, 'ca_cert /no/ca'),
                 ({'file_output__enabled': 'false'}, 'no output is enabled'))
        for settings, fault in cases:
            with self.subTest(fault):
                result = self.run_gyr(*self.to_file(self.path('new')), *self.options(**settings), *IDLE, '--dry-run')
                self.assert_fails(result, fault)

    def test_a_dry_run_beside_a_daemon(self):
        arguments = self.to_file(self.path('out'), gyr__outputs__unix__enabled='true', gyr__outputs__unix__path=self.path('socket'))
        daemon = subprocess.Popen([GYR, *arguments, *IDLE, '-P', self.path('pid')], stderr=subprocess.DEVNULL)
        self.addCleanup(daemon.wait)
        self.addCleanup(daemon.kill)
        self.assertTrue(wait_for(lambda: os.path.exists(self.path('pid')) and os.path.exists(self.path('socket'))))
        result = self.run_gyr(*arguments, *IDLE, '--dry-run')
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertTrue(os.path.exists(self.path('socket')))
        daemon.send_signal(signal.SIGTERM)
        self.assertEqual(daemon.wait(30), 0)


class Reload(Case):
    def test_a_change_during_the_start_is_seen(self):
        """The configuration is read, and then gyr stands still for as long as nobody reads its log."""
        config = self.write('gyr.yaml', 'stdout_output: {enabled: true}\nengine: {kind: nodriver}\n')
        reading, writing = os.pipe()
        self.addCleanup(os.close, reading)
        os.set_blocking(writing, False)
        try:
            while True:
                os.write(writing, b'x')
        except BlockingIOError:
            os.set_blocking(writing, True)
        process = subprocess.Popen([GYR, '-c', config, '-r', self.rules], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=writing)
        os.close(writing)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)

        def writes():
            with open(f'/proc/{process.pid}/syscall', encoding='utf-8') as file:
                call = file.read().split()
            return call[0] in ('1', '64') and call[1] == '0x2'  # write(2), of x86-64 and arm64
        self.assertTrue(wait_for(writes))
        self.write('gyr.yaml', 'stdout_output: {enabled: true}\nengine: {kind: nodriver}\njson_output: true\n')
        log = []
        reader = threading.Thread(target=lambda: log.extend(iter(lambda: os.read(reading, 65536), b'')))
        reader.start()
        seen = wait_for(lambda: b'json_output: this key takes effect at the next start' in b''.join(log))
        process.kill()
        reader.join()
        self.assertTrue(seen, b''.join(log).decode().lstrip('x'))

    def test_a_pipe_is_not_read_twice(self):
        """What it says the second time, nothing, is no change."""
        reading, writing = os.pipe()
        os.write(writing, b'stdout_output: {enabled: true}\njson_output: true\nengine: {kind: nodriver}\n')
        os.close(writing)
        try:
            result = subprocess.run([GYR, '-c', f'/dev/fd/{reading}', '-r', self.rules, '-M', '2'], capture_output=True, text=True,
                                    timeout=60, check=False, pass_fds=[reading])
        finally:
            os.close(reading)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertNotIn('takes effect at the next start', result.stderr)


class Background(Case):
    def test_the_first_process_ends_once_the_other_runs(self):
        result = self.run_gyr('-d', '-r', self.rules, *IDLE, '-P', 'pid', '-M', '60')
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn('-d (--daemon) is gone since Falco 0.36', result.stderr)
        self.assertIn('nobody reads standard output', result.stderr)
        pid = int(self.read('pid'))
        self.assertEqual(os.getsid(pid), pid)
        for number in ('0', '1', '2'):
            self.assertEqual(os.readlink(f'/proc/{pid}/fd/{number}'), '/dev/null')
        os.kill(pid, signal.SIGTERM)
        self.assertTrue(wait_for(lambda: not os.path.exists(self.path('pid'))))

    def test_a_start_that_fails_is_seen(self):
        self.assert_fails(self.run_gyr('-d', '-r', '/nonexistent.yaml', *IDLE), '/nonexistent.yaml')
        self.assert_fails(self.run_gyr('-d', '-r', self.rules, *IDLE, '-P', '/no/such/pid'), '-P', status=255)

    def test_printing_stays_in_front(self):
        result = self.run_gyr('-d', '--version')
        self.assertEqual(result.returncode, 0)
        self.assertIn('Gyr version', result.stdout)
        self.assertIn('-d has no effect with --version', result.stderr)


class Names(Case):
    """Under the name falco. The machine's own /etc/falco is not touched."""

    def setUp(self):
        super().setUp()
        self.falco = self.path('falco')
        os.symlink(GYR, self.falco)

    def test_configuration_is_needed(self):
        if os.path.exists('/etc/falco/falco.yaml'):
            self.skipTest('there is a /etc/falco/falco.yaml')
        result = self.run_gyr('-r', self.rules, '--dry-run', program=self.falco)
        self.assert_fails(result, 'no configuration file /etc/falco/falco.yaml')
        self.assertEqual(self.run_gyr('-r', self.rules, '--dry-run').returncode, 0)
        for printing in (('--version',), ('--list',), ('--help',), ('-i',), ('--list-events',)):
            self.assertEqual(self.run_gyr(*printing, program=self.falco).returncode, 0)

    def test_log_stderr_is_off_unless_the_file_says_it(self):
        for line, logs in (('', False), ('log_stderr: true\n', True)):
            config = self.write('c.yaml', line + 'stdout_output: {enabled: true}\nlog_syslog: false\n')
            arguments = ('-c', config, '-r', self.rules, '--dry-run', *IDLE, '-A')
            self.assertEqual('-A is gone' in self.run_gyr(*arguments, program=self.falco).stderr, logs)
            self.assertIn('-A is gone', self.run_gyr(*arguments).stderr)


class RetiredOptions(Case):
    def test_an_old_service_file_starts_and_each_option_is_told_once(self):
        old = ['-A', '-b', '--cri', '/run/x.sock', '--disable-cri-async', '-D', 'x', '--modern-bpf', '-s', self.path('stats'),
               '--stats-interval', '500', '-S', '90', '-T', 'a', '-u', '-k', 'https://k', '-K', 'c', '--k8s-node', 'n', '-g', 'c',
               '--gvisor-root', 'r', '-pk']
        result = self.run_gyr('-r', self.rules, '--dry-run', *old)
        self.assertEqual(result.returncode, 0, result.stderr)
        for option in ('-A', '-b', '--cri', '--disable-cri-async', '-D', '--modern-bpf', '-s', '--stats-interval', '-S', '-T', '-u', '-k',
                       '-K', '--k8s-node', '-g', '--gvisor-root'):
            lines = [line for line in result.stderr.splitlines() if f': {option} ' in line and 'gone since Falco' in line]
            self.assertEqual(len(lines), 1, option + '\n' + result.stderr)
        self.assertIn('dry run: 1 rule loaded', result.stderr)

    def test_nodriver_waits_for_no_event(self):
        result = self.run_gyr('-r', self.rules, '--nodriver', '-M', '1')
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn('Events detected: 0', result.stdout)

    def test_statistics_are_written_as_metrics(self):
        stats = self.path('stats')
        result = self.run_gyr('-r', self.rules, '--nodriver', '-M', '2', '-s', stats, '--stats-interval', '200')
        self.assertEqual(result.returncode, 0, result.stderr)
        with open(stats, encoding='utf-8') as file:
            self.assertIn('output_fields', json.loads(file.readline()))

    def test_gvisor_configuration_cannot_be_made(self):
        self.assert_fails(self.run_gyr('--gvisor-generate-config'), 'no gVisor engine')


class SourcesAndPlugins(Case):
    def test_sources(self):
        rest = ('-r', self.rules, *IDLE, '--dry-run')
        self.assertEqual(self.run_gyr('--enable-source', 'syscall', *rest).returncode, 0)
        for option in ('--enable-source', '--disable-source'):
            self.assert_fails(self.run_gyr(option, 'sycall', *rest), option, "no event source 'sycall', did you mean 'syscall'?")
        self.assert_fails(self.run_gyr('--disable-source', 'syscall', *rest), 'no source would be left')
        self.assert_fails(self.run_gyr('--disable-source', 'syscall', '--enable-source=syscall', *rest), 'together')
        replay = self.run_gyr('--disable-source', 'syscall', '-r', self.rules, '--replay', '/nonexistent.scap')
        self.assertIn('no effect in a replay', replay.stderr)

    def test_plugins(self):
        self.assertRegex(self.run_gyr('--list-plugins').stdout, r'^0 Plugins Loaded.*\n\nName: container\n')
        self.assertEqual(self.run_gyr('list', 'plugins').stdout, self.run_gyr('--list-plugins').stdout)
        told = self.run_gyr('--plugin-info', 'container').stdout
        for line in ('  engines.cri.sockets (list of texts): Paths of its API\n', '  label_max_len (number): '):
            self.assertIn(line, told)
        for path in ('libcontainer.so', '/usr/share/falco/plugins/libcontainer.so'):
            self.assertEqual(self.run_gyr('--plugin-info', path).stdout, told)
        self.assert_fails(self.run_gyr('--plugin-info', 'k8saudit'), "no plugin 'k8saudit'")


class Support(Case):
    def test_keys_and_no_secrets(self):
        config = self.write('c.yaml', SECRETS)
        result = self.run_gyr('-c', config, '-r', self.rules, '-o', 'static_fields.password=hunter2', '--support')
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertNotIn('hunter2', result.stdout)
        bundle = json.loads(result.stdout)
        for key in ('version', 'system_info', 'engine_info', 'cmdline', 'config', 'rules_files'):
            self.assertIn(key, bundle)
        self.assertEqual(sorted(bundle['system_info']), ['machine', 'nodename', 'release', 'sysname', 'version'])
        self.assertEqual(bundle['rules_files'], [{'name': self.rules, 'variants': [{'content': RULE}]}])
        self.assertIn('--support', bundle['cmdline'])
        for word in ('visible', 'example.org', 'x=1', 'stdout_output', 'curl'):
            self.assertIn(word, bundle['config'])

    def test_rules_that_do_not_load_are_an_error(self):
        self.assert_fails(self.run_gyr('-r', '/nonexistent.yaml', '--support'), '/nonexistent.yaml')


class Shapes(Case):
    """Keys of what programs read (falco-interface 1.4, 3.9)."""

    def json(self, *arguments):
        result = self.run_gyr(*arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def test_version(self):
        self.assertLessEqual({'falco_version', 'libs_version', 'plugin_api_version', 'driver_api_version', 'driver_schema_version',
                              'default_driver_version', 'engine_version', 'engine_version_semver', 'plugin_versions'},
                             set(self.json('--version', '-o', 'json_output=true')))

    def test_rules(self):
        rules = self.write('all.yaml', RULE + '''- list: l
  items: [a]
- macro: m
  condition: proc.name in (l)
- required_engine_version: 0.26.0
- required_plugin_versions:
  - {name: container, version: 0.4.0, alternatives: [{name: other, version: 1.0.0}]}
''')
        report = self.json('-r', rules, '-L', '-o', 'json_output=true')
        self.assertEqual(set(report), {'required_engine_version', 'required_plugin_versions', 'rules', 'macros', 'lists'})
        self.assertEqual(report['required_plugin_versions'],
                         [{'name': 'container', 'version': '0.4.0', 'alternatives': [{'name': 'other', 'version': '1.0.0'}]}])
        rule, macro, names = report['rules'][0], report['macros'][0], report['lists'][0]
        self.assertEqual(set(rule['info']), {'name', 'condition', 'priority', 'output', 'description', 'enabled', 'source', 'capture',
                                             'capture_duration', 'tags'})
        self.assertEqual(set(rule['details']), {'macros', 'lists', 'condition_operators', 'condition_fields',
                                                'extra_output_formatted_fields', 'output_fields', 'exception_fields', 'exception_names',
                                                'exception_operators', 'events', 'condition_compiled', 'output_compiled', 'plugins'})
        self.assertEqual(set(macro['info']), {'name', 'condition'})
        self.assertEqual(set(macro['details']), {'used', 'macros', 'lists', 'condition_operators', 'condition_fields', 'events',
                                                 'condition_compiled', 'plugins'})
        self.assertEqual(set(names['info']), {'name', 'items'})
        self.assertEqual(set(names['details']), {'used', 'lists', 'items_compiled', 'plugins'})

    def test_fields_and_events(self):
        classes = self.json('--list', '--format', 'json')['fieldclasses']
        self.assertEqual(set(classes[0]), {'name', 'desc', 'event_sources', 'fields'})
        for family in classes:
            self.assertEqual(family['event_sources'], ['syscall'])
            for field in family['fields']:
                self.assertLessEqual({'name', 'type', 'desc', 'flags'}, set(field))
        self.assertEqual(list(self.json('--list', '-N', '--format', 'json')), ['fieldnames'])
        events = self.json('--list-events', '--format', 'json')
        self.assertEqual(set(events), {'schema_version', 'Syscall events', 'Tracepoint events', 'Plugin events', 'Metaevents'})
        for event in events['Syscall events']:
            self.assertEqual(set(event), {'name', 'dir', 'available', 'params'})
            for param in event['params']:
                self.assertIn(set(param) - {'flags'}, [{'name', 'type'}])

    def test_load_report(self):
        bad = self.write('bad.yaml', RULE.replace('fd.name exists', 'fd.nme exists'))
        result = self.run_gyr('-V', bad, '-o', 'json_output=true')
        self.assertEqual(result.returncode, 1)
        report, = json.loads(result.stdout)['falco_load_results']
        self.assertEqual(set(report), {'name', 'successful', 'schema_valid', 'schema_warnings', 'errors', 'warnings'})
        error, = report['errors']
        self.assertEqual(set(error), {'context', 'code', 'codedesc', 'message'})
        self.assertEqual(set(error['context']), {'locations', 'snippet'})
        for location in error['context']['locations']:
            self.assertEqual(set(location), {'item_type', 'item_name', 'position'})
            self.assertEqual(set(location['position']), {'name', 'line', 'column', 'offset'})
        both = self.json('-V', self.rules, '-L', '-o', 'json_output=true')
        self.assertEqual(set(both), {'falco_load_results', 'falco_describe_results'})


class Commands(Case):
    def test_a_rule_in_full(self):
        text = self.run_gyr('describe', 'opened', '-r', self.rules).stdout
        for line in ('Rule:        opened\n', 'Priority:    Informational\n', 'Events:      open, openat\n', 'Fields:      evt.type, fd.name\n',
                     'Condition:\n  evt.type in (open, openat) and fd.name exists\n'):
            self.assertIn(line, text)

    def test_commands_do_what_options_do(self):
        same = ((('list', 'fields', '-N'), ('--list', '-N')), (('list', 'events', '--format', 'json'), ('--list-events', '--format', 'json')),
                (('list', 'ignored'), ('-i',)), (('version',), ('--version',)), (('help',), ('--help',)), (('help', 'run'), ('run', '--help')),
                (('describe', '-r', self.rules), ('-L', '-r', self.rules)),
                (('describe', 'opened', '--json', '-r', self.rules), ('-l', 'opened', '-o', 'json_output=true', '-r', self.rules)))
        for command, option in same:
            with self.subTest(command):
                result = self.run_gyr(*command)
                self.assertEqual(result.returncode, 0, result.stderr)
                if command[0] != 'help' or len(command) == 1:
                    self.assertEqual(result.stdout, self.run_gyr(*option).stdout)
        self.assertEqual(self.run_gyr('list', 'rules', '-r', self.rules).stdout, 'opened\n')
        self.assertEqual(self.run_gyr('run', '-r', self.rules, '--dry-run', *IDLE).returncode, 0)
        self.assertIn('falco_version', json.loads(self.run_gyr('version', '--json').stdout))

    def test_mistakes_get_suggestions(self):
        cases = ((('chek',), "no command 'chek'; did you mean 'check'?"), (('falco',), "no command 'falco'"),
                 (('-v', 'check'), 'the command stands first: gyr check'), (('list', 'event'), "did you mean 'events'?"),
                 (('list',), 'gyr list needs a topic'), (('describe', '-r', self.rules, 'opend'), "did you mean 'opened'?"),
                 (('completion',), 'needs a shell'), (('help', 'lst'), "did you mean 'list'?"), (('man', 'nosuch'), "no command 'nosuch'"),
                 (('version', '--jsn'), "'--json'"), (('run', 'x'), "'x'"), (('', 'x'), "''"))
        for arguments, word in cases:
            with self.subTest(arguments):
                self.assert_fails(self.run_gyr(*arguments), word)


if __name__ == '__main__':
    GYR = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=1)
