#!/usr/bin/env python3
"""The figures of the product's targets, row by row, beside Orthanc, DCMTK and what the disk allows. Nothing here passes or fails.

figures.py [--rounds 5] [--work DIR]      DIR: on the disk that is measured
"""

import argparse
import os
import subprocess
import sys
import tempfile

import cstore
import forward
import upload
from common import HERE, REPOSITORY, tool

# what it shows, data, sender, associations, receivers in turns
RECEIVING = [
    (
        'durable before the answer, 4 associations: at least 4 x Orthanc, 1 x storescp (which never syncs), 0.9 x spool',
        'ct',
        'blast',
        4,
        'box,spool,storescp,orthanc',
    ),
    ('durable before the answer, 1 association: at least 2.5 x Orthanc, 0.8 x spool', 'ct', 'blast', 1, 'box,spool,storescp,orthanc'),
    ('small images, 16 associations: at least 0.7 x spool, 8 x Orthanc', 'small', 'blast', 16, 'box,spool,storescp,orthanc'),
    ('dcmsend as it comes (Nagle on): at least 8 x the others', 'ct100', 'dcmsend', 1, 'box,storescp-plain,orthanc-plain'),
    ('storescu as it comes (Nagle on): at least 8 x the others', 'ct100', 'storescu', 1, 'box,storescp-plain,orthanc-plain'),
    ('one object of 300 MB: memory', 'xa', 'blast', 1, 'box,storescp,orthanc'),
]
# what it shows, data, options
UPLOADING = [
    ('an upload of one object of 300 MB: at least 0.8 x floor, 1.5 CPU s/GB, 64 MB', 'xa', []),
    ('the same over four connections: at least 0.8 x floor', 'xa', ['--parallel', '4']),
    ('four such uploads at once: at least 0.8 x floor', 'xa', ['--uploads', '4']),
    ('an upload of 1,200 MB: 64 MB of memory', 'xa', ['--copies', '4']),
    ('400 files of 0.5 MB in batches: at least 0.8 x floor', 'ct', ['--batch']),
]
SETS = {'ct': ['ct'], 'ct100': ['ct', '--n', '100'], 'small': ['small'], 'xa': ['xa'], 'tiny': ['tiny']}


def data(name):
    """The folder of a set, made on first use."""
    folder = os.path.join(REPOSITORY, 'hil-tests/.work/data', name)
    if not os.path.exists(folder):
        subprocess.run([sys.executable, HERE + '/gen_dicom.py', folder + '.new', *SETS[name]], check=True)
        os.rename(folder + '.new', folder)
    return folder


def run(script, *arguments):
    subprocess.run([sys.executable, os.path.join(HERE, script), *arguments], check=True)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('--rounds', type=int, default=5)
    ap.add_argument('--work', help='folder for all stores: the disk that is measured')
    ap.add_argument('--json', help='append one JSON line per setting')
    a = ap.parse_args()
    with tempfile.TemporaryDirectory(prefix='figures-', dir=a.work) as work:
        for what, name, sender, associations, receivers in RECEIVING:
            print(f'\n# {what}')
            cstore.compare(receivers.split(','), sender, data(name), associations, a.rounds, work, a.json)
        print("\n# forwarding: into a fast sink at least 3 x Orthanc's client and 110 MB/s; into Orthanc, Orthanc is the limit")
        for into in ('sink', 'orthanc'):
            forward.compare(into, data('ct'), a.rounds, work, a.json)
        for what, name, options in UPLOADING:
            print(f'\n# {what}')
            upload.compare(data(name), upload.arguments([*options, '--rounds', str(a.rounds)]), work)
        print('\n# people: 200 uploads at once, p95 below 200 ms; statistics of a million uploads, 5,000 req/s, p99 below 20 ms;')
        print('# other requests unchanged by a storm of sign-ins; 1,000 event streams in 20 MB, an event on all of them within 200 ms')
        run('people.py', '--rounds', str(a.rounds), '--work', work)
        print('\n# a crowd: first byte within 50 ms beside 63 busy associations, 1.25 MiB each; a million instances: rate within 10 %, page within 50 ms;')
        print('# a PACS that was away: at least 0.8 x the rate without a queue, a stat study within 2 s')
        run('scale.py', '--work', work)
        print('\n# the front panel: rate unchanged by panels of any kind; key to picture 100 ms, idle below 1 %, 8 MB')
        run('panel.py', '--data', data('ct100'), '--rounds', str(a.rounds), '--work', work)
        web_ui = os.path.join(REPOSITORY, 'web-ui')
        if os.path.isdir(os.path.join(web_ui, 'node_modules')):
            print('\n# the page: 0.9 x a bare loop that hashes and sends the same bytes; 5,000 files dropped at once: no task over 200 ms', flush=True)
            measured = {'MEASURE': '400,2000', 'MEASURE_ROUNDS': str(a.rounds), 'RELAYPACS_BIN': tool('relaypacs'), 'TMPDIR': work}
            subprocess.run(['npm', 'run', '-s', 'e2e', '--', 'measure'], cwd=web_ui, env={**os.environ, **measured}, check=True)
        else:
            print('\nno web-ui/node_modules: the page is left out')
        if os.geteuid() == 0:
            print('\n# a bad line: at least 0.9 x bare TCP; a line that cuts: finishes, nothing proven is sent twice')
            run('bad_line.py', '--data', data('ct100'), '--work', work)
            run('bad_line.py', '--data', data('ct100'), '--work', work, '--cut', '--rtt', '0.05', '--loss', '0', '--mbit', '100', '--control', 'cubic')
        else:
            print('\nnot root: the bad line is left out')


if __name__ == '__main__':
    main()
