# SPDX-License-Identifier: Apache-2.0
"""What the integration scripts share: where test data is, how a test is skipped, which program runs."""
import os
import shutil
import subprocess
import sys

SKIP = 77
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def skip(reason):
    print(f'skipped: {reason}')
    sys.exit(SKIP)


def need_namespaces(why_root):
    """For scripts that run programs in namespaces of their own and with fewer privileges."""
    if os.geteuid() != 0:
        skip(why_root)
    for tool in ('unshare', 'setpriv'):
        if not shutil.which(tool):
            skip(f'{tool} is missing')
    if subprocess.run(['unshare', '-m', '--pid', '--fork', 'true'], check=False, capture_output=True).returncode != 0:
        skip('no namespaces can be made here')


def start_watching(test, command):
    """Starts gyr for a test case, which is skipped where live capture is not possible; and what it said until it watches."""
    gyr = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    test.addCleanup(gyr.stdout.close)
    test.addCleanup(gyr.stderr.close)
    test.addCleanup(gyr.kill)
    log = ''
    for line in gyr.stderr:
        log += line
        if 'watching this host' in line:
            return gyr, log
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
