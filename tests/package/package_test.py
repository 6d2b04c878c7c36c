#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The Debian packages: they are made, always the same, installed in a bare Debian, used, upgraded and purged there without
a trace, and the unit runs with exactly its own privileges.

usage: package_test.py GYR
Needs root, debhelper and mmdebstrap; the bare Debian is fetched once and kept below build/debian.
"""
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'integration'))
from common import ROOT, conformance_or_none, fastest, skip  # noqa: E402
from unit_runner import MANAGER, Unit  # noqa: E402
sys.path.insert(0, os.path.join(ROOT, 'tools'))
import sbom  # noqa: E402

ROOT = pathlib.Path(ROOT)
UNIT = ROOT / 'deploy' / 'debian' / 'gyr.service'
EXPOSURE_MAX = 30  # of 100, as `systemd-analyze security` counts; docs/install.md names it
RULE = '- {rule: in chroot, desc: d, condition: evt.type = open, output: o, priority: INFO}\n'
EPOCH = '1700000000'
PROGRAM = ''


def run(*command, **options):
    """Its output; a command that fails ends the test with what it said."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **options)
    if done.returncode:
        raise AssertionError(f'{command}: status {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}')
    return done.stdout


def copy_checkout(tree):
    """What the package is made of, beside the program."""
    tree.mkdir(parents=True)
    for part in ('deploy', 'docs', 'examples', 'rules', 'tools', 'README.md', 'CONTRIBUTING.md', 'CMakeLists.txt'):
        (shutil.copytree if (ROOT / part).is_dir() else shutil.copy)(ROOT / part, tree / part)


def make(output, version, tree=ROOT, **environment):
    """Path of each package by its name."""
    lines = run(tree / 'tools' / 'package', '--program', PROGRAM, '--output', output, '--version', version,
                env=os.environ | {'SOURCE_DATE_EPOCH': EPOCH} | environment).splitlines()
    return {pathlib.Path(line).name.split('_')[0]: pathlib.Path(line) for line in lines}


class Packages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix='gyr-package-', dir='/var/tmp'))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.made = make(cls.folder / 'one', '1.0')
        cls.content = cls.folder / 'content'
        run('dpkg-deb', '-x', cls.made['gyr'], cls.content)

    def test_always_the_same_bytes(self):
        """In another folder, at another time, with another language, time zone and mask."""
        tree = self.folder / 'an other' / 'checkout'
        copy_checkout(tree)
        for path in tree.rglob('*'):
            os.utime(path, (1e9, 1e9))
        mask = os.umask(0o077)
        try:
            again = make(self.folder / 'the second', '1.0', tree, TZ='Asia/Tokyo', LANG='tr_TR.UTF-8', USER='somebody')
        finally:
            os.umask(mask)
        self.assertEqual(set(again), {'gyr', 'gyr-dbgsym', 'gyr-falco'})
        for name, path in self.made.items():
            self.assertEqual(path.read_bytes(), again[name].read_bytes(), name)

    def test_the_program_names_no_folder_of_the_build(self):
        """What would differ between two builds of the same sources."""
        self.assertNotIn(str(ROOT).encode() + b'/', pathlib.Path(PROGRAM).read_bytes())

    def test_content(self):
        program = self.content / 'usr' / 'bin' / 'gyr'
        self.assertNotIn('.debug_info', run('readelf', '-SW', program))
        self.assertRegex(run('dpkg-deb', '-c', self.made['gyr-dbgsym']), r'\.build-id/\w\w/\w+\.debug')
        pages = sorted(path.name for path in (self.content / 'usr/share/man/man1').iterdir())
        self.assertIn('gyr.1.gz', pages)
        self.assertIn('gyr-doctor.1.gz', pages)
        for path in ('bash-completion/completions/gyr', 'zsh/vendor-completions/_gyr', 'fish/vendor_completions.d/gyr.fish'):
            self.assertGreater((self.content / 'usr/share' / path).stat().st_size, 100)
        self.assertEqual((self.content / 'lib/systemd/system/gyr.service').read_bytes(), UNIT.read_bytes())
        self.assertIn('rules_files:', (self.content / 'usr/share/doc/gyr/examples/gyr.yaml').read_text(encoding='utf-8'))
        self.check_links(self.content / 'usr/share/doc/gyr')
        kept = run('dpkg-deb', '-I', self.made['gyr'], 'conffiles').split()
        self.assertEqual(set(kept), {f'/etc/{name}' for name in ('default/gyr', 'gyr/gyr.yaml', 'gyr/gyr_rules.yaml',
                                                                'gyr/gyr_rules.local.yaml')})

    def check_links(self, folder):
        """Pages link to files only that are in the package too."""
        pages = [folder / 'README.md', *(folder / 'docs').glob('*.md')]
        self.assertGreater(len(pages), 20)
        for page in pages:
            for target in re.findall(r'\]\(([^)#:]+)(?:#[^)]*)?\)', page.read_text(encoding='utf-8')):
                self.assertTrue((page.parent / target).exists(), f'{page.name}: {target}')

    def test_what_it_loads_when_asked_is_not_installed_with_it(self):
        """Libraries that only some configurations need are named, and what always is needed does not bring them along."""
        files = sbom.optional_libraries(PROGRAM)
        names = {re.sub(r'\.so\..*', '', os.path.basename(path)) for path in files}
        self.assertLessEqual({'libssl', 'libcrypto', 'libcurl', 'libnats', 'librdkafka'}, names)
        fields = {field: {re.match(r'\s*([a-z0-9.+-]+)', entry)[1]
                          for entry in run('dpkg-deb', '-f', self.made['gyr'], field).split(',')}
                  for field in ('Depends', 'Recommends', 'Suggests')}
        direct = {name for name in names if name in ('libssl', 'libcurl', 'libnats', 'librdkafka')}
        for path in files:
            if re.sub(r'\.so\..*', '', os.path.basename(path)) in direct:
                owner = sbom.packages_of([path], sbom.owners()).pop().split(':')[0]
                self.assertIn(owner, fields['Recommends'] | fields['Suggests'], path)
                self.assertNotIn(owner, fields['Depends'], path)

    def test_lintian(self):
        if not shutil.which('lintian'):
            self.skipTest('lintian is not installed')
        run('lintian', '--fail-on', 'error', *self.made.values())

    def test_unit_is_valid_and_little_exposed(self):
        root = self.folder / 'verify'
        shutil.copytree(self.content / 'usr/bin', root / 'usr/bin')
        text = UNIT.read_text(encoding='utf-8').replace('/usr/bin/gyr', str(root / 'usr/bin/gyr'))
        (root / 'gyr.service').write_text(text, encoding='utf-8')
        done = subprocess.run(['systemd-analyze', 'verify', '--man=no', root / 'gyr.service'], capture_output=True,
                              text=True, check=False)
        ours = [line for line in done.stderr.splitlines() if 'gyr' in line]
        self.assertEqual((done.returncode, ours), (0, []))
        run('systemd-analyze', 'security', '--offline=yes', f'--threshold={EXPOSURE_MAX}', root / 'gyr.service')

    def test_unit_detects_with_its_own_privileges(self):
        if not os.path.exists(MANAGER):
            self.skipTest(f'{MANAGER} is not there')
        etc = self.folder / 'etc'
        shutil.copytree(self.content / 'etc' / 'gyr', etc)
        config = etc / 'gyr.yaml'
        config.write_text(config.read_text(encoding='utf-8').replace('/etc/gyr', str(etc)), encoding='utf-8')
        program = self.content / 'usr/bin/gyr'
        replaced = {'/usr/bin/gyr $OPTIONS': f'{program} -c {config}'}
        with open('/proc/self/status', encoding='utf-8') as file:
            held = int(re.search(r'CapEff:\s*(\w+)', file.read())[1], 16)
        if not held & 1 << 24:  # CAP_SYS_RESOURCE
            replaced['OOMScoreAdjust=-500'] = ''
        unit = Unit(UNIT, replaced, f'ExecStartPre=-{program} doctor')
        self.addCleanup(unit.close)
        if not unit.wait_for('watching this host'):
            # Where root itself cannot watch, the unit is not to blame.
            plain = subprocess.run([program, 'doctor'], capture_output=True, text=True, check=False)
            if plain.returncode == 2:
                self.skipTest('no live capture here: ' + plain.stdout)
            self.fail(f'the unit does not watch: {unit.text()}')
        self.assertRegex(unit.text(), r'(?m)^Live capture works fully here')
        pid = unit.main_pid(program)
        status = pathlib.Path(f'/proc/{pid}/status').read_text(encoding='utf-8')
        for line in ('CapBnd:\t000000c000080004', 'CapAmb:\t0000000000000000', 'NoNewPrivs:\t1', 'Seccomp:\t2'):
            self.assertIn(line, status)
        limits = pathlib.Path(f'/proc/{pid}/limits').read_text(encoding='utf-8')
        self.assertRegex(limits, r'Max open files +16384 +16384')
        self.assertRegex(limits, r'Max core file size +0 +0')
        shadow = pathlib.Path('/etc/shadow')
        run('cat', shadow)
        self.assertTrue(unit.wait_for('Account secret /etc/shadow read by cat'), unit.text())
        mounts = pathlib.Path(f'/proc/{pid}/mounts').read_text(encoding='utf-8')
        self.assertRegex(mounts, r'(?m)^\S+ / \S+ ro[, ]')


class Life(unittest.TestCase):
    """Installed, used, upgraded, removed in a bare Debian."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix='gyr-life-', dir='/var/tmp'))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.made = make(cls.folder / 'one', '1.0')
        cls.root = cls.folder / 'root'
        run('cp', '-a', '--reflink=auto', cls.bare(), cls.root)

    @classmethod
    def bare(cls):
        """A Debian with nothing but what the package says it needs; made once for each such list."""
        needs = run('dpkg-deb', '-f', cls.made['gyr'], 'Depends')
        names = sorted({re.match(r'\s*([a-z0-9.+-]+)', entry)[1] for entry in needs.split(',')})
        key = hashlib.sha256(needs.encode()).hexdigest()[:12]
        folder = ROOT / 'build' / 'debian' / f'bare-{key}'
        if not folder.exists():
            folder.parent.mkdir(parents=True, exist_ok=True)
            for other in folder.parent.glob('bare-*'):  # of an earlier list
                shutil.rmtree(other)
            new = folder.with_suffix('.new')
            mirror = os.environ.get('GYR_DEBIAN_MIRROR', 'http://deb.debian.org') + '/debian'
            done = subprocess.run(['mmdebstrap', '--quiet', '--variant=essential', '--mode=root', '--aptopt=Acquire::Retries "3"',
                                   f'--include={",".join([*names, "init-system-helpers"])}', 'bookworm', new, mirror],
                                  capture_output=True, text=True, check=False)
            if done.returncode:
                raise unittest.SkipTest(f'no Debian can be fetched: {done.stderr.strip()[-300:]}')
            new.rename(folder)
        return folder

    def inside(self, *command, **options):
        return run('chroot', self.root, *command, env={'PATH': '/usr/sbin:/usr/bin:/sbin:/bin', 'LC_ALL': 'C.UTF-8',
                                                       'DEBIAN_FRONTEND': 'noninteractive'}, **options)

    def install(self, path):
        shutil.copy(path, self.root / 'package.deb')
        self.inside('dpkg', '--force-confdef', '--force-confold', '-i', '/package.deb')
        (self.root / 'package.deb').unlink()

    def files(self):
        """All paths but dpkg's own notes, logs and caches."""
        found = {str(path.relative_to(self.root)) for path in self.root.rglob('*')}
        return {path for path in found if not path.startswith(('var/lib/dpkg/', 'var/log/dpkg', 'var/cache/', 'var/log/alternatives'))}

    def test_from_first_install_to_purge(self):
        before = self.files()
        self.install(self.made['gyr'])
        self.assertIn('gyr', self.inside('gyr', '--version').lower())
        self.used()
        wanted = self.root / 'etc/systemd/system/multi-user.target.wants/gyr.service'
        self.assertEqual(os.readlink(wanted), '/lib/systemd/system/gyr.service')
        self.upgraded()
        self.under_the_other_name()
        for state in ('var/lib/gyr/capture.1', 'var/log/gyr/alerts.log'):
            (self.root / state).parent.mkdir(parents=True)
            (self.root / state).write_text('state', encoding='utf-8')
        self.inside('dpkg', '-r', 'gyr')
        self.assertTrue((self.root / 'etc/gyr/gyr.yaml').exists())
        self.assertFalse((self.root / 'usr/bin/gyr').exists())
        self.assertTrue((self.root / 'var/lib/gyr/capture.1').exists())
        self.install(self.made['gyr'])
        self.assertIn('# edited', (self.root / 'etc/gyr/gyr.yaml').read_text(encoding='utf-8'))
        self.inside('dpkg', '-P', 'gyr')
        self.assertEqual((sorted(self.files() - before), sorted(before - self.files())), ([], []))

    def used(self):
        """What does not need the kernel; the configuration and the rules as they are installed."""
        said = subprocess.run(['chroot', self.root, 'gyr', '--dry-run'], capture_output=True, text=True, check=False)
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertIn('/etc/gyr/gyr.yaml', said.stderr + said.stdout)
        self.assertNotIn('arning', said.stderr)
        data = conformance_or_none()
        captures = sorted(pathlib.Path(data).rglob('*.scap'), key=os.path.getsize) if data else []
        if captures:
            shutil.copy(captures[len(captures) // 2], self.root / 'replay.scap')
            self.assertIn('Events detected', self.inside('gyr', '--replay', '/replay.scap'))
            (self.root / 'replay.scap').unlink()

    def upgraded(self):
        """An edited file stays; one that nobody edited becomes the new one."""
        config, rules = self.root / 'etc/gyr/gyr.yaml', self.root / 'etc/gyr/gyr_rules.yaml'
        config.write_text(config.read_text(encoding='utf-8') + '# edited\n', encoding='utf-8')
        tree = self.folder / 'newer'
        copy_checkout(tree)
        for path in (tree / 'deploy/debian/gyr.yaml', tree / 'rules/gyr_rules.yaml'):
            path.write_text(path.read_text(encoding='utf-8') + '# newer\n', encoding='utf-8')
        self.install(make(self.folder / 'two', '1.1', tree)['gyr'])
        self.assertTrue(config.read_text(encoding='utf-8').endswith('# edited\n'))
        self.assertTrue(rules.read_text(encoding='utf-8').endswith('# newer\n'))
        (config.parent / 'gyr.yaml.dpkg-dist').unlink(missing_ok=True)

    def under_the_other_name(self):
        self.install(self.made['gyr-falco'])
        self.assertIn('gyr', self.inside('falco', '--version').lower())
        self.assertEqual(os.readlink(self.root / 'lib/systemd/system/falco.service'), 'gyr.service')
        self.inside('dpkg', '-P', 'gyr-falco')


class Bill(unittest.TestCase):
    """The list of what the program is made of follows SPDX 2.3 and names what is linked."""

    def test_bill(self):
        text = run(sys.executable, ROOT / 'tools' / 'sbom.py', PROGRAM, 'gyr', '1.0', EPOCH)
        bill = json.loads(text)
        self.assertEqual((bill['spdxVersion'], bill['dataLicense'], bill['SPDXID']), ('SPDX-2.3', 'CC0-1.0', 'SPDXRef-DOCUMENT'))
        self.assertEqual(bill['creationInfo']['created'], '2023-11-14T22:13:20Z')
        self.assertRegex(bill['documentNamespace'], r'^https://[^#\s]+$')
        by_id = {}
        for package in bill['packages']:
            self.assertRegex(package['SPDXID'], r'^SPDXRef-[A-Za-z0-9.-]+$')
            self.assertNotIn(package['SPDXID'], by_id)
            by_id[package['SPDXID']] = package
            for key in ('name', 'versionInfo', 'downloadLocation'):
                self.assertTrue(package[key], package)
            for reference in package.get('externalRefs', []):
                self.assertRegex(reference['referenceLocator'], r'^pkg:deb/debian/[a-z0-9.+%A-F-]+@[^?\s]+\?arch=\w+&distro=\S+$')
        linked, optional = set(), set()
        for relation in bill['relationships']:
            self.assertIn(relation['relatedSpdxElement'], by_id)
            if relation['relationshipType'] == 'OPTIONAL_DEPENDENCY_OF':
                self.assertIn(relation['spdxElementId'], by_id)
                optional.add(relation['spdxElementId'])
            else:
                self.assertIn(relation['relationshipType'], ('DESCRIBES', 'DYNAMIC_LINK', 'STATIC_LINK'))
                linked.add(relation['relatedSpdxElement'])
        self.assertEqual(linked | optional, set(by_id))
        self.assertLessEqual({'libssl3', 'libcurl4'}, {by_id[name]['name'] for name in optional - linked})
        versions = {package['name']: package['versionInfo'] for package in bill['packages']}
        for name in ('libc6', 'libstdc++6', 'libbpf1', 'libxxhash-dev'):  # the last one is a header and nothing else
            self.assertEqual(versions[name], run('dpkg-query', '-W', '-f', '${Version}\n', name).splitlines()[0])


if __name__ == '__main__':
    PROGRAM = fastest(os.path.abspath(sys.argv.pop(1)))
    if os.geteuid() != 0:
        skip('packages are installed, and units run, by root')
    for tool in ('dh', 'mmdebstrap', 'systemd-analyze'):
        if not shutil.which(tool):
            skip(f'{tool} is missing: tools/install-packages packages-deploy.txt')
    unittest.main(verbosity=1)
