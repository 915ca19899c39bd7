#!/usr/bin/env python3
"""Forwarding over a bad line: two network namespaces joined by a TUN program that delays, loses and rates packets. Needs root.

  bad_line.py                        500 ms round trip, 1 % loss, 10 Mbit/s, under reno, cubic and BBR: the box beside bare TCP
  bad_line.py --cut                  every connection is cut after 1 MB or 30 s: must finish, nothing proven may be sent twice

Bare TCP: as many connections as the box opens, the same congestion control (the namespace's default: reqwest gives no access to single
sockets), the same bytes, until the far side has read them. The box: from the order to send until the far receiver has every instance.
"""

import argparse
import ctypes
import fcntl
import heapq
import json
import os
import random
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

from common import start, stop, table, spread, tool, wait_for

TUNSETIFF, IFF_TUN, IFF_NO_PI, CLONE_NEWNET = 0x400454CA, 0x0001, 0x1000, 0x40000000
NEAR, FAR = '10.77.0.1', '10.77.0.2'
SINK, DRAIN = 9000, 9001
CHUNK = 65536
ALLOWED = '/proc/sys/net/ipv4/tcp_allowed_congestion_control'


# ---- the line


def tun(namespace):
    """A TUN device made in a namespace, as a file that this process reads and writes."""
    libc, here = ctypes.CDLL(None, use_errno=True), os.open('/proc/thread-self/ns/net', os.O_RDONLY)
    there = os.open('/run/netns/' + namespace, os.O_RDONLY)
    assert libc.setns(there, CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
    try:
        device = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(device, TUNSETIFF, struct.pack('16sH22s', b'line0', IFF_TUN | IFF_NO_PI, b''))
    finally:
        assert libc.setns(here, CLONE_NEWNET) == 0
        os.close(here)
        os.close(there)
    return device


class Direction:
    """Packets one way: lost at random, sent at the line's rate out of a queue of one bandwidth-delay product, then late by the delay."""

    def __init__(self, out, delay, loss, rate, seed):
        self.out, self.delay, self.loss, self.rate = out, delay, loss, rate
        self.queue_s, self.random = max(2 * delay, 0.05), random.Random(seed)
        self.free_at, self.late, self.n = 0.0, [], 0

    def take(self, packet, now):
        begins = max(now, self.free_at)
        if begins - now > self.queue_s or self.random.random() < self.loss:
            return
        self.free_at = begins + len(packet) / self.rate
        self.n += 1
        heapq.heappush(self.late, (self.free_at + self.delay, self.n, packet))

    def give(self, now):
        while self.late and self.late[0][0] <= now:
            try:
                os.write(self.out, heapq.heappop(self.late)[2])
            except OSError:
                pass  # the device's own queue is full: a loss like any other
        return self.late[0][0] - now if self.late else 1.0


class Line:
    """Two namespaces and the program between them, for `with`."""

    def __init__(self, rtt, loss, mbit, control):
        self.names = [f'line-{side}-{os.getpid()}' for side in ('near', 'far')]
        self.rtt, self.loss, self.rate, self.control = rtt, loss, mbit * 1e6 / 8, control

    def __enter__(self):
        # A namespace may only choose among what the machine allows everybody.
        self.allowed = open(ALLOWED).read()
        open(ALLOWED, 'w').write(' '.join({*self.allowed.split(), self.control}))
        self.devices, self.over, self.thread = [], threading.Event(), None
        try:
            self.build()
        except BaseException:
            self.__exit__()
            raise
        return self

    def build(self):
        for name in self.names:
            run('ip', 'netns', 'add', name)
            run('ip', '-n', name, 'link', 'set', 'lo', 'up')
        self.devices = [tun(name) for name in self.names]
        for name, address in zip(self.names, (NEAR, FAR)):
            run('ip', '-n', name, 'address', 'add', address + '/30', 'dev', 'line0')
            run('ip', '-n', name, 'link', 'set', 'line0', 'up')
            run('ip', 'netns', 'exec', name, 'sysctl', '-qw', 'net.ipv4.tcp_congestion_control=' + self.control)
        near, far = self.devices
        self.thread = threading.Thread(target=self.carry, args=(near, far), daemon=True)
        self.thread.start()

    def carry(self, near, far):
        away = Direction(far, self.rtt / 2, self.loss, self.rate, 1)
        back = Direction(near, self.rtt / 2, self.loss, self.rate, 2)
        wait = 1.0
        while not self.over.is_set():
            ready, _, _ = select.select([near, far], [], [], max(0.0, min(wait, 0.2)))
            now = time.monotonic()
            for device, direction in ((near, away), (far, back)):
                if device in ready:
                    try:
                        for _ in range(64):
                            direction.take(os.read(device, CHUNK), now)
                    except BlockingIOError:
                        pass
            now = time.monotonic()
            wait = min(away.give(now), back.give(now))

    def inside(self, side, *command):
        """A command line that runs in a namespace: 0 near, 1 far."""
        return ['ip', 'netns', 'exec', self.names[side], *map(str, command)]

    def __exit__(self, *_):
        self.over.set()
        if self.thread:
            self.thread.join()
        for device in self.devices:
            os.close(device)
        for name in self.names:
            subprocess.run(['ip', 'netns', 'delete', name])
        open(ALLOWED, 'w').write(self.allowed)


def run(*command):
    subprocess.run(command, check=True)


# ---- what runs inside the namespaces


def drain(port, total):
    """Reads until `total` bytes have come over all connections; says `ready`, then the time of the last byte."""
    server = socket.create_server((FAR, port), backlog=64)
    print('ready', flush=True)
    got, lock, done = [0], threading.Lock(), threading.Event()

    def read(connection):
        while part := connection.recv(CHUNK):
            with lock:
                got[0] += len(part)
                if got[0] >= total:
                    done.set()

    def accept():
        while True:
            threading.Thread(target=read, args=(server.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    done.wait(1800)
    print(time.time(), flush=True)


def pour(port, total, connections):
    """Sends `total` bytes over some connections at once."""

    def send(n):
        with socket.create_connection((FAR, port), 60) as s:
            s.settimeout(None)
            left = total // connections + (total % connections if n == 0 else 0)
            while left:
                part = bytes(min(left, CHUNK))
                s.sendall(part)
                left -= len(part)

    threads = [threading.Thread(target=send, args=(n,)) for n in range(connections)]
    [t.start() for t in threads]
    [t.join() for t in threads]


def relay(port, target, cut_bytes, cut_seconds):
    """Passes connections on to 127.0.0.1:target; cuts each (TCP reset) after so many bytes from the near side or so many seconds (0: never)."""
    server = socket.create_server((FAR, port), backlog=64)
    print('ready', flush=True)

    def cut(*sockets):
        for s in sockets:
            try:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def copy(a, b, limit):
        passed = 0
        try:
            while part := a.recv(CHUNK):
                b.sendall(part)
                passed += len(part)
                if limit and passed >= limit:
                    return cut(a, b)
            b.shutdown(socket.SHUT_WR)
        except OSError:
            cut(a, b)

    while True:
        near = server.accept()[0]
        far = socket.create_connection(('127.0.0.1', target))
        for a, b, limit in ((near, far, cut_bytes), (far, near, 0)):
            threading.Thread(target=copy, args=(a, b, limit), daemon=True).start()
        if cut_seconds:
            timer = threading.Timer(cut_seconds, cut, (near, far))
            timer.daemon = True
            timer.start()


# ---- what is measured


def helper(line, side, *arguments):
    """This script with a part to play inside a namespace, once it says `ready`."""
    command = line.inside(side, sys.executable, os.path.abspath(__file__), 'inside', *arguments)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline().strip() == 'ready'
    return process


def bare(line, total, connections):
    reader, begun = helper(line, 1, 'drain', DRAIN, total), time.time()
    run(*line.inside(0, sys.executable, os.path.abspath(__file__), 'inside', 'pour', DRAIN, total, connections))
    last = float(reader.stdout.readline())
    reader.wait()
    return last - begun


def records(path, kind):
    try:
        return [r for r in map(json.loads, open(path)) if r['kind'] == kind]
    except FileNotFoundError:
        return []


class Box:
    """The product in the near namespace with one destination across the line, paused until `resume`."""

    def __init__(self, line, work, data, connections, request_bytes):
        self.line, self.folder = line, tempfile.mkdtemp(prefix='box-', dir=work)
        destination = (
            f'[[destination]]\nname = "pacs"\nkind = "stow"\nurl = "http://{FAR}:{SINK}/dicom-web"\nmax_requests = {connections}\n'
            f'max_request_bytes = "{request_bytes}"\nretry = {{ first = "1s", max = "5s" }}\n'
        )
        with open(self.folder + '/relaypacs.toml', 'w') as f:
            f.write(
                '[dicom]\nbind = "127.0.0.1"\nport = 11112\ntls_port = 0\nae_title = "ANYSCP"\n'
                f'[http]\nbind = "127.0.0.1"\nport = 0\nplain_port = 8080\n[log]\nlevel = "warn"\n{destination}'
            )
        self.cli = [tool('relaypacs'), '--config', self.folder + '/relaypacs.toml', '--data-dir', self.folder + '/data']
        self.process = start(line.inside(0, *self.cli, 'serve'), log=self.folder + '/log')
        wait_for('the box answers', lambda: self.quiet('status').returncode == 0, self.process)
        assert self.quiet('pause', 'pacs').returncode == 0
        sent = [tool('blast'), 'send', '127.0.0.1:11112', data, '--aec', 'ANYSCP', '--salt', str(time.time_ns() % 10**9)]
        subprocess.run(line.inside(0, *sent), check=True, stdout=subprocess.DEVNULL)

    def quiet(self, *command):
        return subprocess.run([*self.cli, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def close(self):
        stop(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)


def forward(line, work, data, connections, request_bytes, cut):
    """Seconds from the order to send to the last instance; how many instances the receiver was sent in all, and what it was sent twice though proven."""
    log = os.path.join(work, f'records-{time.time_ns()}.jsonl')
    port = 10400
    sink = start(line.inside(1, tool('stow_sink'), '--port', port, '--flavour', 'orthanc', '--records', log))
    gate = helper(line, 1, 'relay', SINK, port, *cut)
    n = len([f for f in os.listdir(data) if f.endswith('.dcm')])
    box = Box(line, work, data, connections, request_bytes)
    try:
        begun = time.time()
        assert box.quiet('resume', 'pacs').returncode == 0
        wait_for('everything has arrived', lambda: len({r['sop'] for r in records(log, 'instance')}) >= n, box.process, 3600)
        seconds = time.time() - begun
        wait_for('all is proven', lambda: delivered(box) >= n, box.process, 3600)
        seen, twice = {}, 0
        for r in records(log, 'instance'):
            answered = seen.get(r['sop'])
            twice += answered is not None
            seen[r['sop']] = r
        return seconds, n, len(records(log, 'instance')), twice
    finally:
        box.close()
        stop(gate)
        stop(sink)


def delivered(box):
    asked = subprocess.run([*box.cli, 'queue', '--json'], capture_output=True, text=True)
    lines = [json.loads(line) for line in asked.stdout.splitlines() if line.strip().startswith('{')]
    waiting = sum(entry.get('instances', 0) for entry in lines)
    return 1 << 30 if asked.returncode == 0 and waiting == 0 else 0


def subset(data, n, work):
    """The first files of a set, linked into a folder."""
    folder = os.path.join(work, 'data')
    os.makedirs(folder)
    names = sorted(f for f in os.listdir(data) if f.endswith('.dcm'))[:n]
    for name in names:
        os.symlink(os.path.join(os.path.abspath(data), name), os.path.join(folder, name))
    return folder, sum(os.path.getsize(os.path.join(folder, name)) for name in names)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('--data', required=True)
    ap.add_argument('--instances', type=int, default=80)
    ap.add_argument('--rtt', type=float, default=0.5, help='seconds')
    ap.add_argument('--loss', type=float, default=0.01, help='share of packets, each way')
    ap.add_argument('--mbit', type=float, default=10)
    ap.add_argument('--connections', type=int, default=4)
    ap.add_argument('--request-bytes', default='4MiB')
    ap.add_argument('--control', default='cubic,bbr', help='congestion controls to compare under')
    ap.add_argument('--rounds', type=int, default=3)
    ap.add_argument('--cut', action='store_true', help='cut every connection after 1 MB or 30 s')
    ap.add_argument('--work', help='folder for stores')
    a = ap.parse_args()
    with tempfile.TemporaryDirectory(prefix='line-', dir=a.work) as work:
        data, total = subset(a.data, a.instances, work)
        for control in a.control.split(','):
            with Line(a.rtt, a.loss, a.mbit, control) as line:
                if a.cut:
                    seconds, n, sent, twice = forward(line, work, data, a.connections, a.request_bytes, (1_000_000, 30))
                    print(f'{control}: every connection cut after 1 MB or 30 s: {n} instances proven after {seconds:.0f} s, {twice} stored twice')
                    continue
                rows, ratios = [], []
                for _ in range(a.rounds):
                    tcp = total * 8 / 1e6 / bare(line, total, a.connections)
                    box = total * 8 / 1e6 / forward(line, work, data, a.connections, a.request_bytes, (0, 0))[0]
                    rows.append((f'{tcp:.2f}', f'{box:.2f}', f'{box / tcp:.2f}'))
                    ratios.append(box / tcp)
                print(f'\n{control}: {a.rtt * 1000:.0f} ms round trip, {a.loss:.1%} loss, {a.mbit} Mbit/s, {a.connections} connections, {total / 1e6:.0f} MB')
                table(['bare TCP Mbit/s', 'box Mbit/s', 'ratio'], rows)
                print(f'  box / bare TCP: {spread(ratios)} x')
                sys.stdout.flush()


if __name__ == '__main__':
    if sys.argv[1:2] == ['inside']:
        part = {'drain': drain, 'pour': pour, 'relay': relay}[sys.argv[2]]
        part(*map(int, sys.argv[3:]))
    else:
        main()
