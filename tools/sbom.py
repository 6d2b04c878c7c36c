#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The software that the program gyr is made of, as SPDX 2.3 (JSON), from what dpkg and the build know.

usage: sbom.py GYR NAME VERSION EPOCH > gyr.spdx.json
Shared libraries are those that the program is linked to, directly and indirectly; those that it loads when its configuration
asks for them have the relation OPTIONAL_DEPENDENCY_OF. Headers and static libraries that were compiled in are those that the
build in GYR's folder read (ninja -t deps); their packages have the relation STATIC_LINK.
EPOCH (seconds) is the time in the document, so that the same program gives the same bytes.
"""
import collections
import datetime
import hashlib
import json
import os
import re
import subprocess
import sys

DPKG = '/var/lib/dpkg/info'


class Unknown(Exception):
    """Something of the program belongs to no package, or the build does not tell."""


def out(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def owners():
    """Path -> package, of all files that dpkg knows; /lib and /usr/lib are the same folder."""
    known = {}
    for name in os.listdir(DPKG):
        if name.endswith('.list'):
            with open(os.path.join(DPKG, name), encoding='utf-8') as file:
                for path in file.read().splitlines():
                    known[re.sub(r'^/(lib\w*|bin|sbin)/', r'/usr/\1/', path)] = name.removesuffix('.list')
    return known


def shared_libraries(program):
    """Paths of all libraries that the loader takes, without its own and the kernel's."""
    return sorted(re.findall(r'(?:=> |^\s*)(/\S+)', out('ldd', program), re.MULTILINE))


def optional_libraries(program):
    """Paths of the libraries that the program loads only when they are needed, and of theirs: their names stand in it
    (src/base/shared_library.h), and it is not linked to them."""
    linked = shared_libraries(program)
    with open(program, 'rb') as file:
        names = {name.decode() for name in re.findall(rb'\0(lib[\w+-]+\.so\.[\d.]+)(?=\0)', file.read())}
    names -= {os.path.basename(path) for path in linked}
    folder = next(os.path.dirname(path) for path in linked if path.endswith('/libc.so.6'))
    paths = {os.path.join(folder, name) for name in names}
    missing = sorted(path for path in paths if not os.path.exists(path))
    if missing:
        raise Unknown(f'{", ".join(missing)}: the program may load it, and it is not installed here')
    return sorted(paths.union(*map(shared_libraries, paths)) - set(linked))


def headers(build):
    """Paths outside of the checkout that the build read."""
    if not os.path.exists(os.path.join(build, '.ninja_deps')):
        raise Unknown(f'{build} is no build folder of ninja: what was compiled in is not known')
    lines = out('ninja', '-C', build, '-t', 'deps').splitlines()
    return sorted({line.strip() for line in lines if line.startswith('    /usr/')})


def packages_of(paths, known):
    found = set()
    for path in paths:
        real = re.sub(r'^/(lib\w*|bin|sbin)/', r'/usr/\1/', os.path.realpath(path))
        owner = known.get(real) or known.get(re.sub(r'^/(lib\w*|bin|sbin)/', r'/usr/\1/', path))
        if owner is None:
            raise Unknown(f'{path} belongs to no package')
        found.add(owner)
    return found


def describe(names):
    """Package -> version, source, architecture, home."""
    form = '${binary:Package}\t${Version}\t${source:Package}\t${source:Version}\t${Architecture}\t${Homepage}\n'
    rows = [line.split('\t') for line in out('dpkg-query', '-W', '-f', form, *sorted(names)).splitlines()]
    return [dict(zip(('name', 'version', 'source', 'source_version', 'machine', 'home'), row)) for row in rows]


def package_entry(identifier, row, release):
    name = row['name'].split(':')[0]
    entry = {'SPDXID': identifier, 'name': name, 'versionInfo': row['version'], 'supplier': 'Organization: Debian',
             'downloadLocation': 'NOASSERTION', 'filesAnalyzed': False, 'licenseConcluded': 'NOASSERTION',
             'licenseDeclared': 'NOASSERTION', 'copyrightText': 'NOASSERTION',
             'sourceInfo': f'built from the source package {row["source"]} {row["source_version"]}',
             'externalRefs': [{'referenceCategory': 'PACKAGE-MANAGER', 'referenceType': 'purl',
                               'referenceLocator': f'pkg:deb/debian/{quoted(name)}@{quoted(row["version"])}'
                                                   f'?arch={row["machine"]}&distro={release}'}]}
    if re.match(r'https?://\S+$', row['home']):
        entry['homepage'] = row['home']
    return entry


def quoted(text):
    return re.sub(r'[^A-Za-z0-9.\-_~]', lambda match: f'%{ord(match[0]):02X}', text)


def release_name():
    with open('/etc/os-release', encoding='utf-8') as file:
        values = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', file.read(), re.MULTILINE))
    return f'{values.get("ID", "unknown")}-{values.get("VERSION_ID", "unknown")}'


def document(program, name, version, epoch):
    known = owners()
    dynamic = packages_of(shared_libraries(program), known)
    optional = packages_of(optional_libraries(program), known) - dynamic
    static = packages_of(headers(os.path.dirname(os.path.abspath(program))), known)
    # Both: a library that is linked, and its headers, whose inline code is compiled in.
    rows = describe(dynamic | static | optional)
    release = release_name()
    with open(program, 'rb') as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    root = 'SPDXRef-Package-gyr'
    packages = [{'SPDXID': root, 'name': name, 'versionInfo': version, 'supplier': 'NOASSERTION',
                 'downloadLocation': 'NOASSERTION', 'filesAnalyzed': False, 'licenseConcluded': 'Apache-2.0',
                 'licenseDeclared': 'Apache-2.0', 'copyrightText': 'NOASSERTION', 'primaryPackagePurpose': 'APPLICATION',
                 'comment': f'SHA-256 of the program before debug information is taken out: {digest}'}]
    relations = [{'spdxElementId': 'SPDXRef-DOCUMENT', 'relationshipType': 'DESCRIBES', 'relatedSpdxElement': root}]
    names = collections.Counter()
    for row in rows:
        identifier = 'SPDXRef-Package-' + re.sub(r'[^A-Za-z0-9.\-]', '-', row['name'])
        names[identifier] += 1
        if names[identifier] > 1:
            raise Unknown(f'two packages would be called {identifier}')
        packages.append(package_entry(identifier, row, release))
        plain = {row['name'], row['name'].split(':')[0], f'{row["name"].split(":")[0]}:{row["machine"]}'}
        for group, relation in ((dynamic, 'DYNAMIC_LINK'), (static, 'STATIC_LINK')):
            if plain & group:
                relations.append({'spdxElementId': root, 'relationshipType': relation, 'relatedSpdxElement': identifier})
        if plain & optional:
            relations.append({'spdxElementId': identifier, 'relationshipType': 'OPTIONAL_DEPENDENCY_OF', 'relatedSpdxElement': root})
    created = datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc).strftime('%Y-%m-%dT%H:%M:%SZ')
    return {'spdxVersion': 'SPDX-2.3', 'dataLicense': 'CC0-1.0', 'SPDXID': 'SPDXRef-DOCUMENT', 'name': f'{name}-{version}',
            'documentNamespace': f'https://spdx.org/spdxdocs/{name}-{quoted(version)}-{digest}',
            'creationInfo': {'created': created, 'creators': ['Tool: gyr-tools-sbom']},
            'packages': packages, 'relationships': relations}


def text(program, name, version, epoch):
    return json.dumps(document(str(program), name, version, epoch), indent=1) + '\n'


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    try:
        sys.stdout.write(text(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
    except Unknown as fault:
        sys.exit(f'sbom.py: {fault}')


if __name__ == '__main__':
    main()
