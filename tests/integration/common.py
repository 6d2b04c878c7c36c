# SPDX-License-Identifier: Apache-2.0
"""What the integration scripts share: where test data is, how a test is skipped, which program runs."""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

SKIP = 77
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def skip(reason):
    print(f'skipped: {reason}')
    sys.exit(SKIP)


def free_port():
    """Of 127.0.0.1; nobody listens there now."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def need_namespaces(why_root):
    """For scripts that run programs in namespaces of their own and with fewer privileges."""
    if os.geteuid() != 0:
        skip(why_root)
    for tool in ('unshare', 'setpriv'):
        if not shutil.which(tool):
            skip(f'{tool} is missing')
    if subprocess.run(['unshare', '-m', '--pid', '--fork', 'true'], check=False, capture_output=True).returncode != 0:
        skip('no namespaces can be made here')


def need_live_capture(gyr):
    if os.geteuid() != 0:
        skip('live detection needs root')
    done = subprocess.run([gyr, '-M', '1'], check=False, capture_output=True, text=True)
    if done.returncode != 0:
        skip('no live capture here: ' + done.stderr.strip())
    seen_to_work.append(gyr)


seen_to_work = []  # programs that have captured here


def start_watching(test, command):
    """Starts gyr for a test case; and what it said until it watches. A start that fails is a reason to skip the case, unless
    need_live_capture() has seen live capture work."""
    gyr = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    test.addCleanup(gyr.stdout.close)
    test.addCleanup(gyr.stderr.close)
    test.addCleanup(gyr.kill)
    log = ''
    for line in gyr.stderr:
        log += line
        if 'watching this host' in line:
            return gyr, log
    if seen_to_work:
        test.fail('gyr did not start: ' + log)
    test.skipTest('no live capture here: ' + log.strip())
    return None


def conformance_or_none():
    """The folder with captures and expectations."""
    path = os.environ.get('GYR_CONFORMANCE') or os.path.join(ROOT, '..', 'shared', 'conformance')
    return os.path.normpath(path) if os.path.isfile(os.path.join(path, 'cases.json')) else None


def conformance():
    """The same, or the end of the test."""
    path = conformance_or_none()
    if path is None:
        skip('no conformance data beside the checkout; set GYR_CONFORMANCE')
    return path


def fastest(gyr):
    """In the dev build the release program where it is not older: long comparisons take minutes in debug builds."""
    release = os.path.join(ROOT, 'build', 'release', 'gyr')
    is_dev = os.path.basename(os.path.dirname(os.path.abspath(gyr))) == 'dev'
    if is_dev and os.path.isfile(release) and os.path.getmtime(release) >= os.path.getmtime(gyr):
        return release
    return gyr


def wait_for(condition, what, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f'{what} did not come within {seconds} s')
        time.sleep(0.01)


class Detection:
    """gyr that watches this host for a test case, with JSON alerts, and threads that read what it says."""

    def __init__(self, test, command, options=()):
        settings = [word for option in ('json_output=true', *options) for word in ('-o', option)]
        self.alerts, self.log, self.readers = [], [], []
        self.process = subprocess.Popen([*command, *settings], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        test.addCleanup(self.end, signal.SIGKILL)
        for line in self.process.stderr:
            self.log.append(line)
            if 'watching this host' in line:
                break
        else:
            raise AssertionError('gyr did not start: ' + ''.join(self.log))
        self.readers = [threading.Thread(target=self.read_alerts), threading.Thread(target=self.read_log)]
        for reader in self.readers:
            reader.start()

    def read_alerts(self):
        for line in self.process.stdout:
            if line.startswith('{'):
                self.alerts.append(json.loads(line))

    def read_log(self):
        for line in self.process.stderr:
            self.log.append(line)

    def named(self, name):
        return [alert for alert in list(self.alerts) if alert['rule'] == name]

    def says(self, text):
        """In how many lines of the log."""
        return sum(text in line for line in list(self.log))

    def reload(self):
        """By signal; back when the new rules are in force."""
        before = self.says('new rules are in force')
        self.process.send_signal(signal.SIGHUP)
        wait_for(lambda: self.says('new rules are in force') > before or self.process.poll() is not None, 'the reload')

    def end(self, number=signal.SIGINT):
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            self.process.wait(60)
        finally:
            self.process.kill()
        for reader in self.readers:
            reader.join()
        for stream in (self.process.stdout, self.process.stderr):
            stream.close()
        return self.process.returncode
