#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The Kustomize base: rendered, every field known to the API, and its configuration one that gyr accepts.

usage: kubernetes_test.py GYR
Rendered by Debian's kubectl, which is fetched and unpacked below build/debian once, and by that of the PATH, if there is one.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

try:
    import yaml
except ImportError:
    yaml = None

FOLDER = pathlib.Path(__file__).resolve().parent
ROOT = FOLDER.parent.parent
BASE = ROOT / 'deploy' / 'kubernetes' / 'base'
for place in (FOLDER.parent / 'integration', ROOT / 'tools'):
    sys.path.insert(0, str(place))
from common import skip  # noqa: E402
from debian import Archive, Unavailable  # noqa: E402

GYR = ''


def debian_kubectl():
    folder = ROOT / 'build' / 'debian' / 'kubernetes-client'
    if not (folder / 'usr/bin/kubectl').exists():
        Archive('bookworm', 'amd64').unpack(['kubernetes-client'], folder)
    return str(folder / 'usr/bin/kubectl')


def kubectls():
    found = [shutil.which('kubectl')] if shutil.which('kubectl') else []
    try:
        found.append(debian_kubectl())
    except Unavailable as fault:
        if not found:
            skip(f'no kubectl: {fault}')
    return found


# What the API (v1, apps/v1; Kubernetes 1.24 and newer) knows of the kinds used: a type, a set of words, a pattern, a list of
# one thing, a map of any texts ({str: …}), or fields; '!' behind a name: it must be there.
TEXTS = {str: str}
QUANTITIES = {str: re.compile(r'\d+(m|Ki|Mi|Gi)?')}
META = {'name!': re.compile(r'[a-z0-9]([a-z0-9-]*[a-z0-9])?'), 'namespace': re.compile('gyr'), 'labels': TEXTS, 'annotations': TEXTS}
PROBE = {'httpGet!': {'path!': re.compile('/.*'), 'port!': (str, int), 'scheme': {'HTTP', 'HTTPS'}},
         'initialDelaySeconds': int, 'periodSeconds': int, 'timeoutSeconds': int, 'failureThreshold': int}
CAPABILITIES = [re.compile('ALL|BPF|PERFMON|SYS_PTRACE|DAC_READ_SEARCH')]
CONTAINER = {
    'name!': str, 'image!': str, 'imagePullPolicy': {'Always', 'IfNotPresent', 'Never'}, 'args': [str],
    'env': [{'name!': str, 'value': str, 'valueFrom': {'fieldRef': {'fieldPath!': {'spec.nodeName'}, 'apiVersion': {'v1'}}}}],
    'ports': [{'name': str, 'containerPort!': int, 'protocol': {'TCP'}}],
    'securityContext!': {'privileged!': bool, 'allowPrivilegeEscalation!': bool, 'readOnlyRootFilesystem!': bool, 'runAsUser': int,
                         'capabilities!': {'add!': CAPABILITIES, 'drop!': CAPABILITIES},
                         'seccompProfile': {'type!': {'Unconfined', 'RuntimeDefault', 'Localhost'}}},
    'livenessProbe!': PROBE, 'readinessProbe!': PROBE, 'resources!': {'requests!': QUANTITIES, 'limits!': QUANTITIES},
    'volumeMounts!': [{'name!': str, 'mountPath!': re.compile('/.*'), 'readOnly': bool, 'mountPropagation': {'HostToContainer'}}]}
VOLUME = {'name!': str, 'configMap': {'name!': str}, 'emptyDir': {'sizeLimit': re.compile(r'\d+(Mi|Gi)')},
          'hostPath': {'path!': re.compile('/.*'), 'type': {'', 'Directory', 'DirectoryOrCreate'}}}
POD = {'serviceAccountName': str, 'automountServiceAccountToken': bool, 'priorityClassName': str, 'hostPID': bool,
       'hostNetwork': bool, 'terminationGracePeriodSeconds': int, 'containers!': [CONTAINER], 'volumes': [VOLUME],
       'tolerations': [{'operator!': {'Exists', 'Equal'}, 'key': str, 'effect': str}]}
KINDS = {
    ('v1', 'Namespace'): {},
    ('v1', 'ServiceAccount'): {'automountServiceAccountToken': bool},
    ('v1', 'ConfigMap'): {'data!': TEXTS},
    ('v1', 'Service'): {'spec!': {'clusterIP': {'None'}, 'selector!': TEXTS,
                                  'ports!': [{'name': str, 'port!': int, 'targetPort': (str, int), 'protocol': {'TCP'}}]}},
    ('apps/v1', 'DaemonSet'): {'spec!': {'selector!': {'matchLabels!': TEXTS},
                                         'updateStrategy': {'type!': {'RollingUpdate', 'OnDelete'},
                                                            'rollingUpdate': {'maxUnavailable': (int, str)}},
                                         'template!': {'metadata!': {'labels!': TEXTS, 'annotations': TEXTS}, 'spec!': POD}}}}


def faults(value, wanted, path):
    """What of `value` the schema does not know."""
    if isinstance(wanted, dict) and str in wanted:
        if not isinstance(value, dict):
            return [f'{path}: no map']
        return [fault for key, inner in value.items() for fault in faults(inner, wanted[str], f'{path}.{key}')]
    if isinstance(wanted, dict):
        if not isinstance(value, dict):
            return [f'{path}: no map']
        known = {key.rstrip('!'): inner for key, inner in wanted.items()}
        found = [f'{path}.{key.rstrip("!")}: missing' for key in wanted if key.endswith('!') and key[:-1] not in value]
        for key, inner in value.items():
            found += faults(inner, known[key], f'{path}.{key}') if key in known else [f'{path}.{key}: unknown']
        return found
    if isinstance(wanted, list):
        if not isinstance(value, list):
            return [f'{path}: no list']
        return [fault for index, inner in enumerate(value) for fault in faults(inner, wanted[0], f'{path}[{index}]')]
    if isinstance(wanted, re.Pattern):
        fits = isinstance(value, str) and wanted.fullmatch(value)
    elif isinstance(wanted, set):
        fits = value in wanted
    else:
        fits = isinstance(value, wanted) and (wanted is bool or not isinstance(value, bool))
    return [] if fits else [f'{path}: {value!r}']


def object_faults(thing):
    schema = KINDS.get((thing.get('apiVersion'), thing.get('kind')))
    if schema is None:
        return [f'{thing.get("apiVersion")} {thing.get("kind")}: unknown']
    return faults(thing, {'apiVersion!': str, 'kind!': str, 'metadata!': META} | schema, thing['kind'])


class Base(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rendered = []
        for kubectl in KUBECTLS:
            done = subprocess.run([kubectl, 'kustomize', BASE], capture_output=True, text=True, check=False)
            if done.returncode:
                raise AssertionError(f'{kubectl}: {done.stderr}')
            cls.rendered.append([thing for thing in yaml.safe_load_all(done.stdout) if thing])
        cls.things = {(thing['kind'], thing['metadata']['name']): thing for thing in cls.rendered[-1]}
        cls.pod = cls.things['DaemonSet', 'gyr']['spec']['template']
        cls.container = cls.pod['spec']['containers'][0]

    def test_every_field_is_known(self):
        for things in self.rendered:
            self.assertEqual(sorted(thing['kind'] for thing in things),
                             ['ConfigMap', 'ConfigMap', 'DaemonSet', 'Namespace', 'Service', 'ServiceAccount'])
            for thing in things:
                self.assertEqual(object_faults(thing), [])
                if thing['kind'] != 'Namespace':
                    self.assertEqual(thing['metadata']['namespace'], 'gyr')

    def test_the_check_finds_faults(self):
        broken = yaml.safe_load(yaml.safe_dump(self.things['DaemonSet', 'gyr']))
        container = broken['spec']['template']['spec']['containers'][0]
        container['securityContex'] = container.pop('securityContext')
        container['ports'][0]['containerPort'] = '8765'
        self.assertEqual(len(object_faults(broken)), 3)

    def test_names_refer_to_something(self):
        labels = self.pod['metadata']['labels']
        for selector in (self.things['DaemonSet', 'gyr']['spec']['selector']['matchLabels'],
                         self.things['Service', 'gyr-metrics']['spec']['selector']):
            self.assertLessEqual(selector.items(), labels.items())
        volumes = {volume['name']: volume for volume in self.pod['spec']['volumes']}
        self.assertEqual({mount['name'] for mount in self.container['volumeMounts']}, set(volumes))
        for volume in volumes.values():
            if 'configMap' in volume:
                self.assertIn(('ConfigMap', volume['configMap']['name']), self.things)
        self.assertIn(('ServiceAccount', self.pod['spec']['serviceAccountName']), self.things)
        ports = {port['name'] for port in self.container['ports']}
        self.assertIn(self.things['Service', 'gyr-metrics']['spec']['ports'][0]['targetPort'], ports)
        for probe in ('livenessProbe', 'readinessProbe'):
            self.assertIn(self.container[probe]['httpGet']['port'], ports)

    def test_least_privileges(self):
        context = self.container['securityContext']
        self.assertEqual((context['privileged'], context['allowPrivilegeEscalation'], context['readOnlyRootFilesystem']),
                         (False, False, True))
        self.assertEqual(context['capabilities']['drop'], ['ALL'])
        unit = (ROOT / 'deploy/debian/gyr.service').read_text(encoding='utf-8')
        of_unit = re.search(r'(?m)^CapabilityBoundingSet=(.*)$', unit)[1].replace('CAP_', '').split()
        self.assertEqual(sorted(context['capabilities']['add']), sorted(of_unit))
        self.assertEqual((self.pod['spec']['hostPID'], self.pod['spec']['hostNetwork']), (False, False))
        host = {volume['name'] for volume in self.pod['spec']['volumes'] if 'hostPath' in volume}
        for mount in self.container['volumeMounts']:
            if mount['name'] in host:
                self.assertTrue(mount['readOnly'], mount)

    def test_gyr_accepts_configuration_and_rules(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            config = self.things['ConfigMap', 'gyr-config']['data']['gyr.yaml']
            (folder / 'rules').mkdir()
            for file, text in self.things['ConfigMap', 'gyr-rules']['data'].items():
                (folder / 'rules' / file).write_text(text, encoding='utf-8')
            config = config.replace('/etc/gyr/gyr_rules.yaml', str(ROOT / 'rules/gyr_rules.yaml'))
            config = config.replace('- /rules', f'- {folder}/rules')
            (folder / 'gyr.yaml').write_text(config, encoding='utf-8')
            done = subprocess.run([GYR, '-c', folder / 'gyr.yaml', '--dry-run'], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertNotIn('unknown', done.stderr)
        port = yaml.safe_load(config)['webserver']['listen_port']
        self.assertEqual(self.container['ports'][0]['containerPort'], port)


if __name__ == '__main__':
    if yaml is None:
        skip('the module yaml of python is missing: tools/install-packages packages-deploy.txt')
    GYR = os.path.abspath(sys.argv.pop(1))
    KUBECTLS = kubectls()
    unittest.main(verbosity=1)
