#!/usr/bin/env python3
"""Says which lines of the server's crates the tests ran: coverage.py FILE, what `cargo llvm-cov report --json` wrote.

A line a crate, then authentication and the second factor apart, then each file with the lines that nothing ran. Tests' own files do not count.
Fails below 90 % of all lines, or 95 % of those of authentication and second factor.
"""

import json
import re
import sys
from collections import defaultdict

APART = re.compile(r'appliance/clinic/src/(accounts|sessions|tokens|totp)/|appliance/http/src/(auth/|caller|totp)')
TESTS = re.compile(r'(^|/)(tests?|testing|benches|examples)(/|\.rs$)')


def missed(file):
    """Lines that were counted and never run, from the segments [line, column, count, has_count, is_entry, is_gap]."""
    lines = {}
    for here, there in zip(file['segments'], file['segments'][1:]):
        line, _, count, has_count, _, is_gap = here
        if has_count and not is_gap:
            for number in range(line, max(there[0], line + 1)):
                lines[number] = max(lines.get(number, 0), count)
    return sorted(number for number, count in lines.items() if count == 0)


def ranges(numbers):
    out = []
    for number in numbers:
        if out and number == out[-1][1] + 1:
            out[-1][1] = number
        else:
            out.append([number, number])
    return ', '.join(str(a) if a == b else f'{a}-{b}' for a, b in out)


def main():
    files = {}
    for file in json.load(open(sys.argv[1]))['data'][0]['files']:
        path = file['filename'][file['filename'].find('/appliance/') + 1 :]
        if path.startswith('appliance/') and '/src/' in path and not TESTS.search(path):
            files[path] = file
    totals = defaultdict(lambda: [0, 0])
    for path, file in files.items():
        lines = file['summary']['lines']
        for group in [path.split('/src/')[0], 'all', *(['authentication and second factor'] if APART.search(path) else [])]:
            totals[group][0] += lines['covered']
            totals[group][1] += lines['count']
    share = {group: 100 * covered / max(count, 1) for group, (covered, count) in totals.items()}
    print('not covered:')
    for path in sorted(files):
        if lines := missed(files[path]):
            print(f'  {path}: {ranges(lines)}')
    print()
    for group in sorted(share):
        print(f'{share[group]:6.2f} %  {totals[group][0]} of {totals[group][1]} lines  {group}')
    if not files or share['all'] < 90 or share.get('authentication and second factor', 0) < 95:
        sys.exit('less than 90 % of all, or than 95 % of authentication and second factor')


if __name__ == '__main__':
    main()
