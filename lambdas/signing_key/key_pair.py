"""RSA-2048 key pairs, as CloudFront's signed links need them.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-trusted-signers.html
"""

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

_BITS = 2048


class NotAKey(ValueError):
    """The text is no unencrypted PEM of an RSA-2048 private key."""


def new_private_key() -> str:
    """A new private key as PEM (PKCS #8)."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def public_key(private_key: str) -> str:
    """The public half as PEM. Raises :class:`NotAKey`, whose text repeats nothing of ``private_key``."""
    try:
        key = serialization.load_pem_private_key(private_key.encode(), password=None)
    except (ValueError, TypeError):
        raise NotAKey("This is no PEM of a private key.") from None
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size != _BITS:
        raise NotAKey(f"This is no RSA key of {_BITS} bits.")
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )
