"""People with the box, as scripts are: requests, PyJWT and oathtool against the running daemon and its command line.

accounts.py BASE_URL RELAYPACS CONFIG DATA_DIR PHASE: `before` makes people and leaves notes in ./people.json; `after` meets them again when
the box was killed and started anew, or restored elsewhere.
"""

import base64
import concurrent.futures
import hashlib
import json
import re
import subprocess
import sys
import threading
import urllib.parse

import jwt
import requests

BASE, RELAYPACS, CONFIG, DATA_DIR, PHASE = sys.argv[1:]
API = BASE + '/api/v1'
NOTES = 'people.json'
PASSWORD = 'Correct-Horse-7'


def cli(*arguments, status=0, stdin=None):
    command = [RELAYPACS, '--config', CONFIG, '--data-dir', DATA_DIR, *arguments]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=120)
    assert done.returncode == status, (arguments, done.returncode, done.stdout, done.stderr)
    return done.stdout


def ask(method, path, status, token=None, **more):
    headers = {'Authorization': f'Bearer {token}'} if token else {}
    answer = requests.request(method, API + path, headers=headers, timeout=60, **more)
    assert answer.status_code == status, (method, path, answer.status_code, answer.text)
    if status >= 400:
        assert answer.headers['content-type'] == 'application/problem+json'
    return answer


def login(username, status=200, password=PASSWORD, **more):
    return ask('POST', '/auth/login', status, json={'username': username, 'password': password, **more})


def code_of(secret, at='now'):
    return subprocess.run(['oathtool', '--totp', '-b', '--now', at, secret], capture_output=True, text=True, check=True).stdout.strip()


def person(name, **more):
    return {'username': name, 'email': f'{name}@clinic.example', 'password': PASSWORD, **more}


def first_admin():
    assert ask('GET', '/system/public', 200).json()['setup_required'] is True
    ask('POST', '/auth/register', 401, json=person('eve', role='admin'))
    code = cli('setup-code')
    assert re.fullmatch(r'[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}\n', code), code
    told = json.loads(cli('--json', 'setup-code'))
    assert set(told) == {'code', 'url', 'expires_at'} and told['url'].endswith('/setup#' + told['code']), told
    typed = code.strip().lower().replace('-', '')
    pair = ask('POST', '/auth/register', 201, json=person('chief', setup_code=typed)).json()
    assert pair['token_type'] == 'bearer' and ask('GET', '/auth/me', 200, pair['access_token']).json()['role'] == 'admin'
    ask('POST', '/auth/register', 403, json=person('eve', setup_code=told['code']))
    cli('setup-code', status=1)
    assert ask('GET', '/system/public', 200).json()['setup_required'] is False
    return pair['access_token']


def invited(chief):
    invite = ask('POST', '/users/invites', 201, chief, json={'role': 'clinician'}).json()
    ask('POST', '/auth/register', 201, json=person('ada', invite=invite['code'], role='admin'))
    ask('POST', '/auth/register', 403, json=person('eve', invite=invite['code']))
    ada = login('ADA').json()
    ask('GET', '/users', 403, ada['access_token'])
    return ada


def published_keys_check_tokens(token):
    keys = jwt.PyJWKClient(API + '/auth/jwks.json')
    claims = jwt.decode(token, keys.get_signing_key_from_jwt(token), algorithms=['RS256'], issuer='relaypacs')
    assert claims['sub'] == 'ada' and claims['typ'] == 'access' and claims['exp'] - claims['iat'] == 900, claims


def second_factor(token):
    offer = ask('POST', '/totp/enable', 200, token).json()
    kind, picture = offer['qr_code'].split(',')
    assert kind == 'data:image/png;base64'
    # What a telephone's camera sees.
    seen = subprocess.run(['zbarimg', '-q', '--raw', '-'], input=base64.b64decode(picture), capture_output=True, check=True).stdout.decode().strip()
    assert seen == offer['provisioning_uri'], seen
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(seen).query)
    assert query['secret'] == [offer['secret']], seen
    on = ask('POST', '/totp/enable', 200, token, json={'code': code_of(offer['secret'])}).json()
    assert on['enabled'] and len(on['recovery_codes']) == 10
    asked = login('ada', 403)
    assert asked.headers['X-TOTP-Required'] == 'true' and 'access_token' not in asked.json()
    login('ada', 401, totp_code=code_of(offer['secret']))  # the one that turned it on: used
    login('ada', 200, totp_code=code_of(offer['secret'], 'now + 30 seconds'))
    login('ada', 200, totp_code=on['recovery_codes'][0])
    login('ada', 401, totp_code=on['recovery_codes'][0])
    return on['recovery_codes'][1:]


def sign_out():
    chief = login('chief').json()
    ask('POST', '/auth/logout', 200, chief['access_token'])
    ask('GET', '/auth/me', 401, chief['access_token'])
    ask('POST', '/auth/refresh', 401, json={'refresh_token': chief['refresh_token']})
    return chief['access_token']


def copied_refresh_token():
    first = login('chief').json()
    second = ask('POST', '/auth/refresh', 200, json={'refresh_token': first['refresh_token']}).json()
    third = ask('POST', '/auth/refresh', 200, json={'refresh_token': second['refresh_token']}).json()
    ask('GET', '/auth/me', 200, third['access_token'])
    ask('POST', '/auth/refresh', 401, json={'refresh_token': first['refresh_token']})
    ask('POST', '/auth/refresh', 401, json={'refresh_token': third['refresh_token']})
    ask('GET', '/auth/me', 401, third['access_token'])


def command_line(chief):
    made = cli('user', 'add', 'grace', '--role', 'radiographer').strip()
    grace = login('grace', password=made).json()['access_token']
    cli('user', 'add', 'bob', '--role', 'radiologist', '--password-stdin', stdin=PASSWORD + '\n')
    bob = login('bob').json()['access_token']
    assert [user['username'] for user in json.loads(cli('--json', 'user', 'list'))] == ['ada', 'bob', 'chief', 'grace']
    cli('user', 'disable', 'grace')
    ask('GET', '/auth/me', 401, grace)
    login('grace', 403, password=made)
    cli('user', 'disable', 'chief', status=1)  # the last admin
    cli('keys', 'rotate')
    ask('GET', '/auth/me', 200, bob)
    return bob


def audit_holds(chief):
    lines = ask('GET', '/audit/export', 200, chief).text.splitlines()
    hash_before = '0' * 64
    for line in lines:
        entry = json.loads(line)
        told = entry.pop('hash')
        text = json.dumps(entry, separators=(',', ':'), ensure_ascii=False)
        hash_before = hashlib.sha256(f'{hash_before}\n{text}'.encode()).hexdigest()
        assert hash_before == told, line
    actions = {json.loads(line)['action'] for line in lines}
    wanted = {'create_account', 'sign_in', 'sign_out', 'create_invite', 'enable_totp', 'change_account', 'rotate_keys', 'export_audit'}
    assert wanted <= actions, wanted - actions
    return len(lines)


def storm(token):
    """Sign-ins by the dozen; everybody else is served all the while."""
    stop = threading.Event()

    def stormer():
        while not stop.is_set():
            answer = requests.post(API + '/auth/login', json={'username': 'nobody', 'password': 'x'}, timeout=60)
            assert answer.status_code in (401, 429, 503), answer.text
            if answer.status_code in (429, 503):
                assert int(answer.headers['retry-after']) > 0

    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        stormers = [pool.submit(stormer) for _ in range(24)]
        for _ in range(100):
            ask('GET', '/system', 200, token)
        stop.set()
        for one in stormers:
            one.result()


def before():
    chief = first_admin()
    ada = invited(chief)
    published_keys_check_tokens(ada['access_token'])
    recovery = second_factor(ada['access_token'])
    ended = sign_out()
    copied_refresh_token()
    bob = command_line(chief)
    storm(bob)
    entries = audit_holds(chief)
    notes = {'chief': chief, 'ada': ada, 'recovery': recovery, 'ended': ended, 'bob': bob, 'entries': entries}
    with open(NOTES, 'w') as file:
        json.dump(notes, file)


def after():
    with open(NOTES) as file:
        notes = json.load(file)
    for name in ('chief', 'bob'):
        assert ask('GET', '/auth/me', 200, notes[name]).json()['username'] == name
    ask('GET', '/auth/me', 401, notes['ended'])
    ada = ask('POST', '/auth/refresh', 200, json={'refresh_token': notes['ada']['refresh_token']}).json()
    assert ask('GET', '/auth/me', 200, ada['access_token']).json()['totp_enabled'] is True
    login('ada', 403)
    login('ada', 200, totp_code=notes['recovery'].pop())
    assert audit_holds(notes['chief']) > notes['entries']
    cli('user', 'reset-2fa', 'ada')
    login('ada', 200)
    cli('keys', 'rotate', '--forget-old')
    ask('GET', '/auth/me', 401, notes['bob'])
    login('bob', 200)


{'before': before, 'after': after}[PHASE]()
