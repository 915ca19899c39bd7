#!/usr/bin/env python3
"""What the front panel costs the box, and how quick and small it is itself. Nothing here passes or fails.

  panel.py --data .work/data/ct [--rounds 5]

C-STORE rate of the box (four associations, durable before the answer), in turns within the same minutes: without a panel; with four panels;
with four that are stopped (SIGSTOP) in the middle; with four connections that send half a frame and never read. Read the ratios to the
round's rate without a panel: min / median / max.
Then one panel: edge of a key to finished picture (the label that turns; what the key does follows after 25 ms of debouncing), processor time
while nothing happens, memory.
"""

import argparse
import contextlib
import json
import os
import signal
import socket
import subprocess
import tempfile
import time

from common import Receiver, cpu_seconds, memory, spread, table, tool, wait_for
from cstore import send

TARGETS = 'targets: key to picture at most 100 ms, idle below 1 % of a processor, RSS at most 8 MB'


class Panel:
    """The panel's program on a box's socket, by its script."""

    def __init__(self, folder):
        socket_path = os.path.join(folder, 'data/panel.sock')
        wait_for('the panel socket is there', lambda: os.path.exists(socket_path))
        command = [tool('relaypacs-panel'), '--script', '--socket', socket_path]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        wait_for('the panel has a status', lambda: self.ask('status'), self.process)

    def ask(self, line):
        self.process.stdin.write(line + '\n')
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def nobody(_):
    yield


@contextlib.contextmanager
def panels(folder):
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(Panel(folder)) for _ in range(4)]


@contextlib.contextmanager
def stopped(folder):
    with panels(folder) as all_of_them:
        for panel in all_of_them:
            os.kill(panel.process.pid, signal.SIGSTOP)
        yield


@contextlib.contextmanager
def half_a_frame(folder):
    with contextlib.ExitStack() as stack:
        for _ in range(4):
            line = stack.enter_context(socket.socket(socket.AF_UNIX))
            line.connect(os.path.join(folder, 'data/panel.sock'))
            line.send(b'\x05\x01\x01')
        yield


SETTINGS = {'no panel': nobody, 'four panels': panels, 'four stopped': stopped, 'four that never read': half_a_frame}


def rates(data, rounds, work):
    """Images a second in each setting, round by round."""
    seen = {name: [] for name in SETTINGS}
    for _ in range(rounds):
        for name, setting in SETTINGS.items():
            with Receiver('box', work) as box, setting(box.folder):
                seen[name].append(send('blast', box.port, data, 4, int(time.time() * 10) % 10_000_000, work)['inst_s'])
    return seen


def alone(work, seconds):
    """Key to picture, idle processor time, memory of one panel."""
    with Receiver('box', work) as box, Panel(box.folder) as panel:
        for _ in range(60):
            panel.ask('press down')
        latency = panel.ask('state')['latency']
        time.sleep(2)
        before, began = cpu_seconds(panel.process.pid), time.time()
        time.sleep(seconds)
        idle = (cpu_seconds(panel.process.pid) - before) / (time.time() - began)
        mean = latency['sum_us'] / max(latency['edges'], 1) / 1000
        print(f'key to picture: mean {mean:.1f} ms, longest {latency["longest_us"] / 1000:.1f} ms of {latency["edges"]} edges')
        print(f'idle for {seconds} s: {idle * 100:.2f} % of a processor')
        print(f'RSS {memory(panel.process.pid, "VmRSS"):.1f} MB, at most {memory(panel.process.pid, "VmHWM"):.1f} MB')
        print(TARGETS)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('--data', help='folder of DICOM files; without it only the panel itself is measured')
    ap.add_argument('--rounds', type=int, default=5)
    ap.add_argument('--idle', type=int, default=30, help='seconds')
    ap.add_argument('--work', help='folder for all stores')
    a = ap.parse_args()
    with tempfile.TemporaryDirectory(prefix='panel-', dir=a.work) as work:
        if a.data:
            seen = rates(a.data, a.rounds, work)
            base = seen['no panel']
            rows = [(name, spread(own), spread([o / b for o, b in zip(own, base)])) for name, own in seen.items()]
            table(('', 'images/s min / median / max', 'ratio to no panel'), rows)
        alone(work, a.idle)


if __name__ == '__main__':
    main()
