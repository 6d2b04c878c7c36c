# SPDX-License-Identifier: Apache-2.0
"""What the scripts about the web server share: a gyr that serves, requests to it, waiting for it, stopping a thread of it."""
import ctypes
import http.client
import json
import os
import ssl
import subprocess
import tempfile
import time

from common import free_port


class Served:
    """gyr with a web server at self.port. `config` is the rest of its configuration, as a dictionary."""

    def __init__(self, gyr, folder, config, options=(), env=None):
        self.port = free_port()
        self.folder = folder
        config.setdefault('webserver', {}).update(
            {'enabled': True, 'listen_port': self.port, 'listen_address': '127.0.0.1'})
        config.setdefault('stdout_output', {'enabled': True})
        config.setdefault('log_syslog', False)
        config.setdefault('json_output', True)
        self.tls = config['webserver'].get('ssl_enabled', False)
        path = os.path.join(folder, 'gyr.yaml')
        with open(path, 'w', encoding='utf-8') as file:
            json.dump(config, file)  # JSON is YAML
        self.out = open(os.path.join(folder, 'out'), 'w+', encoding='utf-8')
        self.err = open(os.path.join(folder, 'err'), 'w+', encoding='utf-8')
        self.process = subprocess.Popen([gyr, '-c', path, *options], stdout=self.out, stderr=self.err,
                                        env=dict(os.environ, **(env or {})))

    def ask(self, path, method='GET', headers=None, text=True):
        """Status, headers, body; None when nobody answers."""
        if self.tls:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            connection = http.client.HTTPSConnection('127.0.0.1', self.port, timeout=60, context=context)
        else:
            connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=60)
        try:
            connection.request(method, path, headers=headers or {})
            answer = connection.getresponse()
            body = answer.read()
            return answer.status, dict(answer.getheaders()), body.decode() if text else body
        except (ConnectionError, OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def wait_for(self, path, status, seconds=120):
        """Asks until the answer has that status; the answer, or None when the program has ended."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.process.poll() is None:
            answer = self.ask(path)
            if answer and answer[0] == status:
                return answer
            time.sleep(0.05)
        return None

    def stop(self):
        """Exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        status = self.process.wait(timeout=60)
        self.out.close()
        self.err.close()
        return status

    def said(self):
        self.err.flush()
        with open(self.err.name, encoding='utf-8') as file:
            return file.read()

    def alerts(self):
        with open(self.out.name, encoding='utf-8') as file:
            return [json.loads(line) for line in file if line.startswith('{') and line.endswith('}\n')]


class Thread:
    """Stops one thread of a process, as a debugger does."""
    SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17

    def __init__(self, tid):
        self.tid = tid
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]

    def _do(self, request):
        if self.libc.ptrace(request, self.tid, None, None) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    def stop(self):
        self._do(self.SEIZE)
        self._do(self.INTERRUPT)
        os.waitpid(self.tid, 0x40000000)  # __WALL

    def go_on(self):
        self._do(self.DETACH)


def certificate(folder):
    """A PEM file with a key and a certificate of its own."""
    path = os.path.join(folder, 'server.pem')
    key = os.path.join(folder, 'key.pem')
    made = subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=gyr',
                           '-keyout', key, '-out', path], capture_output=True, text=True, check=False)
    if made.returncode:
        raise RuntimeError(made.stderr)
    with open(path, 'a', encoding='utf-8') as pem, open(key, encoding='utf-8') as secret:
        pem.write(secret.read())
    return path


def temporary(test):
    folder = tempfile.TemporaryDirectory()
    test.addCleanup(folder.cleanup)
    return folder.name
