#!/usr/bin/env python3
"""Sends DICOM files by C-STORE with pynetdicom, as its documentation shows; exit status 1 when one is not answered 0000."""

import argparse
import sys

from pydicom import dcmread
from pynetdicom import AE

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument('--called', default='ANY-SCP')
parser.add_argument('host')
parser.add_argument('port', type=int)
parser.add_argument('files', nargs='+')
arguments = parser.parse_args()

ae = AE(ae_title='PYNETDICOM')
for meta in {(f.SOPClassUID, f.file_meta.TransferSyntaxUID) for f in map(dcmread, arguments.files)}:
    ae.add_requested_context(*meta)
association = ae.associate(arguments.host, arguments.port, ae_title=arguments.called)
if not association.is_established:
    sys.exit('no association')
failed = 0
for path in arguments.files:
    status = association.send_c_store(path)
    if not status or status.Status != 0:
        print(path, f'{status.Status:04X}' if status else 'no answer', file=sys.stderr)
        failed += 1
association.release()
sys.exit(1 if failed else 0)
