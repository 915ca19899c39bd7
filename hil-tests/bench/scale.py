#!/usr/bin/env python3
"""How the box does in a crowd and with a full catalogue.

  scale.py --part crowd      64 associations at once: memory, each one's share, and the first byte of the answer to a further one
  scale.py --part growth     ingest rate from 1,000 to a million instances, then restart, list page and readiness with all of them held
  scale.py --part away       the PACS comes back: the rate at which 2,000 and 20,000 instances leave, and when a stat study does that came last
"""

import argparse
import http.client
import json
import os
import socket
import statistics
import struct
import subprocess
import tempfile
import threading
import time

from common import Receiver, listening, answers, free_port, memory, spread, start, stop, table, tool, wait_for

from figures import data

APPLICATION, VERIFICATION, IMPLICIT = b'1.2.840.10008.3.1.1.1', b'1.2.840.10008.1.1', b'1.2.840.10008.1.2'


def item(kind, body):
    return struct.pack('>BBH', kind, 0, len(body)) + body


def request(called=b'ANYSCP'):
    """An A-ASSOCIATE-RQ (PS3.8 §9.3.2) that proposes verification."""
    context = item(0x20, b'\1\0\0\0' + item(0x30, VERIFICATION) + item(0x40, IMPLICIT))
    user = item(0x50, item(0x51, struct.pack('>I', 16384)) + item(0x52, b'2.25.1'))
    body = b'\0\1\0\0' + called.ljust(16) + b'SCALE'.ljust(16) + bytes(32) + item(0x10, APPLICATION) + context + user
    return b'\1\0' + struct.pack('>I', len(body)) + body


def first_byte(port):
    """Milliseconds from connecting to the first byte of the A-ASSOCIATE-AC."""
    begun = time.perf_counter()
    with socket.create_connection(('127.0.0.1', port), 30) as s:
        s.sendall(request())
        answer = s.recv(1)
        took = (time.perf_counter() - begun) * 1000
        assert answer == b'\2', answer
        s.sendall(b'\7\0\0\0\0\4\0\0\0\0')  # A-ABORT
    return took


def blast(port, folder, associations, seconds, salt, *more):
    command = [tool('blast'), 'send', f'127.0.0.1:{port}', folder, '--aec', 'ANYSCP', '--assoc', associations, '--salt', salt, '--seconds', seconds, *more]
    r = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if r.returncode:
        raise SystemExit('blast: ' + r.stderr[-500:])
    return json.loads(r.stdout)


def crowd(work, seconds):
    for name in ('small', 'ct100'):
        with Receiver('box', work) as box:
            blast(box.port, data(name), 1, 1, 1)
            idle, told = memory(box.pid, 'VmRSS'), {}
            open(f'/proc/{box.pid}/clear_refs', 'w').write('5')
            sender = threading.Thread(target=lambda: told.update(blast(box.port, data(name), 63, seconds, 1000)))
            sender.start()
            time.sleep(1)
            waits = []
            while sender.is_alive():
                waits.append(first_byte(box.port))
                time.sleep(0.05)
            sender.join()
            peak = memory(box.pid, 'VmHWM')
            print(f'\n{name}: 63 associations busy for {seconds} s')
            table(
                ['inst/s', 'first byte ms p50', 'p95', 'longest', 'RSS idle MB', 'peak MB', 'MB each'],
                [(f'{told["inst_s"]:.0f}', *(f'{v:.1f}' for v in (statistics.median(waits), sorted(waits)[int(len(waits) * 0.95)], max(waits))),
                  f'{idle:.0f}', f'{peak:.0f}', f'{(peak - idle) / 63:.2f}')],
            )  # fmt: skip


class Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__('localhost', timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def asked(box, path):
    connection = Unix(box.folder + '/data/admin.sock')
    begun = time.perf_counter()
    connection.request('GET', path)
    body = json.loads(connection.getresponse().read())
    return (time.perf_counter() - begun) * 1000, body


def held(box):
    """Instances in the box: without a destination they are held."""
    queue = asked(box, '/api/v1/system')[1]['queue']
    return queue['instances'] + queue['held']


def growth(work, most):
    with Receiver('box', work) as box:
        rates, n, salt = [], 0, 1
        marks = [1_000, 10_000, 100_000, 250_000, 500_000, 750_000, most]
        blast(box.port, data('tiny'), 16, 1, salt)
        while n < most:
            salt += 1
            told = blast(box.port, data('tiny'), 16, 5, salt * 10_000)
            n = held(box)
            if marks and n >= marks[0]:
                while marks and n >= marks[0]:
                    marks.pop(0)
                pages = [asked(box, '/api/v1/studies?limit=50')[0] for _ in range(20)]
                rates.append((f'{n:,}', f'{told["inst_s"]:.0f}', spread(pages), f'{memory(box.pid, "VmRSS"):.0f}'))
        table(['instances held', 'inst/s (5 s)', 'list page ms', 'RSS MB'], rates)
        stop(box.process)
        for how in ('clean stop', 'kill -9'):
            begun = time.time()
            command = [tool('relaypacs'), '--config', box.folder + '/relaypacs.toml', '--data-dir', box.folder + '/data', 'serve']
            box.process = start(command, box.folder, {}, box.folder + '/log')
            wait_for('it is ready', lambda: listening(box.http) and answers(f'http://127.0.0.1:{box.http}/readyz'), box.process, 120)
            print(f'  ready {time.time() - begun:.2f} s after a {how}, {held(box):,} instances held')
            if how == 'clean stop':
                blast(box.port, data('tiny'), 4, 1, 77)
                box.process.kill()
                box.process.wait()


def stored(records):
    """When the receiver had stored each instance."""
    with open(records) as lines:
        return {r['sop']: r['t'] for r in map(json.loads, lines) if r['kind'] == 'instance'}


def away(work, sets):
    """One line of the table: `sets` times 2,000 instances of 35 KB wait, then a stat study of 100 images comes, then the receiver is there."""
    port, records, acks = free_port(), tempfile.mktemp(dir=work), tempfile.mktemp(dir=work)
    destination = f'[[destination]]\nname = "pacs"\nkind = "stow"\nurl = "http://127.0.0.1:{port}/dicom-web"\n'
    modalities = ''.join(f'[[modality]]\nae_title = "{ae}"\nservice_level = "{level}"\n' for ae, level in (('BLAST', 'routine'), ('STAT', 'stat')))
    with Receiver('box', work, destination=destination + modalities) as box:
        for salt in range(1, sets + 1):
            blast(box.port, data('small'), 4, 0, salt)
        blast(box.port, data('ct100'), 1, 0, 99, '--aet', 'STAT', '--acks', acks)
        urgent = {json.loads(line)['sop'] for line in open(acks)}
        n = held(box)
        sink = start([tool('stow_sink'), '--port', str(port), '--flavour', 'orthanc', '--records', records])
        try:
            wait_for('the sink listens', lambda: listening(port), sink)
            there = time.time()
            wait_for('everything has arrived', lambda: answers(f'http://127.0.0.1:{port}/_control')['instances'] >= n, box.process, 900)
            times = stored(records)
        finally:
            stop(sink)
    seconds = max(times.values()) - min(times.values())
    first, last = (pick(times[sop] for sop in urgent) - there for pick in (min, max))
    before = sum(t < there + last for sop, t in times.items() if sop not in urgent)
    return f'{n:,}', f'{n / seconds:.0f}', f'{first:.2f}', f'{last:.2f}', str(before)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('--part', default='crowd,growth,away')
    ap.add_argument('--seconds', type=int, default=10)
    ap.add_argument('--most', type=int, default=1_000_000)
    ap.add_argument('--work', help='folder for all stores: the disk that is measured')
    a = ap.parse_args()
    with tempfile.TemporaryDirectory(prefix='scale-', dir=a.work) as work:
        if 'crowd' in a.part:
            crowd(work, a.seconds)
        if 'growth' in a.part:
            growth(work, a.most)
        if 'away' in a.part:
            rows = [away(work, sets) for sets in (1, 10, 1, 10, 1, 10)]
            table(['instances waiting', 'inst/s', 'stat: first after s', 'last after s', 'others before'], rows)


if __name__ == '__main__':
    main()
