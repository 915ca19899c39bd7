#!/usr/bin/env python3
"""Says which lines of the server the tests ran: coverage.py FILE, what `cargo llvm-cov report --json` wrote.

The server is the crates domain, dicom, buffer, forward, clinic and http and what `relaypacs serve` is made of; the commands of the same
program (appliance/src/cli apart from serve) have a line of their own. A line counts once, and as run when any of the programs ran it,
whatever types it was compiled for. Tests' own code does not count, wherever it is: what stands under `#[cfg(test)]`, in files or between
lines.

Prints each file with lines that nothing ran, worst first within its crate, then a line a crate, and authentication and second factor
apart. Fails below 90 % of the lines of any crate, or 95 % of those of authentication and second factor.
"""

import json
import re
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CRATES = ('domain', 'dicom', 'buffer', 'forward', 'clinic', 'http')
PROGRAM = 'the program (serve)'
COMMANDS = 'the program’s commands (not the server)'
AUTHENTICATION = 'authentication and second factor'
AUTHENTICATES = re.compile(r'appliance/clinic/src/(accounts|sessions|tokens|totp|keys)/|appliance/http/src/(auth/|caller|totp|users/|peer)')


def group_of(path):
    """The line of the table that a file of the sources counts in; None for what is not ours to count."""
    if path.startswith('appliance/src/cli/') and path != 'appliance/src/cli/serve.rs' or path in ('appliance/src/cli.rs', 'appliance/src/main.rs'):
        return COMMANDS
    if path.startswith('appliance/src/'):
        return PROGRAM
    crate = re.match(r'appliance/(\w+)/src/', path)
    return crate[1] if crate and crate[1] in CRATES else None


def test_code(source):
    """What stands under `#[cfg(test)]` in a source as rustfmt writes it: line numbers, and names of modules in other files."""
    numbers, modules = set(), set()
    lines = source.splitlines()
    at = 0
    while at < len(lines):
        indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
        if not lines[at].lstrip().startswith('#[cfg(test)]'):
            at += 1
            continue
        end = at + 1
        while end < len(lines) and not (lines[end].startswith(indent) and re.match(r'[^\s/#].*[;,}]$|[})]', lines[end][len(indent) :])):
            end += 1
        if module := re.match(r'\s*(?:pub(?:\([^)]*\))? )?mod (\w+);', lines[min(end, len(lines) - 1)]):
            modules.add(module[1])
        numbers.update(range(at + 1, end + 2))
        at = end + 1
    return numbers, modules


def children(path):
    """The folder in which the modules that a file declares have their files."""
    return path.parent if path.name in ('mod.rs', 'lib.rs', 'main.rs') else path.with_suffix('')


def sources():
    """The server's source files with the numbers of those of their lines that are tests' own; files that are tests' whole are left out."""
    own, tests = {}, set()
    for path in ROOT.glob('appliance/**/src/**/*.rs'):
        own[path], modules = test_code(path.read_text())
        tests.update(children(path) / name for name in modules)
    return {
        path.relative_to(ROOT).as_posix(): numbers
        for path, numbers in own.items()
        if not any(above in tests for above in (path.with_suffix(''), *path.parents))
    }


def counts(segments):
    """How often each line ran, as llvm-cov counts it from the segments [line, column, count, has_count, is_entry, is_gap]."""
    starting = defaultdict(list)
    for segment in segments:
        starting[segment[0]].append(segment)
    out, before = {}, None
    for line in range(min(starting, default=0), max(starting, default=-1) + 1):
        here = starting[line] if line in starting else []
        entered = [count for _, _, count, has_count, is_entry, is_gap in here if has_count and is_entry and not is_gap]
        skipped = here and not here[0][3] and here[0][4]
        if not skipped and (before and before[3] or entered):
            out[line] = max(([before[2]] if before and before[3] else []) + entered)
        before = here[-1] if here else before
    return out


def ranges(numbers, counted):
    """Lines as text; lines that have no code of their own do not end a range."""
    out = []
    for number in numbers:
        if out and not any(between in counted for between in range(out[-1][1] + 1, number)):
            out[-1][1] = number
        else:
            out.append([number, number])
    return ', '.join(str(a) if a == b else f'{a}-{b}' for a, b in out)


def main():
    ours = sources()
    ran = {}
    for file in json.load(open(sys.argv[1]))['data'][0]['files']:
        path = file['filename'].removeprefix(f'{ROOT}/')
        if path in ours and group_of(path):
            ran[path] = {line: count for line, count in counts(file['segments']).items() if line not in ours[path]}
    totals = defaultdict(lambda: [0, 0])
    missed = defaultdict(list)
    for path, lines in ran.items():
        never = sorted(line for line, count in lines.items() if count == 0)
        group = group_of(path)
        for total in [group, *(['all'] if group != COMMANDS else []), *([AUTHENTICATION] if AUTHENTICATES.match(path) else [])]:
            totals[total][0] += len(lines) - len(never)
            totals[total][1] += len(lines)
        if never:
            missed[group].append((len(never), path, ranges(never, lines)))
    for group in sorted(missed):
        print(f'never run in {group}:')
        for count, path, where in sorted(missed[group], reverse=True):
            print(f'  {count:4} of {len(ran[path]):4}  {path}: {where}')
    print()
    failed = [crate for crate in (*CRATES, PROGRAM, AUTHENTICATION) if crate not in totals]
    for group, (covered, count) in sorted(totals.items()):
        share = 100 * covered / max(count, 1)
        print(f'{share:6.2f} %  {covered:6} of {count:6} lines  {group}')
        if share < (95 if group == AUTHENTICATION else 90) and group != COMMANDS:
            failed.append(group)
    if failed:
        sys.exit(f'not enough: {", ".join(failed)}')


if __name__ == '__main__':
    main()
