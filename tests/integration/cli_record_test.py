#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""gyr record on the command line, and what detection records: names, limits, what may be overwritten, mistakes.

usage: cli_record_test.py GYR [unittest arguments]
Needs no privileges: the events come from other captures, of the conformance folder; tests that use one are skipped without it.
"""
import json
import os
import shutil
import sys
import unittest

import cli_test
from cli_test import capture, gunzipped, run


class Record(cli_test.Case):
    """record_test.py and rotation_test.py record this host."""

    def setUp(self):
        super().setUp()
        self.file = os.path.join(self.folder, 'new.scap')

    def detect(self, file, *options):
        return run('-r', self.rules, '-e', file, '-o', 'json_output=true', '-p', '%evt.num %proc.cmdline %proc.aname[2]', *options)

    def test_what_is_seen_is_recorded_and_its_replay_gives_the_same(self):
        for name in ('cat_write.scap', 'sample.scap', 'net.scap'):
            for file in (self.file, self.file + '.gz'):
                with self.subTest(name=name, file=file):
                    seen = self.detect(capture(name), '-o', f'gyr.record.file={file}', '-o', 'gyr.record.overwrite=true')
                    self.assertEqual(seen.returncode, 0, seen.stderr)
                    self.assertRegex(seen.stderr, r'\d+ events.* \(\d+ bytes\) recorded in ' + file)
                    again = self.detect(file)
                    self.assertEqual(again.returncode, 0, again.stderr)
                    self.assertEqual(again.stdout, seen.stdout)
                    with open(file, 'rb') as content:
                        self.assertEqual(content.read(2) == b'\x1f\x8b', file.endswith('.gz'))

    def test_filter_keeps_the_state_of_what_it_leaves_out(self):
        path = capture('cat_write.scap')
        fields = '%evt.num %evt.type %proc.cmdline %proc.aname[1] %proc.cwd %fd.name %user.name'
        for text in ('evt.type in (open, openat)', 'proc.name=cat', 'evt.type=close and fd.name contains /etc'):
            with self.subTest(text):
                result = run('record', '-w', self.file, '-r', path, '--overwrite', *text.split())
                self.assertEqual(result.returncode, 0, result.stderr)
                wanted = run('read', path, text, '-p', fields).stdout
                self.assertNotEqual(wanted, '')
                # Numbers count what is in the file.
                without = [line.split(' ', 1)[1] for line in wanted.splitlines()]
                got = run('read', self.file, '-p', fields).stdout
                self.assertEqual([line.split(' ', 1)[1] for line in got.splitlines()], without)

    def test_count_stops_it(self):
        result = run('record', '-w', self.file, '-r', capture('cat_write.scap'), '-n', '5', 'evt.type=close')
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(len(run('read', self.file).stdout.splitlines()), 5)
        self.assertRegex(result.stderr, r'gyr: 5 events \(\d+, with those that keep the state right, \d+ bytes\)')

    def test_an_existing_file_is_overwritten_only_when_asked(self):
        self.write('new.scap', 'x' * (1 << 20))
        command = ['record', '-w', self.file, '-r', capture('cat_write.scap'), '-n', '1']
        detect = lambda *more: self.detect(capture('cat_write.scap'), '-o', f'gyr.record.file={self.file}', *more)
        self.assert_fails(run(*command), self.file, 'it is there already')
        self.assert_fails(detect(), self.file, 'it is there already')
        self.assertEqual(os.path.getsize(self.file), 1 << 20)
        result = run(*command, '--overwrite')
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(len(run('read', self.file).stdout.splitlines()), 1)
        result = detect('-o', 'gyr.record.overwrite=true')
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertGreater(len(run('read', self.file).stdout.splitlines()), 1)
        self.assertEqual(os.stat(self.file).st_mode & 0o777, 0o600)

    def test_rotated_files_together_show_what_the_whole_capture_shows(self):
        path = capture('sample.scap')
        fields = '%evt.time %evt.type %proc.cmdline %proc.aname[2] %proc.cwd %fd.name %fd.types %user.name %evt.args'
        whole = run('read', path, '-p', fields).stdout.splitlines()
        result = run('record', '-w', self.file, '-r', path, '-e', '100', '-z')
        self.assertEqual(result.returncode, 0, result.stderr)
        files = sorted(name for name in os.listdir(self.folder) if name.startswith('new.scap'))
        self.assertEqual(files, [f'new.scap{n}' for n in range(len(files))])
        self.assertGreater(len(files), 2)
        self.assertIn(f'{len(files)} files, the last of them {self.file}{len(files) - 1}', result.stderr)
        shown = []
        for name in files:
            part = os.path.join(self.folder, name)
            with open(part, 'rb') as content:
                self.assertEqual(content.read(2), b'\x1f\x8b')
            shown += run('read', part, '-p', fields).stdout.splitlines()
        self.assertEqual(shown, whole)
        # A file of the middle can be rotated again, and is still what it was.
        again = run('record', '-w', self.file + '-again', '-r', os.path.join(self.folder, files[1]), '-e', '30')
        self.assertEqual(again.returncode, 0, again.stderr)
        count = sum(name.startswith('new.scap-again') for name in os.listdir(self.folder))
        shown = [line for n in range(count)
                 for line in run('read', f'{self.file}-again{n}', '-p', fields).stdout.splitlines()]
        self.assertEqual(shown, run('read', os.path.join(self.folder, files[1]), '-p', fields).stdout.splitlines())

    def test_detection_rotates_its_recording_too(self):
        show = ('-p', '%evt.time %proc.cmdline %proc.aname[2] %fd.name')
        options = ('-r', self.rules, '-o', 'json_output=true')
        whole = run(*options, '-e', capture('net.scap'), *show, '-o', f'gyr.record.file={self.file}',
                    '-o', 'gyr.record.rotate_mb=1')
        self.assertEqual(whole.returncode, 0, whole.stderr)
        files = [name for name in os.listdir(self.folder) if name.startswith('new.scap')]
        self.assertGreater(len(files), 2)

        def outputs(result):
            return [json.loads(line)['output'] for line in result.stdout.splitlines() if line.startswith('{')]
        parts = []
        for number in range(len(files)):
            parts += outputs(run(*options, '-e', f'{self.file}{number}', *show))
        self.assertNotEqual(parts, [])
        self.assertEqual(parts, outputs(whole))

    def test_only_the_newest_files_are_kept(self):
        path = capture('sample.scap')
        result = run('record', '-w', self.file, '-r', path, '-e', '50', '-W', '2')
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(sorted(os.listdir(self.folder)), ['new.scap0', 'new.scap1', 'rules.yaml'])
        self.assertRegex(result.stderr, r'the oldest \d+ were deleted')

    def test_limit_of_the_disk_ends_the_recording_with_a_complete_file(self):
        result = run('record', '-w', self.file, '-r', capture('net.scap'), '--disk-limit', '1')
        self.assertEqual(result.returncode, 1)
        self.assertIn('the limit of 1000000 bytes', result.stderr)
        self.assertRegex(result.stderr, r'Error: .*: \d+ events are in it, \d+ are missing from it')
        self.assertLessEqual(os.path.getsize(self.file), 1000000)
        self.assertEqual(run('read', self.file).returncode, 0)

    def test_files_that_cannot_be_written(self):
        path = capture('cat_write.scap')
        for bad, why in (('/nonexistent/a.scap', 'No such file'), (self.folder, 'Is a directory'), ('/proc/a.scap', '')):
            with self.subTest(bad):
                self.assert_fails(run('record', '-w', bad, '-r', path), bad, why)
                self.assert_fails(run('-r', self.rules, '-e', path, '-o', f'gyr.record.file={bad}'), bad, why)

    def test_a_capture_is_not_recorded_onto_itself(self):
        copy = shutil.copy(capture('cat_write.scap'), self.file)
        link = os.path.join(self.folder, 'link.scap')
        os.symlink(copy, link)
        size = os.path.getsize(copy)
        for target in (copy, link):
            self.assert_fails(run('record', '-w', target, '-r', copy, '--overwrite'), 'onto itself')
            self.assert_fails(self.detect(copy, '-o', f'gyr.record.file={target}', '-o', 'gyr.record.overwrite=true'),
                              'onto itself')
        self.assertEqual(os.path.getsize(copy), size)

    def test_full_disk_ends_the_recording_and_not_the_detection(self):
        path = capture('net.scap')
        wanted = self.detect(path)
        result = self.detect(path, '-o', 'gyr.record.file=/dev/full')
        self.assertEqual(result.stdout, wanted.stdout)
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, r'Error: .*/dev/full: No space left on device: 0 events are in it, \d+ are missing')
        self.assertEqual(result.stderr.count('the recording ends here'), 1)
        self.assertEqual(run('record', '-w', '/dev/full', '-r', path).returncode, 1)

    def test_mistakes(self):
        for wrong in ([], [self.file], ['-r', '/nonexistent.scap']):
            self.assert_fails(run('record', *wrong), 'gyr record -w FILE')
        for wrong, said in ((['evt.type=opne'], 'filter'), (['-s', '99999'], '16000'), (['-C', '0'], 'at least 1'),
                            (['-W', '3'], '-W has an effect with -C, -G or -e only'), (['--keep-free', '100'], 'at most 99'),
                            (['-r', '/nonexistent.scap'], '/nonexistent.scap'), (['-G', 'x'], 'not a whole number')):
            self.assert_fails(run('record', '-w', self.file, *wrong), said)
        self.assertFalse(os.path.exists(self.file))
        self.assertIn('Examples:', run('record', '--help').stdout)

    def test_damage_is_told_and_what_came_before_is_kept(self):
        path = self.write('cut.scap', gunzipped(capture('net.scap'))[:-50])
        result = run('record', '-w', self.file, '-r', path)
        self.assertEqual(result.returncode, 1)
        self.assertIn('cut.scap', result.stderr)
        self.assertEqual(run('read', self.file).stdout, run('read', path).stdout)


if __name__ == '__main__':
    cli_test.GYR = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=1)
