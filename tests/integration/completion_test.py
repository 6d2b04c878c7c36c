#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Completion in real shells, and the man pages through a real formatter. A shell that is missing skips its tests.

usage: completion_test.py GYR [unittest arguments]
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

GYR = ''
RULES = '''- rule: Open by x
  desc: d
  condition: evt.type = open
  output: o
  priority: INFO
- rule: Opened "twice"
  desc: d
  condition: evt.type = openat
  output: o
  priority: INFO
'''
BASH = '''
source "$SCRIPT"
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
compopt() { :; }
_gyr gyr
printf '%s\\n' "${COMPREPLY[@]}"
'''
ZSH = r'''
zmodload zsh/zpty
zpty shell zsh -f -i
send() { zpty -w shell "$1" }
send "PATH=$PATH; TERM=dumb; PROMPT='READY>'; cd $PWD; unsetopt zle_bracketed_paste 2>/dev/null"
send 'autoload -Uz compinit; compinit -u -D; source '"$SCRIPT"
send 'zstyle ":completion:*" list-colors ""; LISTMAX=0; COLUMNS=300; LINES=500; setopt no_beep no_always_last_prompt'
send 'compadd() { local -a all; builtin compadd -O all "$@"; print -rl -- "HIT:"$^all; builtin compadd "$@" }; echo LOADED'
zpty -r shell out '*LOADED*LOADED*'
zpty -w -n shell "$1"$'\t'
sleep 1
zpty -w -n shell $'\C-u'
zpty -w shell 'echo E''ND'
while zpty -r shell line '*'$'\n'; do print -r -- "$line"; [[ $line == *END* ]] && break; done
zpty -d shell
'''


class Shell:
    shell = ''

    def setUp(self):
        if not shutil.which(self.shell):
            self.skipTest(f'{self.shell} is missing')
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        os.symlink(GYR, os.path.join(self.folder, 'gyr'))
        with open(os.path.join(self.folder, 'rules.yaml'), 'w', encoding='utf-8') as file:
            file.write(RULES)
        self.script = os.path.join(self.folder, 'script')
        with open(self.script, 'w', encoding='utf-8') as file:
            subprocess.run([GYR, 'completion', self.shell], stdout=file, check=True, timeout=60)
        self.environment = dict(os.environ, SCRIPT=self.script, HOME=self.folder, XDG_CONFIG_HOME=self.folder,
                                PATH=f'{self.folder}:{os.environ["PATH"]}')

    def run_shell(self, *command):
        result = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True,
                                stdin=subprocess.DEVNULL, timeout=60, check=False)
        self.assertEqual(result.stderr, '')
        return result.stdout

    def test_syntax(self):
        self.assertEqual(self.run_shell(self.shell, '-n', self.script), '')

    def check_all(self):
        cases = ((('gyr', 'do'), 'doctor'), (('gyr', '--list-ev'), '--list-events'), (('gyr', 'check', '--warn'), '--warnings-as-errors'),
                 (('gyr', '--format', 'mark'), 'markdown'), (('gyr', 'check', '--format', ''), 'sarif'),
                 (('gyr', '-r', 'rul'), 'rules.yaml'), (('gyr', 'check', 'ru'), 'rules.yaml'), (('gyr', 'list', 'ch'), 'checks'),
                 (('gyr', '-o', 'json_out'), 'json_output='), (('gyr', 'read', 'rules.yaml', 'proc.cmdl'), 'proc.cmdline'),
                 (('gyr', 'completion', ''), 'fish'), (('gyr', 'help', 'rec'), 'record'), (('gyr', 'syscalls', 'ptr'), 'ptrace'))
        for words, wanted in cases:
            with self.subTest(words):
                self.assertIn(wanted, self.complete(*words))


class Bash(Shell, unittest.TestCase):
    shell = 'bash'

    def complete(self, *words):
        return self.run_shell('bash', '--norc', '-c', BASH, 'bash', *words).splitlines()

    def test_completion(self):
        self.check_all()

    def test_names_of_rules(self):
        self.assertEqual(self.complete('gyr', '-r', 'rules.yaml', '-l', 'Open'), ['Open\\ by\\ x', 'Opened\\ \\"twice\\"'])
        self.assertEqual(self.complete('gyr', '-r', 'rules.yaml', '-l', "'Open b"), ['Open by x'])

    def test_options_of_one_command_only(self):
        self.assertNotIn('--replay', self.complete('gyr', 'check', '--'))
        self.assertNotIn('--sarif', self.complete('gyr', '-'))
        self.assertEqual(self.complete('gyr', '--format', '=', 'js'), ['json'])
        self.assertEqual(self.complete('gyr', '-M', ''), [''])
        self.assertIn('x=%proc.pid', self.complete('gyr', '-p', 'x=%proc.pi'))


class Fish(Shell, unittest.TestCase):
    shell = 'fish'

    def complete(self, *words):
        line = ' '.join(words)
        out = self.run_shell('fish', '--no-config', '-c', f'source {self.script}; complete -C "{line}"')
        return [entry.split('\t')[0] for entry in out.splitlines()]

    def test_completion(self):
        self.check_all()

    def test_names_of_rules(self):
        self.assertIn('Open by x', self.complete('gyr', '-r', 'rules.yaml', '-l', 'Open'))


class Zsh(Shell, unittest.TestCase):
    shell = 'zsh'

    def complete(self, *words):
        out = self.run_shell('zsh', '-f', '-c', ZSH, 'zsh', ' '.join(words))
        return [line.strip().split('HIT:')[1] for line in out.splitlines() if 'HIT:' in line]  # the first stands behind the prompt

    def test_completion(self):
        self.check_all()

    def test_names_of_rules(self):
        self.assertIn('Open by x', self.complete('gyr', '-r', 'rules.yaml', '-l', 'Open'))


class Man(unittest.TestCase):
    def test_pages_format_without_complaint(self):
        if not shutil.which('groff'):
            self.skipTest('groff is missing')
        commands = subprocess.run([GYR, 'help'], capture_output=True, text=True, check=True, timeout=60).stdout
        names = [line.split()[0] for line in commands.split('Commands:\n')[1].split('\n\n')[0].splitlines()]
        self.assertGreater(len(names), 10)
        for arguments in ([], *([name] for name in names)):
            page = subprocess.run([GYR, 'man', *arguments], capture_output=True, check=True, timeout=60).stdout
            result = subprocess.run(['groff', '-man', '-ww', '-Tutf8', '-rLL=100n'], input=page, capture_output=True, timeout=60, check=True)
            self.assertEqual(result.stderr, b'', arguments)
            text = re.sub('.\b', '', result.stdout.decode())  # bold letters are printed twice
            self.assertIn('EXIT STATUS', text)
            self.assertEqual(page.count(b'.TH '), 1)


if __name__ == '__main__':
    GYR = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=1)
