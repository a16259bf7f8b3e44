"""A certificate authority for tests, and certificates that are right or wrong in one way."""

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate and its private key, in the file forms that servers read."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def write_pem(self, path: Path) -> Path:
        """Certificate and key in one PEM file, for Python's ``ssl``."""
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(self.certificate.public_bytes(Encoding.PEM) + key)
        return path

    def write_pkcs12(self, path: Path, *, password: str) -> Path:
        """A PKCS #12 key store, for Java."""
        encryption = BestAvailableEncryption(password.encode())
        path.write_bytes(
            pkcs12.serialize_key_and_certificates(b"broker", self.key, self.certificate, None, encryption)
        )
        return path


class CertificateAuthority:
    """An authority whose certificate is at ``path``."""

    def __init__(self, folder: Path) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._certificate = _build(
            "Prensa test authority", self._key.public_key(), issuer=None, signer=self._key, authority=True
        )
        self.path = folder / "authority.pem"
        self.path.write_bytes(self._certificate.public_bytes(Encoding.PEM))

    def issue(self, *names: str, expired: bool = False) -> Certificate:
        """A server certificate for host names and addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _build(
            names[0],
            key.public_key(),
            issuer=self._certificate,
            signer=self._key,
            names=names,
            until=-_DAY if expired else 30 * _DAY,
        )
        return Certificate(certificate, key)


def self_signed(*names: str) -> Certificate:
    """A certificate that no authority vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    return Certificate(_build(names[0], key.public_key(), issuer=None, signer=key, names=names), key)


def _build(
    subject: str,
    public_key: ec.EllipticCurvePublicKey,
    *,
    issuer: x509.Certificate | None,
    signer: ec.EllipticCurvePrivateKey,
    names: tuple[str, ...] = (),
    authority: bool = False,
    until: timedelta = 30 * _DAY,
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.subject if issuer else name)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 10 * _DAY)
        .not_valid_after(now + until)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=authority,
                crl_sign=authority,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
    )
    if names:
        alternatives = [_general_name(name) for name in names]
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        server = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        builder = builder.add_extension(server, critical=False)
    return builder.sign(signer, hashes.SHA256())


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
