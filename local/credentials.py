"""Passwords and keys of one platform: random, made once per home, readable by its owner only."""

import secrets
from dataclasses import asdict, dataclass, fields
from typing import Self

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from local.home import Home, read_json, write_json


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """Keys are PEM texts; every other field is a password or an identifier.

    ``link_private_key`` signs CloudFront links, ``token_private_key`` signs the access tokens that a
    Cognito user pool would issue; both are RSA-2048.
    """

    database_password: str
    migrator_password: str
    source_password: str
    loader_password: str
    broker_app_password: str
    broker_mapping_password: str
    keystore_password: str
    cache_password: str
    access_key_id: str
    secret_access_key: str
    link_private_key: str
    link_key_pair_id: str
    token_private_key: str

    @classmethod
    def of(cls, home: Home) -> Self:
        """Read the credentials of ``home``, and make them when there are none."""
        stored = read_json(home.credentials)
        if stored is not None:
            return cls(**{field.name: str(stored[field.name]) for field in fields(cls)})
        home.create()
        made = cls.generate()
        write_json(home.credentials, asdict(made))
        return made

    @classmethod
    def generate(cls) -> Self:
        return cls(
            database_password=_password(),
            migrator_password=_password(),
            source_password=_password(),
            loader_password=_password(),
            broker_app_password=_password(),
            broker_mapping_password=_password(),
            keystore_password=_password(),
            cache_password=_password(),
            access_key_id="LOCAL" + secrets.token_hex(8).upper()[:15],
            secret_access_key=_password(),
            link_private_key=_rsa_key(),
            link_key_pair_id="K" + secrets.token_hex(7).upper()[:13],
            token_private_key=_rsa_key(),
        )


def public_key_pem(private_key_pem: str) -> str:
    """The public half of a PEM private key, as PEM."""
    key = serialization.load_pem_private_key(private_key_pem.encode(), password=None)
    encoded = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return encoded.decode()


def _password() -> str:
    # Hexadecimal: Amazon MQ forbids `,`, `:` and `=`, and property files escape more.
    return secrets.token_hex(20)


def _rsa_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    encoded = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return encoded.decode()
