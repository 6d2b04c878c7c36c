# SPDX-License-Identifier: Apache-2.0
"""Runs a unit by systemd itself, without a booted systemd: a manager for users, started by root, does to the unit's
processes all that the system's manager does, but for limits of control groups (MemoryMax, TasksMax)."""
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

MANAGER = '/lib/systemd/systemd'
START_S = 40
END_S = 30
# The manager looks for a booted system, and covers what a unit shall not see with these files of it.
SETUP = """mount -t tmpfs none /run/systemd
mkdir -p /run/systemd/system /run/systemd/inaccessible/dir
touch /run/systemd/inaccessible/reg
chmod 0 /run/systemd/inaccessible/*
exec "$@"
"""


class Unit:
    """A running copy of `unit`, with the paths of `replaced` exchanged, beside lines that a test adds."""

    def __init__(self, unit, replaced, added=''):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='gyr-unit-', dir='/var/tmp'))
        units = self.folder / 'units'
        units.mkdir()
        self.output = self.folder / 'output'
        text = pathlib.Path(unit).read_text(encoding='utf-8')
        for old, new in replaced.items():
            assert old in text, f'{unit} has no {old}'
            text = text.replace(old, new)
        (units / 'gyr.service').write_text(text + f'\n[Unit]\nDefaultDependencies=no\n[Service]\n{added}\n'
                                           f'StandardOutput=append:{self.output}\nStandardError=append:{self.output}\n',
                                           encoding='utf-8')
        (units / 'default.target').write_text('[Unit]\nWants=gyr.service\n', encoding='utf-8')
        (self.folder / 'xdg').mkdir(mode=0o700)
        environment = {'PATH': os.environ['PATH'], 'HOME': '/root', 'XDG_RUNTIME_DIR': str(self.folder / 'xdg'),
                       'XDG_CONFIG_HOME': str(self.folder / 'config'), 'SYSTEMD_UNIT_PATH': str(units),
                       'SYSTEMD_LOG_TARGET': 'console'}
        self.log = self.folder / 'log'
        with open(self.log, 'wb') as log:
            self.manager = subprocess.Popen(['unshare', '-m', 'sh', '-ec', SETUP, 'sh', MANAGER, '--user',
                                             '--unit=default.target'], env=environment, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=subprocess.STDOUT)

    def children(self):
        path = f'/proc/{self.manager.pid}/task/{self.manager.pid}/children'
        with open(path, encoding='utf-8') as file:
            return [int(pid) for pid in file.read().split()]

    def main_pid(self, program):
        """The process that ExecStart became."""
        for pid in self.children():
            try:
                if os.path.realpath(f'/proc/{pid}/exe') == os.path.realpath(program):
                    return pid
            except OSError:
                pass
        return None

    def text(self):
        return self.output.read_text(encoding='utf-8', errors='replace') if self.output.exists() else ''

    def wait_for(self, words, seconds=START_S):
        """Whether the unit's output has these words in time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.manager.poll() is None:
            if words in self.text():
                return True
            time.sleep(0.1)
        return words in self.text()

    def close(self):
        """Ends the unit's processes and the manager."""
        try:
            pids = self.children()
        except OSError:
            pids = []
        for pid in pids:
            os.kill(pid, signal.SIGTERM)
        end = time.monotonic() + END_S
        while any(os.path.exists(f'/proc/{pid}') for pid in pids) and time.monotonic() < end:
            time.sleep(0.1)
        self.manager.kill()
        self.manager.wait()
        for pid in pids:
            if os.path.exists(f'/proc/{pid}'):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)
