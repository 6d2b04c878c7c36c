# SPDX-License-Identifier: Apache-2.0
"""Peers of outputs, on 127.0.0.1: HTTP(S) receivers, listeners that never answer, a unix reader, certificates."""
import gzip
import http.server
import os
import shutil
import socket
import ssl
import subprocess
import threading


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        if self.headers['Content-Encoding'] == 'gzip':
            body = gzip.decompress(body)
        peer = self.connection.getpeercert() if isinstance(self.connection, ssl.SSLSocket) else None
        self.server.seen.append((dict(self.headers), body.decode(), peer))
        answer = b'thank \x1b you'
        self.send_response(200)
        self.send_header('Content-Length', str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


class Server:
    """A receiver on 127.0.0.1, with TLS if `context` is given; `seen`: headers, body, certificate of each request."""

    def __init__(self, context=None):
        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Receiver)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None
        self.server.seen = []
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.url = f'http{"s" if context else ""}://127.0.0.1:{self.port}/x'
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    @property
    def seen(self):
        return self.server.seen


class Listener:
    """Takes connections, keeps what they say first, and never answers."""

    def __init__(self, hang_up=False):
        self.hang_up = hang_up
        self.socket = socket.create_server(('127.0.0.1', 0))
        self.port = self.socket.getsockname()[1]
        self.connections, self.firsts = [], []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections.append(connection)
            if self.hang_up:
                connection.close()
            else:
                threading.Thread(target=self.hear, args=[connection], daemon=True).start()

    def hear(self, connection):
        try:
            self.firsts.append(connection.recv(1 << 16))
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for connection in self.connections:
            connection.close()


class UnixReader:
    """Lines of the unix socket, read as they come."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.lines = []
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        with self.socket, self.socket.makefile(encoding='utf-8') as lines:
            try:
                for line in lines:
                    self.lines.append(line.rstrip('\n'))
            except OSError:
                pass


def make_certificates(test, folder):
    """ca.pem, and server and client signed by it; other.pem is of nobody; authorities/ holds ca.pem under its hash."""
    if not shutil.which('openssl'):
        test.skipTest('openssl is missing')
    run = lambda *words: subprocess.run(['openssl', *words], check=True, capture_output=True, cwd=folder)
    for name in ('ca', 'other'):
        run('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', f'/CN={name}', '-keyout', f'{name}.key',
            '-out', f'{name}.pem')
    with open(os.path.join(folder, 'names'), 'w', encoding='utf-8') as file:
        file.write('subjectAltName=IP:127.0.0.1\n')
    for name in ('server', 'client'):
        run('req', '-newkey', 'rsa:2048', '-nodes', '-subj', f'/CN={name}', '-keyout', f'{name}.key', '-out', f'{name}.csr')
        run('x509', '-req', '-in', f'{name}.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2',
            '-extfile', 'names', '-out', f'{name}.pem')
    os.mkdir(os.path.join(folder, 'authorities'))
    shutil.copy(os.path.join(folder, 'ca.pem'), os.path.join(folder, 'authorities'))
    run('rehash', 'authorities')


def server_context(folder, client=False):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(folder, 'server.pem'), os.path.join(folder, 'server.key'))
    if client:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(os.path.join(folder, 'ca.pem'))
    return context
