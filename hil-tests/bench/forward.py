#!/usr/bin/env python3
"""STOW-RS throughput of the box beside Orthanc's own DICOMweb client, in turns, into `stow_sink` or into an Orthanc.

  forward.py --data .work/data/ct --into sink,orthanc
  forward.py --data .work/data/ct --into sink --copies 48 --rounds 1      10 GB in one go

Each side first takes the whole set by C-STORE; then the line to the receiver is opened and the clock runs until the receiver has everything.
Start: from the order to send to the first request (sink only). MB/s: bytes of files over the time from the first request (Orthanc: from the
order) until the last instance is there. CPU and memory are the sender's.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request

from common import Receiver, Watch, answers, free_port, listening, spread, start, stop, table, tool, wait_for


def fill(receiver, data, salt, copies):
    """Sends the set as often as asked, each time under other UIDs."""
    for copy in range(copies):
        subprocess.run(
            [tool('blast'), 'send', f'127.0.0.1:{receiver.port}', data, '--aec', 'ANYSCP', '--assoc', '4', '--salt', str(salt + copy * 1_000_000_000)],
            check=True,
            stdout=subprocess.DEVNULL,
        )


def post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {'Content-Type': 'application/json'})
    with urllib.request.urlopen(request, timeout=900) as r:
        return r.read()


class Sink:
    """The fast receiver; its line opens with `open()`."""

    def __init__(self, work):
        self.port, self.records = free_port(), tempfile.mktemp(dir=work)
        self.url, self.process = f'http://127.0.0.1:{self.port}/dicom-web', None

    def open(self):
        self.process = start([tool('stow_sink'), '--port', str(self.port), '--flavour', 'orthanc', '--records', self.records])
        wait_for('the sink listens', lambda: listening(self.port), self.process)

    def instances(self):
        return answers(f'http://127.0.0.1:{self.port}/_control')['instances']

    def times(self, ordered):
        """Seconds from the order to the first request, and from there to the last instance."""
        lines = [json.loads(line) for line in open(self.records)]
        first = min(r['begun'] for r in lines if r['kind'] == 'request')
        return first - ordered, max(r['t'] for r in lines if r['kind'] == 'instance') - first

    def close(self):
        if self.process:
            stop(self.process)


class OrthancSink:
    """A real Orthanc; a destination that is paused until the clock runs."""

    def __init__(self, work):
        self.receiver = Receiver('orthanc', work).__enter__()
        self.url = f'http://127.0.0.1:{self.receiver.http}/dicom-web'

    def open(self):
        pass

    def instances(self):
        return answers(f'http://127.0.0.1:{self.receiver.http}/statistics')['CountInstances']

    def times(self, ordered):
        return 0.0, time.time() - ordered

    def close(self):
        self.receiver.__exit__()


def measure(sender, into, data, copies, salt, work):
    sink = {'sink': Sink, 'orthanc': OrthancSink}[into](work)
    sizes = [os.path.getsize(os.path.join(data, f)) for f in os.listdir(data) if f.endswith('.dcm')]
    n, size = len(sizes) * copies, sum(sizes) * copies
    if sender == 'box':
        destination = f'[[destination]]\nname = "pacs"\nkind = "stow"\nurl = "{sink.url}"\nretry = {{ first = "200ms", max = "1s" }}\n'
        peer = Receiver('box', work, destination=destination)
    else:
        peer = Receiver(
            'orthanc',
            work,
            extra={'DicomWeb': {'Enable': True, 'Root': '/dicom-web/', 'Servers': {'pacs': {'Url': sink.url + '/', 'HasDelete': False}}}},
        )
    try:
        with peer:
            cli = [tool('relaypacs'), '--data-dir', peer.folder + '/data', '--config', peer.folder + '/relaypacs.toml']
            if sender == 'box':
                subprocess.run([*cli, 'pause', 'pacs'], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            fill(peer, data, salt, copies)
            sink.open()
            watch, ordered = Watch(peer.pid), time.time()
            if sender == 'box':
                subprocess.run([*cli, 'resume', 'pacs'], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            else:
                studies = answers(f'http://127.0.0.1:{peer.http}/studies')
                post(f'http://127.0.0.1:{peer.http}/dicom-web/servers/pacs/stow', {'Resources': studies, 'Synchronous': True})
            wait_for('everything has arrived', lambda: sink.instances() >= n, peer.process, 900)
            start_s, seconds = sink.times(ordered)
            used = watch.end()
            return dict(mb_s=size / 1e6 / seconds, s=seconds, start_s=start_s, cpu_s_per_gb=used['cpu_s'] / (size / 1e9), **used)
    finally:
        sink.close()


def compare(into, data, rounds, work, json_file=None, copies=1):
    """Measures in turns, prints the table, gives the per-round ratios box / Orthanc's client."""
    results = {'box': [], "orthanc's client": []}
    for i in range(rounds):
        for sender in results:
            salt = int(time.time()) % 1_000_000 * 1000 + i
            results[sender].append(measure(sender, into, data, copies, salt, work))
    print(f'\n{os.path.basename(data.rstrip("/"))} x {copies}  forwarding into {into}  {rounds} rounds  load {os.getloadavg()[0]:.1f}')
    rows = []
    for name, runs in results.items():
        rows.append([name, *(spread([r[key] for r in runs]) for key in ('start_s', 'mb_s', 's', 'cpu_s_per_gb', 'peak_rss_mb'))])
    table(['sender', 'start s', 'MB/s', 'seconds', 'CPU s/GB', 'peak RSS MB'], rows)
    ratios = [a['mb_s'] / b['mb_s'] for a, b in zip(*results.values())]
    print(f"  box / orthanc's client: {spread(ratios)} x")
    sys.stdout.flush()
    if json_file:
        with open(json_file, 'a') as f:
            f.write(json.dumps(dict(data=data, into=into, results=results)) + '\n')
    return ratios


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('--data', required=True)
    ap.add_argument('--into', default='sink,orthanc')
    ap.add_argument('--rounds', type=int, default=5)
    ap.add_argument('--copies', type=int, default=1, help='how often the set is sent')
    ap.add_argument('--work', help='folder for all stores: the disk that is measured')
    ap.add_argument('--json', help='append one JSON line per setting')
    a = ap.parse_args()
    with tempfile.TemporaryDirectory(prefix='forward-', dir=a.work) as work:
        for into in a.into.split(','):
            compare(into, a.data, a.rounds, work, a.json, a.copies)


if __name__ == '__main__':
    main()
