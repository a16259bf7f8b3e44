"""A certificate authority of the home's own, and one server certificate for the parts that speak TLS."""

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from local.home import Home

_LIFE = datetime.timedelta(days=825)
_RENEW_BEFORE = datetime.timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class Certificates:
    """Files in PEM, and the server's pair once more as a PKCS #12 key store (RFC 7292) for Java."""

    ca: Path
    server_certificate: Path
    server_key: Path
    keystore: Path

    @classmethod
    def of(cls, home: Home, *, keystore_password: str) -> "Certificates":
        """The certificates of ``home``, made when missing and made anew in their last 30 days."""
        files = cls(
            ca=home.tls / "ca.pem",
            server_certificate=home.tls / "server.pem",
            server_key=home.tls / "server.key",
            keystore=home.tls / "server.p12",
        )
        if not files._are_current():
            files._make(keystore_password)
        return files

    def _are_current(self) -> bool:
        if not all(
            path.exists() for path in (self.ca, self.server_key, self.server_certificate, self.keystore)
        ):
            return False
        certificate = x509.load_pem_x509_certificate(self.server_certificate.read_bytes())
        return certificate.not_valid_after_utc - _RENEW_BEFORE > datetime.datetime.now(datetime.UTC)

    def _make(self, keystore_password: str) -> None:
        authority_key = ec.generate_private_key(ec.SECP256R1())
        authority_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Prensa local authority")])
        authority = (
            _certificate(authority_name, authority_name, authority_key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(certificate_authority=True), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False
            )
            .sign(authority_key, hashes.SHA256())
        )
        server_key = ec.generate_private_key(ec.SECP256R1())
        server = (
            _certificate(
                x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]),
                authority_name,
                server_key.public_key(),
            )
            .add_extension(
                x509.SubjectAlternativeName(
                    [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
                ),
                critical=False,
            )
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(certificate_authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
            )
            .sign(authority_key, hashes.SHA256())
        )
        self.ca.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
        self.server_certificate.write_bytes(server.public_bytes(serialization.Encoding.PEM))
        _write_private(
            self.server_key,
            server_key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.NoEncryption(),
            ),
        )
        _write_private(
            self.keystore,
            pkcs12.serialize_key_and_certificates(
                b"server",
                server_key,
                server,
                [authority],
                serialization.BestAvailableEncryption(keystore_password.encode()),
            ),
        )


def _certificate(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + _LIFE)
    )


def _key_usage(*, certificate_authority: bool) -> x509.KeyUsage:
    # Python's ssl verifies strictly (RFC 5280) and refuses an authority without keyCertSign.
    return x509.KeyUsage(
        digital_signature=not certificate_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certificate_authority,
        crl_sign=certificate_authority,
        encipher_only=False,
        decipher_only=False,
    )


def _write_private(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_bytes(content)
