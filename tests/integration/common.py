# SPDX-License-Identifier: Apache-2.0
"""What the integration scripts share: where test data is, how a test is skipped, which program runs."""
import os
import sys

SKIP = 77
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def skip(reason):
    print(f'skipped: {reason}')
    sys.exit(SKIP)


def conformance():
    """The folder with captures and expectations, or the end of the test."""
    path = os.environ.get('GYR_CONFORMANCE') or os.path.join(ROOT, '..', 'shared', 'conformance')
    if not os.path.isfile(os.path.join(path, 'cases.json')):
        skip(f'no conformance data at {os.path.normpath(path)}; set GYR_CONFORMANCE')
    return os.path.normpath(path)


def fastest(gyr):
    """In the dev build the release program where it is not older: long comparisons take minutes in debug builds."""
    release = os.path.join(ROOT, 'build', 'release', 'gyr')
    is_dev = os.path.basename(os.path.dirname(os.path.abspath(gyr))) == 'dev'
    if is_dev and os.path.isfile(release) and os.path.getmtime(release) >= os.path.getmtime(gyr):
        return release
    return gyr
