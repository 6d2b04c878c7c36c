# SPDX-License-Identifier: Apache-2.0
"""A process with many threads (threads_main.cpp) for tests, and the kernel's limits raised for it."""
import os
import re
import subprocess

PID_MAX = '/proc/sys/kernel/pid_max'
THREADS_MAX = '/proc/sys/kernel/threads-max'


def number_in(path):
    with open(path, encoding='ascii') as file:
        return int(file.read())


def write(path, text):
    with open(path, 'w', encoding='ascii') as file:
        file.write(str(text))


def allow_threads(test, count):
    """Raises the host's limits until the end of the test; a reason why that cannot be done, or ''."""
    for path in (PID_MAX, THREADS_MAX):
        before = number_in(path)
        if before >= count:
            continue
        try:
            write(path, count)
        except OSError as error:
            return f'{path} is {before} and cannot be raised: {error}'
        test.addCleanup(write, path, before)
    with open('/proc/meminfo', encoding='ascii') as file:
        free = int(re.search(r'MemAvailable:\s+(\d+)', file.read())[1])
    needed = count * 48  # KiB: kernel stack, task, page tables, a page or two of the stack
    return '' if free > needed else f'{count} threads take some {needed >> 10} MiB, of which {free >> 10} are there'


class Unlimited:
    """A control group without a limit of processes, to start programs in; entering nothing where none is needed."""

    def __init__(self, test):
        self.folder = ''
        if os.path.isdir('/sys/fs/cgroup/pids'):
            self.folder = f'/sys/fs/cgroup/pids/gyrtest-threads-{os.getpid()}'
        elif os.path.exists('/sys/fs/cgroup/cgroup.controllers'):
            self.folder = f'/sys/fs/cgroup/gyrtest-threads-{os.getpid()}'
        if self.folder:
            os.makedirs(self.folder, exist_ok=True)
            test.addCleanup(os.rmdir, self.folder)

    def enter(self):
        if self.folder:
            write(self.folder + '/cgroup.procs', 0)


class Threads:
    """`count` threads, of which `made` there are; one opens files when it is told to."""

    def __init__(self, test, program, count):
        group = Unlimited(test)
        self.process = subprocess.Popen([program, str(count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, preexec_fn=group.enter)
        test.addCleanup(self.end)
        self.made = int(self.process.stdout.readline().split()[1])
        self.pid = self.process.pid

    def do(self, order):
        self.process.stdin.write(order + '\n')
        self.process.stdin.flush()
        return int(self.process.stdout.readline().split()[1])

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(60)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            try:
                stream.close()
            except BrokenPipeError:
                pass  # an order that it did not read any more
