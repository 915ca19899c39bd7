#!/usr/bin/env python3
"""Uploads in chunks (POST init, PUT chunks or batches, POST complete) into a box of its own, beside what the disk allows.

  upload.py --data .work/data/ct --uploads 4 --batch
  upload.py --data .work/data/xa --loss 0.1          every tenth chunk's connection breaks half way through and the chunk is sent again

`floor`: the same chunks by the same number of writers into files with one fdatasync per chunk (per batch), without HTTP. UIDs are new in every
round. Each upload takes its chunks one after the other unless --parallel says otherwise. The client is one Python process: where CPUs are few
it is what limits.
"""

import argparse
import base64
import collections
import glob
import hashlib
import http.client
import json
import os
import queue
import random
import secrets
import shutil
import socket
import statistics
import subprocess
import tempfile
import threading
import time

from common import Receiver, Watch, spread, table, tool

PASSWORD = 'Correct-Horse-7'
LIMITS = '[limits]\nlogin = "off"\nupload_init = "off"\nchunk = "off"\ncomplete = "off"\n'


class Refused(Exception):
    pass


class Client:
    """One kept connection to the box."""

    def __init__(self, port):
        self.port, self.connection = port, None

    def call(self, method, path, body=None, headers=None, cut=False):
        """Status and body; `cut`: sends half of the body and drops the connection."""
        if self.connection is None:
            self.connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=300)
            self.connection.connect()
            self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        c, path = self.connection, '/api/v1' + path
        try:
            if cut:
                c.putrequest(method, path)
                for name, value in {**headers, 'Content-Length': len(body)}.items():
                    c.putheader(name, str(value))
                c.endheaders(bytes(body[: len(body) // 2]))
                self.close()
                return 0, None
            c.request(method, path, body, headers or {})
            answer = c.getresponse()
            text = answer.read()
            if answer.will_close:
                self.close()
            return answer.status, json.loads(text) if text else None
        except (OSError, http.client.HTTPException):
            self.close()
            raise

    def json(self, method, path, body, headers=None):
        status, answer = self.call(method, path, json.dumps(body).encode(), {'Content-Type': 'application/json', **(headers or {})})
        if not 200 <= status < 300:
            raise Refused(f'{method} {path}: {status} {answer}')
        return answer

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None


def requests(files, chunk, batch):
    """What goes in one request each: lists of (file, chunk index)."""
    group, held = [], 0
    for number, data in enumerate(files):
        if not batch or len(data) > chunk:
            yield from ([(number, index)] for index in range(-(-len(data) // chunk)))
            continue
        if group and held + len(data) > 15 << 20:
            yield group
            group, held = [], 0
        group.append((number, 0))
        held += len(data)
    if group:
        yield group


def request(files, chunk, job, a):
    """Method, path below the upload, body and headers."""
    parts = [memoryview(files[number])[index * chunk : (index + 1) * chunk] for number, index in job]
    if not a.batch or len(files[job[0][0]]) > chunk:
        headers = {'Content-Type': 'application/octet-stream'}
        if a.md5:
            headers['Content-MD5'] = base64.b64encode(hashlib.md5(parts[0]).digest()).decode()
        return 'PUT', f'chunk?chunk_index={job[0][1]}&file_id={job[0][0]}', parts[0], headers
    manifest = [dict(file_id=str(number), chunk_index=index, size=len(part)) for (number, index), part in zip(job, parts)]
    if a.md5:
        for entry, part in zip(manifest, parts):
            entry['sha256'] = hashlib.sha256(part).hexdigest()
    mark = secrets.token_hex(12)
    head = f'--{mark}\r\nContent-Disposition: form-data; name="%s"\r\nContent-Type: %s\r\n\r\n'
    pieces = [(head % ('manifest', 'application/json')).encode(), json.dumps(manifest).encode(), b'\r\n']
    pieces += [(head % ('data', 'application/octet-stream')).encode(), *parts, f'\r\n--{mark}--\r\n'.encode()]
    return 'POST', 'batch', b''.join(pieces), {'Content-Type': f'multipart/form-data; boundary={mark}'}


def upload(port, access, files, a, tally):
    """One whole upload by `--parallel` workers."""
    client = Client(port)
    study = dict(patient_name=f'LOAD^{time.time_ns()}', study_date='2026-01-15', modality='CT')
    declared = [dict(file_id=str(number), name=f'{number}.dcm', size=len(data)) for number, data in enumerate(files)]
    asked = dict(study_metadata=study, total_files=len(files), total_size_bytes=sum(map(len, files)), chunk_size=a.chunk_kib << 10)
    made = client.json('POST', '/upload/init', {**asked, 'files': declared, 'force_upload': True}, {'Authorization': 'Bearer ' + access})
    path, chunk, token = f'/upload/{made["upload_id"]}/', made['chunk_size'], {'X-Upload-Token': made['upload_token']}
    todo, failed = queue.SimpleQueue(), []
    for job in requests(files, chunk, a.batch):
        todo.put(job)

    def work():
        client, rnd = Client(port), random.Random()
        while not failed:
            try:
                job = todo.get_nowait()
            except queue.Empty:
                break
            method, what, body, headers = request(files, chunk, job, a)
            begin = time.perf_counter()
            while rnd.random() < a.loss:
                client.call(method, path + what, body, {**headers, **token}, cut=True)
            status, answer = client.call(method, path + what, body, {**headers, **token})
            good = status == 200 and all(one['status'] in ('received', 'exists') for one in (answer if isinstance(answer, list) else [answer]))
            if not good:
                failed.append(f'{method} {what}: {status} {str(answer)[:200]}')
            tally['latency'].append(time.perf_counter() - begin)
        client.close()

    workers = [threading.Thread(target=work) for _ in range(a.parallel)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if failed:
        raise Refused(failed[0])
    begin = time.perf_counter()
    done = client.json('POST', path + 'complete', {}, token)
    while done['status'] == 'processing':
        time.sleep(0.05)
        done = client.json('POST', path + 'complete', {}, token)
    tally['complete'].append(time.perf_counter() - begin)
    tally['status'][done['status']] += 1
    client.close()


def floor(sets, a, work):
    """The same chunks into files by as many writers, one fdatasync for each request."""
    chunk = a.chunk_kib << 10

    def write(name, files, jobs):
        with open(name, 'wb', buffering=0) as out:
            for job in jobs:
                for file, index in job:
                    out.write(memoryview(files[file])[index * chunk : (index + 1) * chunk])
                os.fdatasync(out.fileno())

    each = [(files, list(requests(files, chunk, a.batch))[part :: a.parallel]) for files in sets for part in range(a.parallel)]
    writers = [(f'{work}/floor{number}', files, jobs) for number, (files, jobs) in enumerate(each)]
    begin = time.perf_counter()
    in_threads(write, writers)
    took = time.perf_counter() - begin
    for name, *_ in writers:
        os.unlink(name)
    return took


def written(pid):
    """Bytes that a process has given to the disk (proc(5), `write_bytes`)."""
    with open(f'/proc/{pid}/io') as told:
        return int(next(line.split()[1] for line in told if line.startswith('write_bytes')))


def in_threads(work, arguments):
    threads = [threading.Thread(target=work, args=one) for one in arguments]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def salted(data, work, salt):
    """The files of a set, with UIDs of their own."""
    subprocess.run([tool('blast'), 'salt', data, work + '/salted', '--salt', str(salt)], check=True)
    files = [open(path, 'rb').read() for path in sorted(glob.glob(work + '/salted/*'))]
    shutil.rmtree(work + '/salted')
    return files


def account(box, name='load'):
    """A clinician of a box, signed in."""
    command = [tool('relaypacs'), '--config', box.folder + '/relaypacs.toml', '--data-dir', box.folder + '/data']
    add = [*command, 'user', 'add', name, '--role', 'clinician', '--email', name + '@clinic.example', '--password-stdin']
    subprocess.run(add, input=PASSWORD.encode() + b'\n', check=True, capture_output=True)
    return Client(box.http).json('POST', '/auth/login', dict(username=name, password=PASSWORD))['access_token']


def compare(data, a, work):
    """Rounds of the box and the disk in turns."""
    rows, salt = collections.defaultdict(list), int(time.time()) % 1_000_000 * 1000
    for _ in range(a.rounds):
        sets = []
        for _ in range(a.uploads):
            copies = [salted(data, work, salt := salt + 1) for _ in range(a.copies)]
            sets.append([file for copy in copies for file in copy])
        size = sum(len(file) for files in sets for file in files)
        with Receiver('box', work, destination=LIMITS) as box:
            access = account(box)
            tally = dict(latency=[], complete=[], status=collections.Counter())
            refused = []

            def one(files):
                try:
                    upload(box.http, access, files, a, tally)
                except (Refused, OSError, http.client.HTTPException) as error:
                    refused.append(repr(error))

            wrote, watch, begin = written(box.pid), Watch(box.pid), time.perf_counter()
            in_threads(one, [(files,) for files in sets])
            took = time.perf_counter() - begin
            seen = watch.end()
            if refused:
                raise SystemExit(refused[0])
            wrote = written(box.pid) - wrote
        rate, disk = size / 1e6 / took, size / 1e6 / floor(sets, a, work)
        latency = sorted(tally['latency'])
        for name, value in dict(
            rate=rate,
            floor=disk,
            ratio=rate / disk,
            cpu=seen['cpu_s'] / (size / 1e9),
            rss=seen['peak_rss_mb'],
            wrote=wrote / size,
            p95=latency[int(len(latency) * 0.95)] * 1e3,
            complete=max(tally['complete']) * 1e3,
        ).items():
            rows[name].append(value)
        print(f'  round: {rate:.0f} MB/s, floor {disk:.0f}, {dict(tally["status"])}', flush=True)
    names = dict(rate='MB/s', floor='floor MB/s', ratio='of floor', cpu='CPU s/GB', rss='peak RSS MB')
    names |= dict(wrote='written/received', p95='request p95 ms', complete='complete max ms')
    table(list(names.values()), [[spread(rows[name]) for name in names]])
    if a.json:
        with open(a.json, 'a') as out:
            out.write(json.dumps(dict(what='upload', uploads=a.uploads, parallel=a.parallel, copies=a.copies, batch=a.batch, rounds=rows)) + '\n')
    return statistics.median(rows['ratio'])


def arguments(given=None):
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('--data', help='folder of Part-10 files: every upload sends them all')
    ap.add_argument('--uploads', type=int, default=1, help='uploads side by side')
    ap.add_argument('--copies', type=int, default=1, help='the set so many times in each upload')
    ap.add_argument('--parallel', type=int, default=1, help='requests in flight per upload')
    ap.add_argument('--chunk-kib', type=int, default=5120)
    ap.add_argument('--loss', type=float, default=0.0, help='share of chunks whose connection breaks half way')
    ap.add_argument('--md5', action='store_true', help='send Content-MD5 (SHA-256 in batches)')
    ap.add_argument('--batch', action='store_true', help='small files through the batch call')
    ap.add_argument('--rounds', type=int, default=5)
    ap.add_argument('--work', help='folder on the disk that is measured')
    ap.add_argument('--json', help='append one JSON line')
    return ap.parse_args(given)


def main():
    a = arguments()
    with tempfile.TemporaryDirectory(prefix='upload-', dir=a.work) as work:
        compare(a.data, a, work)


if __name__ == '__main__':
    main()
