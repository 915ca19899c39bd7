"""The box's own contract turned against it: schemathesis makes requests from /openapi.json and holds every answer to it.

contract.py BASE_URL SECONDS [ACCESS_TOKEN]: fails when an answer is a 5xx, or has a status, a content type, a header or a body that the contract
does not promise. What ends the caller's own session, or streams without end, is left out.
"""

import subprocess
import sys
from pathlib import Path

BASE, SECONDS, TOKEN = (sys.argv[1:] + [''])[:3]
CHECKS = 'not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance'
# Streams answer until the caller leaves; envelopes for Sentry are no body that it can make; the others are about the session, the key or the person that this run lives by.
LEFT_OUT = r'/telemetry$|/stream$|/events$|/auth/logout$|/auth/change-password$|/auth/sessions|/totp/|/2fa/'

# Accounts are made by codes and invites: it cannot sign itself up.
Path('schemathesis.toml').write_text('[auth]\nauto-signup = false\n')
# One worker: two threads that parse Python at once can end in a SystemError of the parser (CPython 3.11, gh-106905).
command = [Path(sys.executable).with_name('schemathesis'), 'run', BASE + '/openapi.json', '--url', BASE]
command += ['--checks', CHECKS, '--exclude-path-regex', LEFT_OUT, '--exclude-deprecated']
command += ['--phases', 'examples,coverage,fuzzing', '--max-examples', '12', '--max-time', SECONDS, '--workers', '1']
command += ['--continue-on-failure', '--no-shrink', '--generation-database', 'none', '--warnings', 'off', '--no-color']
command += ['--suppress-health-check', 'all', '--request-timeout', '60', '--max-redirects', '0']
if TOKEN:
    command += ['--header', 'Authorization: Bearer ' + TOKEN]
sys.exit(subprocess.run(command).returncode)
