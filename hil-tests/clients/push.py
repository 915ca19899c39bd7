"""A browser's end of web push: keys of its own, and other people's decryption (http_ece) and signature check (PyJWT).

push.py BASE_URL ACCESS_TOKEN: subscribes, says `subscribed`, and takes one push; fails when it is not what RFC 8030, 8188, 8291 and 8292 say, or
when it tells anything about the patient.
"""

import base64
import http.server
import json
import os
import sys

import http_ece
import jwt
import requests
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

API, TOKEN = sys.argv[1] + '/api/v1', sys.argv[2]
key, secret = ec.generate_private_key(ec.SECP256R1()), os.urandom(16)


def text(data):
    return base64.urlsafe_b64encode(data).rstrip(b'=').decode()


def data(text):
    return base64.urlsafe_b64decode(text + '=' * (-len(text) % 4))


class Service(http.server.BaseHTTPRequestHandler):
    taken = []

    def do_POST(self):
        self.taken.append((self.headers, self.rfile.read(int(self.headers['content-length']))))
        self.send_response(201)
        self.end_headers()

    def log_message(self, *_):
        pass


service = http.server.HTTPServer(('127.0.0.1', 0), Service)
origin = f'http://127.0.0.1:{service.server_port}'
public = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
asked = {'endpoint': origin + '/push/a', 'expirationTime': None, 'keys': {'p256dh': text(public), 'auth': text(secret)}}
headers = {'Authorization': 'Bearer ' + TOKEN}
assert requests.post(API + '/notifications/push-subscriptions', json=asked, headers=headers, timeout=60).status_code == 201
vapid = requests.get(API + '/notifications/vapid-key', headers=headers, timeout=60).json()['key']
print('subscribed', flush=True)

service.timeout = 120
service.handle_request()
(head, body), = Service.taken
assert head['content-encoding'] == 'aes128gcm' and int(head['ttl']) > 0, dict(head)
told = http_ece.decrypt(body, private_key=key, auth_secret=secret, version='aes128gcm')
push = json.loads(told)
assert push['type'] == 'report_assigned' and push['related_report_id'], push
assert not any(word in told for word in (b'M\xc3\xbcller', b'Generated', b'P0000001')), told

scheme, values = head['authorization'].split(' ', 1)
fields = dict(part.strip().split('=', 1) for part in values.split(','))
assert scheme == 'vapid' and fields['k'] == vapid, head['authorization']
signer = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), data(fields['k']))
claims = jwt.decode(fields['t'], signer, algorithms=['ES256'], audience=origin)
assert claims['exp'], claims
print('decrypted', push['type'])
