#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reload while detection runs: by signal and by files that change, of good rules and of bad ones, a thousand times.

usage: reload_test.py GYR
Needs root and eBPF, else it is skipped.
"""
import os
import pathlib
import re
import sys
import tempfile
import threading
import time
import unittest

from common import Detection, need_live_capture, wait_for

GYR = ''
RULE = '''- rule: {name}
  desc: by the test
  condition: {condition}
  output: "{output}"
  priority: WARNING
'''


def rule(name, condition, output='%fd.name'):
    return RULE.format(name=name, condition=condition, output=output)


def opened(name, folder):
    return rule(name, f'evt.type in (open, openat, openat2) and fd.name startswith {folder}/')


def replace(path, text):
    """As editors and configuration management do: another file under the same name."""
    pathlib.Path(f'{path}.new').write_text(text, encoding='utf-8')
    os.rename(f'{path}.new', path)


class Reload(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='gyr-reload-')
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.rules = os.path.join(self.folder, 'rules.yaml')

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        pathlib.Path(path).write_text(text, encoding='utf-8')
        return path

    def start(self, *arguments, **more):
        return Detection(self, [GYR, *arguments], **more)

    def expect_alert(self, gyr, name, act):
        """The act, again and again until the rule fires: when a changed file is seen is not for the test to say."""
        end = time.monotonic() + 30
        while not gyr.named(name) and time.monotonic() < end:
            act()
            time.sleep(0.05)
        self.assertTrue(gyr.named(name), f'{name}: {"".join(gyr.log)}')

    def test_state_survives(self):
        """What was learnt of a descriptor before the reload is known behind it, and the counts go on."""
        data = self.write('data', 'x')
        self.write('rules.yaml', rule('opened', f'evt.type in (open, openat) and fd.name = {data}'))
        gyr = self.start('-r', self.rules, options=['watch_config_files=false', 'base_syscalls.all=true'])
        fd = os.open(data, os.O_RDONLY)
        wait_for(lambda: gyr.named('opened'), 'the alert')
        replace(self.rules, rule('read', f'evt.type = read and fd.name = {data}', '%fd.name %proc.cmdline')
                + rule('opened', f'evt.type in (open, openat) and fd.name = {data}'))
        gyr.reload()
        os.read(fd, 1)
        wait_for(lambda: gyr.named('read'), 'the alert of the new rule')
        os.close(os.open(data, os.O_RDONLY))
        wait_for(lambda: len(gyr.named('opened')) == 2, 'the second alert of the rule that stayed')
        os.close(fd)
        gyr.end()
        self.assertEqual(gyr.process.returncode, 0)

    def test_changed_files_are_seen(self):
        """Written in place, replaced, added to a folder, and behind links that are swapped as Kubernetes does it."""
        writes = {
            'in place': lambda text: self.write('rules.yaml', text),
            'replaced': lambda text: replace(self.rules, text),
        }
        self.write('rules.yaml', opened('first', self.folder))
        gyr = self.start('-r', self.rules)
        for number, (how, write) in enumerate(writes.items()):
            write(opened(f'rule {number}', self.folder))
            with self.subTest(how):
                self.expect_alert(gyr, f'rule {number}', lambda: os.close(os.open(self.rules, os.O_RDONLY)))
        gyr.end()

    def test_folders_and_config_maps(self):
        volume = os.path.join(self.folder, 'volume')
        for version in ('..1', '..2'):
            os.makedirs(os.path.join(volume, version))
            self.write(f'volume/{version}/rules.yaml', opened(f'version {version}', self.folder))
        os.symlink('..1', os.path.join(volume, '..data'))
        os.symlink('..data/rules.yaml', os.path.join(volume, 'rules.yaml'))
        config = self.write('gyr.yaml', f'rules_files: [{volume}]\nstdout_output: {{enabled: true}}\n')
        gyr = self.start('-c', config)
        touch = lambda: os.close(os.open(config, os.O_RDONLY))
        self.expect_alert(gyr, 'version ..1', touch)
        os.symlink('..2', os.path.join(volume, '..data_tmp'))
        os.rename(os.path.join(volume, '..data_tmp'), os.path.join(volume, '..data'))
        self.expect_alert(gyr, 'version ..2', touch)
        removed = os.path.join(self.folder, 'removed')
        self.write('volume/more.yaml', rule('more', f'evt.type in (unlink, unlinkat) and fs.path.name = {removed}', '%fs.path.name'))
        self.expect_alert(gyr, 'more', lambda: os.unlink(self.write('removed', '')))
        gyr.end()

    def test_unchanged_files_make_no_reload(self):
        self.write('rules.yaml', opened('first', self.folder))
        gyr = self.start('-r', self.rules)
        time.sleep(2)
        gyr.end()
        self.assertEqual(gyr.says('new rules are in force'), 0)

    def test_bad_rules_change_nothing(self):
        good = opened('good', self.folder)
        self.write('rules.yaml', good)
        gyr = self.start('-r', self.rules)
        for number, bad in enumerate(('- rule: x\n  condition: proc.name = \n', ':\n\t-', rule('y', 'no.such.field = 1'))):
            with self.subTest(bad):
                self.write('rules.yaml', bad)
                failed = 'Falco internal: hot restart failure'
                wait_for(lambda: len(gyr.named(failed)) == number + 1, 'the alert about the failure')
                alert = gyr.named(failed)[-1]
                self.assertEqual(alert['priority'], 'Critical')
                self.assertIn(self.rules, alert['output_fields']['reason'])
                seen = len(gyr.named('good'))
                os.close(os.open(self.rules, os.O_RDONLY))
                wait_for(lambda: len(gyr.named('good')) > seen, 'an alert of the old rule')
        self.write('rules.yaml', opened('mended', self.folder))
        self.expect_alert(gyr, 'mended', lambda: os.close(os.open(self.rules, os.O_RDONLY)))
        gyr.end()
        self.assertEqual(gyr.process.returncode, 0)

    def test_keys_of_the_configuration(self):
        self.write('rules.yaml', opened('opened', self.folder) + opened('again', self.folder))
        base = f'rules_files: [{self.rules}]\nstdout_output: {{enabled: true}}\n'
        config = self.write('gyr.yaml', base)
        gyr = self.start('-c', config)
        replace(config, base + 'rule_matching: all\nstatic_fields: {site: here}\nappend_output: [{extra_output: "at %static.site"}]\n'
                'webserver: {listen_port: 9999}\n')
        self.expect_alert(gyr, 'again', lambda: os.close(os.open(config, os.O_RDONLY)))
        self.assertIn('at here', gyr.named('again')[0]['output'])
        wait_for(lambda: gyr.says('webserver.listen_port: this key takes effect at the next start; until then it is 8765, not 9999'),
                 'the warning')
        replace(config, base + 'rule_matching: some\n')
        wait_for(lambda: gyr.named('Falco internal: hot restart failure'), 'the alert about the failure')
        self.assertIn('rule_matching', gyr.named('Falco internal: hot restart failure')[0]['output_fields']['reason'])
        gyr.end()

    def test_a_thousand_reloads(self):
        """Two rulesets that need different calls, in turn, while a program opens numbered files: one alert each."""
        seen = os.path.join(self.folder, 'numbered')
        os.mkdir(seen)
        texts = [opened('number', seen) + rule(f'other {name}', f'evt.type = {call} and proc.name = nobody')
                 for name, call in (('a', 'umask'), ('b', 'eventfd2'))]
        paths = [self.write(f'{name}.yaml', text) for name, text in zip('ab', texts)]
        os.symlink(paths[0], self.rules)
        gyr = self.start('-r', self.rules, options=['watch_config_files=false', 'base_syscalls.custom_set=[clone, clone3, fork, vfork, execve]'])
        stop = threading.Event()
        count = 0

        def open_files():
            nonlocal count
            while not stop.is_set():
                os.close(os.open(f'{seen}/{count}', os.O_RDWR | os.O_CREAT))
                os.unlink(f'{seen}/{count}')
                count += 1
                time.sleep(0.001)

        def resources():
            status = pathlib.Path(f'/proc/{gyr.process.pid}/status').read_text(encoding='utf-8')
            return (int(re.search(r'VmRSS:\s+(\d+)', status).group(1)), int(re.search(r'Threads:\s+(\d+)', status).group(1)),
                    len(os.listdir(f'/proc/{gyr.process.pid}/fd')))
        opener = threading.Thread(target=open_files)
        opener.start()

        def reload(times):
            for number in range(times):
                os.symlink(paths[1 - number % 2], self.rules + '.new')
                os.rename(self.rules + '.new', self.rules)
                gyr.reload()
        try:
            reload(1000)
        finally:
            stop.set()
            opener.join()
        early = resources()  # while files are opened, names of files are remembered
        reload(300)
        late = resources()
        wait_for(lambda: len(gyr.named('number')) >= count, 'all alerts')
        gyr.end()
        names = sorted(int(os.path.basename(alert['output_fields']['fd.name'])) for alert in gyr.named('number'))
        self.assertEqual(names, list(range(count)))
        self.assertGreater(count, 1000)
        self.assertLess(late[0] - early[0], 512, f'KiB resident: {early[0]}, then {late[0]}')
        self.assertEqual(late[1:], early[1:], 'threads and descriptors')
        print(f'{count} files opened during 1,000 reloads; {early[0]} KiB, {late[0]} KiB after 300 more')


if __name__ == '__main__':
    GYR = sys.argv.pop(1)
    need_live_capture(GYR)
    unittest.main()
