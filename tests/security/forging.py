"""Tokens that nobody should believe, each with the attack's name. The shop signs with RS256; the attacker has the
public key, a token of their own, and whatever keys they make."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm

AUDIENCE, ISSUER = "parley", "https://shop.example"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
OWN_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OWN_JWK = RSAAlgorithm.to_jwk(OWN_KEY.public_key(), as_dict=True)
OWN_SECRET = b"a-secret-that-the-attacker-has-made-up"
EVIL = "https://evil.example/keys.json"


def claims(sub: str, /, **changes: Any) -> dict[str, Any]:
    """What the shop says of somebody; a claim that is None is left out."""
    now = int(time.time())
    said = {"sub": sub, "exp": now + 600, "aud": AUDIENCE, "iss": ISSUER, **changes}
    return {name: value for name, value in said.items() if value is not None}


def signed(sub: str, /, *, key: Any = KEY, headers: dict[str, Any] | None = None, **changes: Any) -> str:
    return jwt.encode(claims(sub, **changes), key, algorithm="RS256", headers=headers)


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def by_hand(header: Any, said: Any, secret: bytes | None) -> str:
    """A token signed with HMAC, or not at all, that no library would make."""
    parts = [encoded(part if isinstance(part, bytes) else json.dumps(part).encode()) for part in (header, said)]
    text = ".".join(parts)
    return f"{text}.{encoded(hmac.new(secret, text.encode(), hashlib.sha256).digest()) if secret is not None else ''}"


def hs256(header: dict[str, Any], secret: bytes) -> Callable[[str], str]:
    return lambda sub: by_hand({"typ": "JWT", "alg": "HS256", **header}, claims(sub), secret)


def none(alg: str) -> Callable[[str], str]:
    return lambda sub: by_hand({"typ": "JWT", "alg": alg}, claims(sub), None)


def own(**header: Any) -> Callable[[str], str]:
    """Signed with the attacker's own key, which the header offers."""
    return lambda sub: signed(sub, key=OWN_KEY, headers=header)


def shops(**changes: Any) -> Callable[[str], str]:
    """Truly signed by the shop, but not for this, or not for now."""
    return lambda sub: signed(sub, **changes)


def altered(change: Callable[[str, str, str], str]) -> Callable[[str], str]:
    """The attacker's own good token with something else in it."""
    return lambda sub: change(*signed("eve").split("."))


def swapped(sub: str) -> str:
    """The head and signature of a good token around other claims."""
    head, _, signature = signed("eve").split(".")
    return f"{head}.{encoded(json.dumps(claims(sub, role='admin')).encode())}.{signature}"


def elliptic(sub: str) -> str:
    return jwt.encode(claims(sub), ec.generate_private_key(ec.SECP256R1()), algorithm="ES256")


NOW = int(time.time())
LATER = 24 * 3600  # than any run of the tests lasts, which began at NOW
FORGERIES: dict[str, Callable[[str], str]] = {
    "no algorithm": none("none"),
    "no algorithm, in other letters": none("nOnE"),
    "no algorithm, with the first of two": lambda sub: by_hand(b'{"alg":"RS256","alg":"none"}', claims(sub), None),
    "no algorithm in the head at all": lambda sub: by_hand({"typ": "JWT"}, claims(sub), OWN_SECRET),
    "the algorithm is a list": lambda sub: by_hand({"alg": ["none", "HS256"]}, claims(sub), OWN_SECRET),
    "the public key as a secret": hs256({}, PEM.encode()),
    "the public key as a secret, without its last line feed": hs256({}, PEM.strip().encode()),
    "the public key as a secret, in DER": hs256(
        {}, KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    ),
    "the public key as a secret, as JSON": hs256({}, RSAAlgorithm.to_jwk(KEY.public_key()).encode()),
    "an empty secret": hs256({}, b""),
    "the kid is a file of zeros": hs256({"kid": "../../../../../../dev/null"}, b""),
    "the kid is a file that everyone knows": hs256({"kid": "/proc/sys/kernel/randomize_va_space"}, b"2\n"),
    "the kid chooses a key by SQL": hs256({"kid": "x' UNION SELECT 'known' --"}, b"known"),
    "the kid runs a program": hs256({"kid": "key|/bin/true"}, b""),
    "the kid ends at a NUL": hs256({"kid": "key\x00.pem"}, b""),
    "the kid is an address": own(kid=EVIL),
    "the key comes along": own(jwk=OWN_JWK),
    "the secret comes along": hs256({"jwk": {"kty": "oct", "k": encoded(OWN_SECRET)}}, OWN_SECRET),
    "the key set is the attacker's": own(jku=EVIL, kid="1"),
    "the certificate is the attacker's": own(x5u=EVIL, kid="1"),
    "the certificate comes along": own(x5c=[encoded(b"no certificate")], x5t=encoded(b"x" * 20)),
    "another's key": own(),
    "a key of another kind": elliptic,
    "claims of another": swapped,
    "the signature is cut off": altered(lambda head, said, signature: f"{head}.{said}."),
    "the signature is half": altered(lambda head, said, signature: f"{head}.{said}.{signature[:170]}"),
    "without a signature's place": altered(lambda head, said, signature: f"{head}.{said}"),
    "of five parts, as if encrypted": altered(lambda head, said, signature: f"{head}.{said}.{said}.{said}.{signature}"),
    "as JSON": altered(
        lambda head, said, signature: json.dumps({"payload": said, "protected": head, "signature": signature})
    ),
    "critical and unknown": shops(headers={"crit": ["urn:evil"], "urn:evil": 1}),
    "the payload is not encoded": shops(headers={"crit": ["b64"], "b64": False}),
    "expired": shops(exp=NOW - 1),
    "never expires": shops(exp=None),
    "expires when somebody says so": shops(exp="9" * 10 + " soon"),
    "expires in another era": shops(exp=1e300),
    "not valid yet": shops(nbf=NOW + LATER),
    "issued in the future": shops(iat=NOW + LATER),
    "for another audience": shops(aud="shop"),
    "for an audience that begins like us": shops(aud=f"{AUDIENCE}.evil.example"),
    "for nobody": shops(aud=None),
    "from another issuer": shops(iss=f"{ISSUER}.evil.example"),
    "from nobody": shops(iss=None),
    "about nobody": shops(sub=None),
    "about nothing": shops(sub=""),
    "about a number": shops(sub=1),
    "about a NUL": shops(sub="bea\x00"),
    "about half a character": shops(sub="bea\ud800"),
    "huge": shops(filler="x" * 10_000),
    "with a bottomless head": lambda sub: by_hand(b"[" * 5_000, claims(sub), None),
    "bottomless": lambda sub: by_hand({"alg": "HS256"}, b"[" * 5_000, OWN_SECRET),
    "with a space in it": altered(lambda head, said, signature: f"{head}. {said}.{signature}"),
    "with letters that look alike": altered(lambda head, said, signature: f"{head}.{said}.\xe9{signature}"),
}
