#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Unpacks Debian packages of any release and machine into a folder; the host's own apt and packages are left alone.

usage: debian.py SUITE MACHINE FOLDER PACKAGE...
       e.g. debian.py bookworm arm64 build/arm64-sysroot libfmt-dev zlib1g-dev
What the packages need is unpacked as well, without recommendations. No scripts of the packages are run. Lists are kept
below build/debian, packages are not. Needs apt-get, dpkg-deb and Debian's keys; root is not needed. SUITE is the name of a
release; its security updates count (except for sid). GYR_DEBIAN_MIRROR names another mirror than deb.debian.org.
"""
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
KEYS = '/usr/share/keyrings/debian-archive-keyring.gpg'
APT_TIMEOUT_S = 600


class Unavailable(Exception):
    """Packages cannot be had here: no network, no apt, not in the archive. The text says why."""


class Archive:
    """One release for one machine, with lists and packages of its own."""

    def __init__(self, suite, machine):
        self.suite, self.machine = suite, machine
        self.home = ROOT / 'build' / 'debian' / f'{suite}-{machine}'
        self._fresh = False

    def _apt(self, tool, *arguments, cwd=None):
        home = self.home
        options = {'Dir::State': home / 'state', 'Dir::State::status': home / 'status', 'Dir::Cache': home / 'cache',
                   'Dir::Etc::SourceList': home / 'sources.list', 'Dir::Etc::SourceParts': '/dev/null',
                   'Dir::Etc::Preferences': '/dev/null', 'Dir::Etc::PreferencesParts': '/dev/null',
                   'APT::Architecture': self.machine, 'APT::Architectures::': self.machine, 'APT::Sandbox::User': '',
                   'APT::Install-Recommends': 'false', 'Acquire::Languages': 'none', 'Acquire::Retries': '3',
                   'Debug::NoLocking': 'true'}
        command = [tool, '-qq', *(f'-o{name}={value}' for name, value in options.items()), *arguments]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd,
                                  timeout=APT_TIMEOUT_S)
        except (OSError, subprocess.TimeoutExpired) as fault:
            raise Unavailable(f'{tool}: {fault}') from None
        if done.returncode:
            said = (done.stderr + done.stdout).strip().splitlines() or ['']
            raise Unavailable(f'{tool} {" ".join(arguments)} ({self.suite}, {self.machine}): {said[-1]}')
        return done.stdout

    def _sources(self):
        mirror = os.environ.get('GYR_DEBIAN_MIRROR', 'http://deb.debian.org')
        entry = f'deb [signed-by={KEYS}] {mirror}'
        lines = [f'{entry}/debian {self.suite} main']
        if self.suite != 'sid':
            lines.append(f'{entry}/debian-security {self.suite}-security main')
        return '\n'.join(lines) + '\n'

    def refresh(self):
        """Reads the archive's lists, once."""
        if self._fresh:
            return
        for folder in ('state/lists/partial', 'cache/archives'):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        (self.home / 'status').touch()
        (self.home / 'sources.list').write_text(self._sources())
        self._apt('apt-get', 'update', '--error-on=any')
        self._fresh = True

    def needed(self, packages):
        """The names of the packages and of all they need."""
        self.refresh()
        lines = self._apt('apt-get', 'install', '--simulate', *packages).splitlines()
        return [re.match(r'Inst (\S+)', line)[1] for line in lines if line.startswith('Inst ')]

    def unpack(self, packages, folder):
        """Unpacks these packages, and nothing else, into the folder. Their files' names, as the archive has them."""
        self.refresh()
        store = self.home / 'cache' / 'archives'
        for interrupted in store.glob('*.deb'):
            interrupted.unlink()
        self._apt('apt-get', 'download', *packages, cwd=store)
        files = sorted(store.glob('*.deb'))
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for file in files:
            subprocess.run(['dpkg-deb', '-x', file, folder], check=True)
        names = [file.name for file in files]
        for file in files:
            file.unlink()
        return names


def main():
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    suite, machine, folder, *packages = sys.argv[1:]
    try:
        archive = Archive(suite, machine)
        for name in archive.unpack(archive.needed(packages), folder):
            print(name)
    except Unavailable as fault:
        sys.exit(f'debian.py: {fault}')


if __name__ == '__main__':
    main()
