#!/usr/bin/env python3
"""What many people at once do to the box, and what a storm of some does to the others.

  people.py --part crowd      200 uploads at once: how long each chunk waits for its answer, as fast as answered and at a pace
  people.py --part stats      statistics with a million uploads behind them
  people.py --part logins     other requests before and during a storm of sign-ins
  people.py --part streams    a thousand open event streams: memory, and how soon an event is on all of them

Requests are made by `blast ask`, on the same machine: what it takes of the processors, the box has not.
"""

import argparse
import collections
import glob
import json
import os
import selectors
import socket
import subprocess
import tempfile
import threading
import time

from common import Receiver, answers, listening, memory, spread, start, stop, table, tool, wait_for
from figures import data
from upload import LIMITS, PASSWORD, Client, account

GIGABIT = 220.0  # chunks of 0.5 MB a second: what a line of 1 Gbit/s brings
FAST = LIMITS + 'stats = "off"\nother = "off"\n'
MANY = FAST + 'max_connections = 4096\n'


def head(method, path, token=None, length=None, upload=None):
    """The head of a request."""
    lines = [f'{method} /api/v1{path} HTTP/1.1', 'Host: 127.0.0.1']
    lines += [f'Authorization: Bearer {token}'] if token else []
    lines += [f'X-Upload-Token: {upload}'] if upload else []
    lines += [f'Content-Length: {length}', 'Content-Type: application/octet-stream'] if length else []
    return '\r\n'.join([*lines, '', ''])


def ask(box, lines, work, seconds=0, rate=0.0):
    """What `blast ask` tells of a plan; ends the script on any other answer than 200."""
    with tempfile.NamedTemporaryFile('w', dir=work, suffix='.plan') as plan:
        plan.writelines(json.dumps(line) + '\n' for line in lines)
        plan.flush()
        command = [tool('blast'), 'ask', f'127.0.0.1:{box.http}', plan.name, '--seconds', str(seconds), '--rate', str(rate)]
        told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    if told['error'] or set(told['status']) != {'200'}:
        raise SystemExit(f'blast ask: {told["status"]} {told["error"]}')
    return told


# ---- 200 uploads at once


def crowd(work, uploads, rounds):
    """Every upload sends 16 CT images, one chunk each, one after the other."""
    files = sorted(glob.glob(data('ct') + '/*.dcm'))[:16]
    sizes = [os.path.getsize(file) for file in files]
    kept = collections.defaultdict(list)
    for _ in range(rounds):
        for pace in (0.0, GIGABIT):
            with Receiver('box', work, destination=FAST) as box:
                access, client, lines = account(box), Client(box.http), []
                for number in range(uploads):
                    study = dict(patient_name=f'CROWD^{number}', study_date='2026-01-15', modality='CT')
                    named = [dict(file_id=str(index), name=f'{index}.dcm', size=size) for index, size in enumerate(sizes)]
                    body = dict(study_metadata=study, total_files=len(files), total_size_bytes=sum(sizes), files=named, chunk_size=1 << 20)
                    begun = client.json('POST', '/upload/init', body, {'Authorization': 'Bearer ' + access})
                    for index, (file, size) in enumerate(zip(files, sizes)):
                        path = f'/upload/{begun["upload_id"]}/chunk?chunk_index=0&file_id={index}'
                        asked = head('PUT', path, length=size, upload=begun['upload_token'])
                        lines.append(dict(connection=number, head=asked, file=file, bytes=size))
                told = ask(box, lines, work, rate=pace)
                kept[pace].append((told['n'] * sizes[0] / 1e6 / told['s'], told['p50_ms'], told['p95_ms'], told['max_ms'], memory(box.pid, 'VmHWM')))
    print(f'\n{uploads} uploads at once, chunks of 0.5 MB')
    rows = [
        ['as fast as answered' if not pace else f'{pace:.0f} chunks/s in all', *map(spread, zip(*told))] for pace, told in kept.items()
    ]
    table(['pace', 'MB/s', 'p50 ms', 'p95 ms', 'longest ms', 'peak RSS MB'], rows)


# ---- statistics


def stats(work, uploads, rounds, seconds):
    with Receiver('box', work, destination=FAST) as box:
        account(box)
        stop(box.process)
        subprocess.run([tool('examples/fill_statistics'), box.folder + '/data', str(uploads)], check=True, stdout=subprocess.DEVNULL)
        again(box)
        client = Client(box.http)
        token = client.json('POST', '/auth/login', dict(username='load', password=PASSWORD))['access_token']
        total = client.call('GET', '/upload/stats?period=all', None, {'Authorization': 'Bearer ' + token})[1]['total_uploads']
        rows = []
        for path in ('/upload/stats?period=all', '/upload/stats?period=1m', '/upload/stats/trend?period=all'):
            told = [ask(box, [dict(connection=n, head=head('GET', path, token)) for n in range(16)], work, seconds) for _ in range(rounds)]
            rows.append([path, *(spread([one[name] for one in told]) for name in ('req_s', 'p50_ms', 'p99_ms'))])
        print(f'\nstatistics over {total:,} uploads, 16 connections')
        table(['question', 'req/s', 'p50 ms', 'p99 ms'], rows)


def again(box):
    """Starts a box again that was stopped."""
    command = [tool('relaypacs'), '--config', box.folder + '/relaypacs.toml', '--data-dir', box.folder + '/data', 'serve']
    box.process = start(command, box.folder, {}, box.folder + '/log')
    box.pid = box.process.pid
    wait_for('it is ready', lambda: listening(box.http) and answers(f'http://127.0.0.1:{box.http}/readyz'), box.process)


# ---- sign-ins


def logins(work, rounds, seconds, storm=16):
    """200 requests a second of others, without and with people who sign in as fast as they are let."""
    kept = collections.defaultdict(list)
    with Receiver('box', work, destination=FAST) as box:
        # Two accounts: an account has 50 sessions, the storm would end the others' one.
        token, _ = account(box), account(box, 'storm')
        asked = [dict(connection=n, head=head('GET', '/auth/me', token)) for n in range(4)]
        for _ in range(rounds):
            for stormy in (False, True):
                over, outcome = threading.Event(), collections.Counter()

                def sign_in():
                    client = Client(box.http)
                    while not over.is_set():
                        body = json.dumps(dict(username='storm', password=PASSWORD)).encode()
                        outcome[client.call('POST', '/auth/login', body, {'Content-Type': 'application/json'})[0]] += 1

                people = [threading.Thread(target=sign_in) for _ in range(storm if stormy else 0)]
                for one in people:
                    one.start()
                told = ask(box, asked, work, seconds, rate=200)
                over.set()
                for one in people:
                    one.join()
                kept[stormy].append((told['p50_ms'], told['p99_ms'], told['max_ms'], outcome[200] / seconds, outcome[503] / seconds))
    print(f'\n200 requests a second of others, without and with {storm} people who sign in again and again')
    names = {False: 'calm', True: 'storm'}
    table(['', 'p50 ms', 'p99 ms', 'longest ms', 'sign-ins/s', 'refused/s'], [[names[k], *map(spread, zip(*told))] for k, told in kept.items()])


# ---- event streams


def streams(work, number, events):
    with Receiver('box', work, destination=MANY) as box:
        access = {'Authorization': 'Bearer ' + account(box)}
        client = Client(box.http)
        client.call('GET', '/auth/me', None, access)
        before = memory(box.pid, 'VmRSS')
        asked = head('GET', '/events', access['Authorization'].split()[1]).encode()
        watch, open_streams = selectors.DefaultSelector(), []
        for _ in range(number):
            one = socket.create_connection(('127.0.0.1', box.http), 30)
            one.sendall(asked)
            watch.register(one, selectors.EVENT_READ)
            open_streams.append(one)
        heard(watch, number, b'event: unread_count')
        time.sleep(1)
        after = memory(box.pid, 'VmRSS')
        waits = []
        for _ in range(events):
            begun = time.perf_counter()
            asker = threading.Thread(target=client.call, args=('PATCH', '/notifications/read-all', None, access))
            asker.start()
            heard(watch, number, b'event: unread_count')
            waits.append((time.perf_counter() - begun) * 1e3)
            asker.join()
        print(f'\n{number:,} open event streams: {after - before:.1f} MB more than before ({before:.1f} MB); an event is on all of them after')
        table(['ms (min / median / max)'], [[spread(waits)]])
        print(f'  peak RSS {memory(box.pid, "VmHWM"):.1f} MB')
        for one in open_streams:
            one.close()


def heard(watch, number, what, seconds=60):
    """Waits until every stream has brought `what` once."""
    seen, tails, end = set(), collections.defaultdict(bytes), time.time() + seconds
    while len(seen) < number:
        if time.time() > end:
            raise SystemExit(f'only {len(seen)} of {number} streams brought {what}')
        for key, _ in watch.select(1):
            got = key.fileobj.recv(65536)
            if not got:
                raise SystemExit('a stream ended')
            tails[key.fd] += got
            if what in tails[key.fd]:
                seen.add(key.fd)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('--part', default='crowd,stats,logins,streams')
    ap.add_argument('--rounds', type=int, default=3)
    ap.add_argument('--seconds', type=int, default=5)
    ap.add_argument('--uploads', type=int, default=1_000_000, help='uploads behind the statistics')
    ap.add_argument('--work', help='folder for all stores: the disk that is measured')
    a = ap.parse_args()
    with tempfile.TemporaryDirectory(prefix='people-', dir=a.work) as work:
        if 'crowd' in a.part:
            crowd(work, 200, a.rounds)
        if 'stats' in a.part:
            stats(work, a.uploads, a.rounds, a.seconds)
        if 'logins' in a.part:
            logins(work, a.rounds, a.seconds)
        if 'streams' in a.part:
            streams(work, 1000, 20)


if __name__ == '__main__':
    main()
