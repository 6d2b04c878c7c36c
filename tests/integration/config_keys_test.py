# SPDX-License-Identifier: Apache-2.0
"""Every key of the configuration does what it says: set, and observed from outside the process. Runs: gyr.

A key of `gyr --config-schema` has a row in KEYS below, a function that observes the effect, or a test of another script that is
marked with @observes (observed.py), or it is in PENDING with the reason, which is printed. Anything else fails.
"""
import base64
import glob
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

from common import ROOT, conformance_or_none
from observed import defaults, expand, observed_by_tests, run_observing

GYR = os.path.abspath(sys.argv[1])
DATA = conformance_or_none()
RULES = '''- list: names
  items: [cat, tee]
- rule: opened
  desc: d
  condition: evt.type in (open, openat)
  output: "o=%proc.name f=%fd.name"
  priority: warning
  tags: [files]
- rule: anything
  desc: d
  condition: evt.type in (open, openat) and evt.num > 0
  output: "any=%evt.type"
  priority: notice
  tags: [more]
'''
WRITES = '''- rule: wrote
  desc: d
  condition: evt.type = write and evt.buffer contains keystest and proc.name = sh
  output: "data=%evt.arg.data len=%evt.buflen"
  priority: info
'''


class Run:
    """A finished gyr."""

    def __init__(self, *arguments, env=None, timeout=90):
        done = subprocess.run([GYR, *arguments], check=False, capture_output=True, text=True, errors='replace',
                              timeout=timeout, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL)
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr
        self.lines = [line for line in self.out.split('\nEvents detected', 1)[0].splitlines() if line]

    def json(self):
        return [json.loads(line) for line in self.lines if line.startswith('{')]


class World:
    """What the rows need: files in a folder of their own, and gyr on a capture, a command or the host."""

    def __init__(self, test):
        folder = tempfile.TemporaryDirectory()
        test.addCleanup(folder.cleanup)
        self.test, self.folder = test, folder.name
        self.rules = self.file('rules.yaml', RULES)

    def path(self, name):
        return os.path.join(self.folder, name)

    def file(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), 'w', encoding='utf-8') as file:
            file.write(text)
        return self.path(name)

    def capture(self, name='cat_write'):
        if DATA is None:
            self.test.skipTest('no conformance data')
        return os.path.join(DATA, 'captures', name + '.scap')

    @staticmethod
    def options(settings):
        return [part for setting in settings for part in ('-o', setting)]

    def replay(self, *settings, rules=None, capture='cat_write', extra=(), env=None):
        return Run('-r', rules or self.rules, '-e', self.capture(capture), *self.options(settings), *extra, env=env)

    def follow(self, command, *settings, rules=None, extra=()):
        return Run('-u', '-r', rules or self.rules, *self.options(settings), *extra, '--', 'sh', '-c', command)

    def config(self, text, *arguments, env=None):
        return Run('-c', self.file('c.yaml', text), *arguments, env=env)

    def live(self, action, *settings, rules=None, seconds=None):
        """Output of gyr on this host while `action` (given its pid) runs; skipped where that is not possible."""
        process = subprocess.Popen([GYR, '-r', rules or self.rules, *self.options(settings)], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, errors='replace')
        self.test.addCleanup(process.kill)
        log = ''
        for line in process.stderr:
            log += line
            if 'watching this host' in line:
                break
        else:
            process.communicate()
            self.test.skipTest('no live capture here: ' + log.strip()[-300:])
        result = action(process.pid)
        time.sleep(seconds or 0.7)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        return result, out, log + err


# --- the rows

def says(settings, text, absent=(), **more):
    """On a capture: with these settings the output or log has `text`, and without them it has not."""
    def observe(test, world):
        run = world.replay(*settings, **more)
        test.assertIn(text, run.out + run.err)
        test.assertNotIn(text, (lambda r: r.out + r.err)(world.replay(*absent, **more)))
    return observe


def property_switch(key, name, default):
    def observe(test, world):
        for value in (True, False):
            run = world.replay('json_output=true', f'{key}={str(value).lower()}')
            test.assertEqual({name in alert for alert in run.json()}, {value})
        test.assertEqual({name in alert for alert in world.replay('json_output=true').json()}, {default})
    return observe


def config_files(test, world):
    inner = world.file('inner.yaml', 'json_output: true\n')
    run = world.config(f'config_files: [{inner}]\nstdout_output: {{enabled: true}}\n', '-r', world.rules, '-e', world.capture())
    test.assertGreater(len(run.json()), 0)
    test.assertIn(f'configuration: {inner} | schema validation: ok', run.err)


def rules_files(test, world):
    run = world.config(f'rules_files: [{world.rules}]\nstdout_output: {{enabled: true}}\n', '-e', world.capture())
    test.assertIn('o=cat', run.out)


def rules(test, world):
    test.assertNotIn('o=cat', world.replay('rules[].disable.rule=open*').out)
    test.assertIn('o=cat', world.replay('rules[].disable.tag=*', 'rules[].enable.rule=opened').out)
    test.assertNotIn('o=cat', world.replay('rules[].disable.tag=files').out)


def engine_kind(test, world):
    test.assertIn('is a capture file', Run('-r', world.rules, '--dry-run', '-o', 'engine.kind=replay', '-o',
                                           f'engine.replay.capture_file={world.capture()}').err)
    test.assertIn('the probe was not attached', Run('-r', world.rules, '--dry-run', '-o', 'engine.kind=kmod').err)
    test.assertIn('was removed', Run('-r', world.rules, '--dry-run', '-o', 'engine.kind=ebpf').err)
    test.assertIn('Events detected: 0', Run('-r', world.rules, '-M', '1', '-o', 'engine.kind=nodriver').out)
    test.assertIn('o=cat', world.follow('cat /dev/null').out)


def capture_file(test, world):
    run = Run('-r', world.rules, '-o', 'engine.kind=replay', '-o', f'engine.replay.capture_file={world.capture()}')
    test.assertIn('o=cat', run.out)


def rings_of(pid):
    """Sizes of the BPF ring buffers of a process: what the kernel tells about its descriptors."""
    sizes = []
    for path in glob.glob(f'/proc/{pid}/fdinfo/*'):
        try:
            with open(path, encoding='ascii', errors='replace') as file:
                fields = dict(line.split(':', 1) for line in file.read().splitlines() if ':' in line)
        except FileNotFoundError:
            continue  # closed meanwhile, so it was none: rings stay open
        if fields.get('map_type', '').strip() == '27':
            sizes.append(int(fields['max_entries']))
    return sorted(sizes)


def ring_size(kind):
    def observe(test, world):
        for preset, size in ((1, 1 << 20), (3, 4 << 20)):
            sizes, _, _ = world.live(rings_of, f'engine.kind={kind}', f'engine.{kind}.buf_size_preset={preset}')
            # In each group of CPUs one for bulk events, in parts, and one of a quarter for critical ones.
            groups = (os.cpu_count() + 1) // 2
            test.assertEqual(sum(sizes), groups * (size + size // 4))
        run = Run('-r', world.rules, '--dry-run', '-o', f'engine.{kind}.buf_size_preset=11')
        test.assertEqual(run.status, 1)
        test.assertIn('must be from 1 to 10', run.err)
    return observe


def cpus_for_each_buffer(test, world):
    one, _, _ = world.live(rings_of, 'engine.modern_ebpf.cpus_for_each_buffer=0')
    each, _, _ = world.live(rings_of, 'engine.modern_ebpf.cpus_for_each_buffer=1')
    test.assertEqual(sum(each), os.cpu_count() * sum(one))


FAILING = '''
import os
for name in ('{folder}/not-there', '{folder}/rules.yaml'):
    try: os.close(os.open(name, os.O_RDONLY))
    except OSError: pass
'''


def drop_failed(kind):
    def observe(test, world):
        script = world.file('failing.py', FAILING.format(folder=world.folder))
        rules_path = world.file('failing.yaml', f'''- rule: tried
  desc: d
  condition: evt.type in (open, openat) and fd.name startswith {world.folder}
  output: "tried=%fd.name res=%evt.res"
  priority: info
''')
        for value in ('true', 'false'):
            _, out, _ = world.live(lambda _: subprocess.run([sys.executable, script], check=True), f'engine.kind={kind}',
                                   f'engine.{kind}.drop_failed_exit={value}', rules=rules_path)
            test.assertIn(f'tried={world.folder}/rules.yaml', out)
            test.assertEqual(f'tried={world.folder}/not-there' in out, value == 'false', out)
    return observe


def plugins(test, world):
    run = world.replay('plugins=[{name: other, library_path: libother.so}]')
    test.assertIn("the plugin 'other' is not loaded", run.err)
    test.assertNotIn('is not loaded', world.replay('plugins=[{name: container, library_path: x}]').err)
    test.assertIn('with_size', world.replay('plugins=[{name: container, init_config: {with_size: true}}]').err)
    run = world.replay('plugins=[{name: container, init_config: {engines: {docker: {sockets: [relative]}}}}]')
    test.assertEqual(run.status, 1)
    test.assertIn('each is an absolute path', run.err)


def load_plugins(test, world):
    two = 'plugins=[{name: one}, {name: two}]'
    test.assertEqual(world.replay(two).err.count('is not loaded'), 2)
    test.assertEqual(world.replay(two, 'load_plugins=[two]').err.count('is not loaded'), 1)
    test.assertEqual(world.replay(two, 'load_plugins=[]').err.count('is not loaded'), 0)
    run = world.replay(two, 'load_plugins=[one, tow]')
    test.assertEqual(run.status, 1)
    test.assertIn("there is no entry 'tow' in plugins; did you mean 'two'?", run.err)


def iso_time(test, world):
    form = r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}\+0000: Warning'
    test.assertRegex(world.replay('time_format_iso_8601=true', 'log_level=debug').lines[0], form)
    test.assertNotRegex(world.replay().lines[0], form)
    fields = world.replay('time_format_iso_8601=true', 'json_output=true').json()[0]['output_fields']
    test.assertIn('evt.time.iso8601', fields)
    test.assertRegex(Run('-r', world.rules, '-o', 'time_format_iso_8601=true', '-o', 'engine.kind=replay', '-o',
                         f'engine.replay.capture_file={world.capture()}', '-o', 'plugins=[{name: x}]').err,
                     r'(?m)^\d{4}-\d\d-\d\dT')


def base64_buffers(test, world):
    path = world.file('writes.yaml', WRITES)
    run = world.follow('echo keystest', 'buffer_format_base64=true', rules=path, extra=['-A'])
    test.assertIn('data=' + base64.b64encode(b'keystest\n').decode(), run.out)
    test.assertIn('data=keystest', world.follow('echo keystest', rules=path, extra=['-A']).out)


def priority(test, world):
    test.assertIn('any=', world.replay('priority=notice', 'rule_matching=all').out)
    test.assertNotIn('any=', world.replay('priority=warning', 'rule_matching=all').out)


def json_output(test, world):
    test.assertEqual(len(world.replay('json_output=true').json()), len(world.replay().lines))
    json.loads(Run('--version', '-o', 'json_output=true').out)
    json.loads(Run('-V', world.rules, '-o', 'json_output=true').out)
    json.loads(Run('-L', '-r', world.rules, '-o', 'json_output=true').out)


def message(test, world):
    property_switch('json_include_message_property', 'message', False)(test, world)
    alert = world.replay('json_output=true', 'json_include_message_property=true').json()[0]
    test.assertTrue(alert['output'].endswith(': Warning ' + alert['message']))


def buffered(test, world):
    """Each write to a socket that keeps records is one record."""
    counts = {}
    for value in ('true', 'false'):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours, theirs:
            process = subprocess.Popen([GYR, '-r', world.rules, '-e', world.capture('open-multiple-files'), '-o',
                                        f'buffered_outputs={value}', '-o', 'rule_matching=all'], stdout=theirs)
            theirs.close()
            records = []
            while record := ours.recv(1 << 20):
                records.append(record)
            process.wait(60)
        counts[value] = (len(records), b''.join(records).count(b'\n'))
    test.assertEqual(counts['true'][1], counts['false'][1])
    test.assertGreater(counts['false'][0], counts['true'][0])


def rule_matching(test, world):
    test.assertNotIn('any=', world.replay('rule_matching=first').out)
    test.assertIn('any=', world.replay('rule_matching=all').out)


def append_output(test, world):
    entry = ('append_output[]={match: {rule: opened, source: syscall, tags: [files]}, extra_output: "pid=%proc.pid", '
             'extra_fields: [proc.pid, {both: "%proc.name/%evt.type"}]}')
    alerts = world.replay(entry, 'json_output=true', 'rule_matching=all').json()
    for alert in alerts:
        fits = alert['rule'] == 'opened'
        test.assertEqual(' pid=' in alert['output'], fits)
        test.assertEqual('both' in alert['output_fields'], fits)
        if fits:
            test.assertIsInstance(alert['output_fields']['proc.pid'], int)
            test.assertRegex(alert['output_fields']['both'], '^[^/]*/open')
    for match in ('{rule: no}', '{source: k8s_audit}', '{tags: [files, more]}'):
        test.assertNotIn('extra!', world.replay(f'append_output[]={{match: {match}, extra_output: "extra!"}}').out)
    suggested = world.replay('append_output[].suggested_output=true', 'static_fields.env=prod').out
    test.assertRegex(suggested, r'container_id=\S+ .*static_env=prod')


def static_fields(test, world):
    path = world.file('static.yaml', RULES.replace('f=%fd.name', 'env=%static.env'))
    test.assertIn('env=prod-7', world.replay('static_fields.env=${STAGE}-7', rules=path, env={'STAGE': 'prod'}).out)
    test.assertEqual(world.replay(rules=path).status, 1)


def stdout_output(test, world):
    file = f'file_output.filename={world.path("f")}'
    test.assertNotIn('o=cat', world.replay('stdout_output.enabled=false', 'file_output.enabled=true', file).out)
    test.assertIn('o=cat', world.replay('file_output.enabled=true', file).out)
    test.assertIn('no output is enabled', world.replay('stdout_output.enabled=false').err)


def syslog(*settings):
    """gyr with a /dev of its own, whose log is ours."""
    def observe(test, world):
        if os.geteuid() != 0:
            test.skipTest('a /dev of its own needs root')
        for value in ('true', 'false'):
            path = world.path('log' + value)
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
                log.bind(path)
                chosen = [setting.format(value) for setting in settings]
                command = ('mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && ln -s ' + path + ' /dev/log && exec "$@"')
                run = subprocess.run(['unshare', '-m', 'sh', '-c', command, 'sh', GYR, '-r', world.rules, '-e', world.capture(),
                                      *world.options(chosen)], check=False, capture_output=True, text=True, timeout=60)
                if 'unshare' in run.stderr:
                    test.skipTest(run.stderr)
                test.assertEqual(run.returncode, 0, run.stderr)
                log.setblocking(False)
                got = b''
                try:
                    while True:
                        got += log.recv(1 << 16)
                except BlockingIOError:
                    pass
            test.assertEqual(bool(got), value == 'true', got)
    return observe


def file_output(test, world):
    path = world.path('alerts')
    run = world.replay('file_output.enabled=true', f'file_output.filename={path}')
    with open(path, encoding='utf-8') as file:
        test.assertEqual(file.read().splitlines(), run.lines)


def file_keep_alive(test, world):
    """While a followed command sleeps after its alert, the file is open or not."""
    for value in ('true', 'false'):
        path = world.path('kept-' + value)
        command = f'cat /dev/null; for fd in /proc/$PPID/fd/*; do readlink $fd; done > {world.path("fds-" + value)}'
        world.follow(f'cat /dev/null; sleep 0.5; {command}', 'file_output.enabled=true', f'file_output.filename={path}',
                     f'file_output.keep_alive={value}')
        with open(world.path('fds-' + value), encoding='utf-8') as file:
            test.assertEqual(path in file.read(), value == 'true')


def log_level(test, world):
    test.assertIn('schema validation', world.config('log_stderr: true\n', '--version').err)
    for level in ('warning', 'WARNING', 'error'):
        test.assertEqual(world.config('{}', '--version', '-o', f'log_level={level}').err, '')
    test.assertIn('events', world.replay('log_level=Info', extra=['-v']).err)


def syscalls(*settings, has=(), lacks=()):
    def observe(test, world):
        names = Run('syscalls', '-r', world.rules, *world.options(settings)).out.split()
        for name in has:
            test.assertIn(name, names)
        for name in lacks:
            test.assertNotIn(name, names)
    return observe


def custom_set(test, world):
    syscalls(has=['dup', 'bind'])(test, world)
    syscalls('base_syscalls.custom_set=["!dup"]', has=['bind'], lacks=['dup'])(test, world)
    syscalls('base_syscalls.custom_set=[mknod]', has=['mknod'], lacks=['dup', 'bind'])(test, world)
    test.assertIn("there is no system call 'mknodd'", Run('syscalls', '-r', world.rules, '-o',
                                                        'base_syscalls.custom_set=[mknodd]').err)


def all_syscalls(test, world):
    path = world.file('writes.yaml', WRITES)
    test.assertNotIn('write', Run('syscalls', '-r', path).out.split())
    test.assertIn('write', Run('syscalls', '-r', path, '-o', 'base_syscalls.all=true').out.split())
    test.assertIn('data=keystest', world.follow('echo keystest', 'base_syscalls.all=true', rules=path).out)


def thread_table_size(test, world):
    run = world.replay('falco_libs.thread_table_size=1', capture='net')
    test.assertIn('thread', run.err)
    test.assertNotIn('thread', world.replay(capture='net').err)


def snaplen(test, world):
    path = world.file('writes.yaml', WRITES)
    text = 'keystest' + 'x' * 300
    for bytes_kept in (20, 200):
        run = world.follow(f'echo {text}', f'falco_libs.snaplen={bytes_kept}', rules=path, extra=['-A'])
        test.assertIn('data=' + text[:bytes_kept] + ' ', run.out)


def rules_on_error(test, world):
    path = world.file('faulty.yaml', RULES + '- rule: bad\n  condition: and\n  output: x\n  desc: d\n  priority: info\n')
    test.assertEqual(world.replay(rules=path).status, 1)
    run = world.replay('gyr.rules_on_error=skip', rules=path)
    test.assertEqual(run.status, 0)
    test.assertIn('o=cat', run.out)
    test.assertIn('1 rules are missing', run.err)


def record_file(test, world):
    path = world.path('seen.scap')
    first = world.replay(f'gyr.record.file={path}')
    test.assertEqual(Run('-r', world.rules, '-e', path).lines, first.lines)


def record_overwrite(test, world):
    path = world.file('old.scap', 'old')
    test.assertEqual(world.replay(f'gyr.record.file={path}').status, 1)
    test.assertEqual(world.replay(f'gyr.record.file={path}', 'gyr.record.overwrite=true').status, 0)


def rotated(world, *settings, capture='net'):
    path = world.path('rotated.scap')
    run = world.replay(f'gyr.record.file={path}', *settings, capture=capture)
    return run, sorted(glob.glob(world.path('rotated*')))


def rotate_mb(test, world):
    _, files = rotated(world, 'gyr.record.rotate_mb=1', capture='net')
    test.assertGreater(len(files), 1)


def rotate_seconds(test, world):
    _, files = rotated(world, 'gyr.record.rotate_seconds=1', capture='curl_google')
    test.assertGreater(len(files), 1)


def rotate_files(test, world):
    _, files = rotated(world, 'gyr.record.rotate_mb=1', 'gyr.record.rotate_files=2', capture='net')
    test.assertEqual(len(files), 2)


def total_mb(test, world):
    run, files = rotated(world, 'gyr.record.total_mb=1', capture='net')
    test.assertLessEqual(sum(os.path.getsize(file) for file in files), 1_100_000)
    test.assertEqual(run.status, 1, run.err)


def keep_free(test, world):
    run, _ = rotated(world, 'gyr.record.keep_free=99')
    test.assertIn('free', run.err)
    test.assertEqual(run.status, 1)


def compare_arguments(test, world):
    """One program more is attached: that at the entry of calls."""
    def attached(pid):
        texts = []
        for path in glob.glob(f'/proc/{pid}/fdinfo/*'):
            with open(path, encoding='ascii', errors='replace') as file:
                texts.append(file.read())
        return sum('link_type' in text for text in texts)
    on, _, _ = world.live(attached, 'gyr.live.compare_arguments=true')
    off, _, _ = world.live(attached, 'gyr.live.compare_arguments=false')
    test.assertEqual(on, off + 1)


def real_paths(test, world):
    target, link = world.file('target', ''), world.path('link')
    os.symlink(target, link)
    rules_path = world.file('link.yaml', f'''- rule: linked
  desc: d
  condition: evt.type in (open, openat) and fd.name = {link}
  output: "real"
  priority: info
''')
    asks = world.file('asks.yaml', f'''- rule: linked
  desc: d
  condition: evt.type in (open, openat) and fd.name = {link}
  output: "real=%fd.realpath"
  priority: info
''')
    for value in ('true', 'false'):
        record = world.path(f'real-{value}.scap')
        world.live(lambda _: subprocess.run(['cat', link], check=True), f'gyr.live.real_paths={value}',
                   f'gyr.record.file={record}', rules=rules_path)
        test.assertEqual(f'real={target}' in Run('-r', asks, '-e', record).out, value == 'true')


KEYS = {
    'config_files': config_files,
    'rules_files': rules_files,
    'rules': rules,
    'engine.kind': engine_kind,
    'engine.kmod.buf_size_preset': ring_size('kmod'),
    'engine.kmod.drop_failed_exit': drop_failed('kmod'),
    'engine.modern_ebpf.cpus_for_each_buffer': cpus_for_each_buffer,
    'engine.modern_ebpf.buf_size_preset': ring_size('modern_ebpf'),
    'engine.modern_ebpf.drop_failed_exit': drop_failed('modern_ebpf'),
    'engine.replay.capture_file': capture_file,
    'load_plugins': load_plugins,
    'plugins': plugins,
    'time_format_iso_8601': iso_time,
    'buffer_format_base64': base64_buffers,
    'priority': priority,
    'json_output': json_output,
    'json_include_output_property': property_switch('json_include_output_property', 'output', True),
    'json_include_message_property': message,
    'json_include_output_fields_property': property_switch('json_include_output_fields_property', 'output_fields', True),
    'json_include_tags_property': property_switch('json_include_tags_property', 'tags', True),
    'buffered_outputs': buffered,
    'rule_matching': rule_matching,
    'append_output': append_output,
    'static_fields': static_fields,
    'stdout_output.enabled': stdout_output,
    'syslog_output.enabled': syslog('syslog_output.enabled={}'),
    'file_output.enabled': file_output,
    'file_output.keep_alive': file_keep_alive,
    'file_output.filename': file_output,
    'log_stderr': says(['plugins=[{name: x}]'], 'is not loaded', ['plugins=[{name: x}]', 'log_stderr=false']),
    'log_syslog': syslog('log_syslog={}', 'plugins=[{{name: x}}]'),
    'log_level': log_level,
    'base_syscalls.custom_set': custom_set,
    'base_syscalls.repair': syscalls('base_syscalls.repair=true', has=['clone', 'openat'], lacks=['bind', 'timerfd_create']),
    'base_syscalls.all': all_syscalls,
    'falco_libs.thread_table_size': thread_table_size,
    'falco_libs.snaplen': snaplen,
    'gyr.rules_on_error': rules_on_error,
    'gyr.record.file': record_file,
    'gyr.record.overwrite': record_overwrite,
    'gyr.record.rotate_mb': rotate_mb,
    'gyr.record.rotate_seconds': rotate_seconds,
    'gyr.record.rotate_files': rotate_files,
    'gyr.record.total_mb': total_mb,
    'gyr.record.keep_free': keep_free,
    'gyr.live.real_paths': real_paths,
    'gyr.live.compare_arguments': compare_arguments,
}
# Keys that have no effect, and why.
PENDING = {
    'plugins_hostinfo': 'no plugin is loaded yet',
    'metrics.jemalloc_stats_enabled': 'the allocator is not jemalloc',
}


class Keys(unittest.TestCase):
    def test_every_key_has_a_row(self):
        known = set(defaults())
        self.assertGreater(len(known), 120)
        tests = {key: names for pattern, names in observed_by_tests().items() for key in expand([pattern])}
        self.assertEqual(sorted(known - set(KEYS) - set(tests) - set(PENDING)), [],
                         'keys that nothing observes: a row in KEYS of this script, or a test marked with @observes')
        self.assertEqual(sorted((set(KEYS) | set(PENDING)) - known), [], 'rows of keys that are gone')
        self.assertEqual(sorted(set(PENDING) & (set(KEYS) | set(tests))), [], 'these are observed: they wait for nothing')
        print(f'{len(known - set(PENDING))} of {len(known)} keys are observed; pending: '
              + ', '.join(f'{key} ({why})' for key, why in sorted(PENDING.items())), file=sys.stderr)

    def test_the_tests_run(self):
        """Each script with marked tests is one that ctest runs."""
        with open(os.path.join(ROOT, 'tests', 'CMakeLists.txt'), encoding='utf-8') as file:
            registered = file.read()
        for names in observed_by_tests().values():
            for name in names:
                self.assertIn(f' {name.split(":")[0]}', registered)


def case(row, keys):
    return lambda self: run_observing(self, keys, lambda: row(self, World(self)))


for each_row in dict.fromkeys(KEYS.values()):
    each_keys = [key for key, row in KEYS.items() if row is each_row]
    setattr(Keys, 'test_' + each_keys[0].replace('.', '_'), case(each_row, each_keys))


if __name__ == '__main__':
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=1)
