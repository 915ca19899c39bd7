"""A clinic's mail server: aiosmtpd, which wants STARTTLS and a password.

mail.py USER PASSWORD: makes an authority of its own (./mail-ca.pem), listens on a free port of 127.0.0.1 and says {"port": N}. The first
sign-in finds it out of order (535, as servers say whose directory is away), later ones are judged. Ends with the first letter: well when that
came over TLS, from somebody signed in, and says what a letter of the box says, with nothing of the patient.
"""

import asyncio
import datetime
import email
import email.policy
import ipaddress
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = sys.argv[1:]


def certificate(name, key, issuer, signer, *extensions):
    now = datetime.datetime.now(datetime.timezone.utc)
    called = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = x509.CertificateBuilder().subject_name(called).issuer_name(issuer or called).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
    made = made.not_valid_after(now + datetime.timedelta(days=1))
    for extension, is_critical in extensions:
        made = made.add_extension(extension, is_critical)
    return made.sign(signer, hashes.SHA256())


def keep(path, *parts):
    with open(path, 'wb') as file:
        file.write(b''.join(parts))


authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
root = certificate('Mail authority', authority, None, authority, (x509.BasicConstraints(ca=True, path_length=0), True))
here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address('127.0.0.1'))])
leaf = certificate('127.0.0.1', key, root.subject, authority, (here, False), (x509.BasicConstraints(ca=False, path_length=None), True))
pem = serialization.Encoding.PEM
keep('mail-ca.pem', root.public_bytes(pem))
secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
keep('mail.pem', leaf.public_bytes(pem), secret)
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain('mail.pem')

sign_ins, letters = [], []


def judge(_server, _session, _envelope, _mechanism, data):
    sign_ins.append((data.login, data.password))
    is_known = sign_ins[-1] == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=is_known and len(sign_ins) > 1, handled=False)


class Handler:
    async def handle_DATA(self, _server, session, envelope):
        letters.append((session.ssl is not None, session.authenticated, envelope))
        return '250 taken'


async def serve():
    taken = asyncio.Event()

    class Server(SMTP):
        async def push(self, status):
            await super().push(status)
            if letters:
                taken.set()

    options = dict(hostname='127.0.0.1', tls_context=tls, require_starttls=True, auth_required=True, authenticator=judge)
    server = await asyncio.get_running_loop().create_server(lambda: Server(Handler(), **options), '127.0.0.1', 0)
    print(json.dumps({'port': server.sockets[0].getsockname()[1]}), flush=True)
    await asyncio.wait_for(taken.wait(), 120)


asyncio.run(serve())
is_encrypted, is_signed_in, envelope = letters[0]
assert is_encrypted and is_signed_in and len(sign_ins) > 1, (is_encrypted, is_signed_in, len(sign_ins))
assert (envelope.mail_from, envelope.rcpt_tos) == ('relaypacs@clinic.example', ['ada@clinic.example']), envelope.rcpt_tos
letter = email.message_from_bytes(envelope.content, policy=email.policy.default)
assert not letter.defects and letter['from'].addresses[0].display_name == 'RelayPACS', letter.as_string()
assert letter['subject'].startswith('St. Elsewhere: ') and letter['date'] and letter.get_content().strip(), letter.as_string()
said = letter.as_string() + letter.get_content()
assert not any(word in said for word in ('Müller', 'ller', 'Generated', 'P0000001')), said
print('read', letter['subject'])
