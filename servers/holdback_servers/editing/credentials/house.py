"""The house's own authority and the certificate it signs deliveries with, made once and kept in the home."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from holdback_base.problem import Problem
from holdback_trust.keys import KeyPair

_YEAR = timedelta(days=365)
_AUTHORITY_YEARS, _SIGNER_YEARS = 30, 20
"""Nobody outside stamps the time, so a signature holds no longer than its certificate: longer than deliveries live."""


@dataclass(frozen=True)
class HouseSigner:
    """The key that signs, and its certificates as PEM: the signer's before the authority's."""

    keys: KeyPair
    chain: str
    authority: str

    def sign(self, data: bytes) -> bytes:
        """64 bytes: ES256 over the data, as COSE wants it (RFC 9053, 2.1)."""
        r, s = decode_dss_signature(self.keys.private.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def house_signer(folder: Path, now: datetime) -> HouseSigner:
    """The signer kept in a folder; made there when there is none: `authority.pem` and `signing.pem` are private keys
    (0600), `authority.crt` and `signing.crt` the certificates, which others may have.

    Raises:
        Problem: INVALID_ARGUMENT for files that do not belong together.
    """
    authority = KeyPair.load_or_create(folder / "authority.pem")
    signing = KeyPair.load_or_create(folder / "signing.pem")
    title = f"Holdback house {authority.kid[:8]}"
    above = _kept(folder / "authority.crt", lambda: _authority(authority, title, now))
    below = _kept(folder / "signing.crt", lambda: _signer(signing, authority, title, now))
    for certificate, keys, name in ((above, authority, "authority"), (below, signing, "signing")):
        if certificate.public_key() != keys.private.public_key():
            raise Problem(
                "INVALID_ARGUMENT",
                f"The certificate {name}.crt is not of the key {name}.pem.",
                f"Restore both from one copy, or remove all four files from {folder} to have new ones made.",
            )
    return HouseSigner(signing, _pem(below) + _pem(above), _pem(above))


def _kept(path: Path, make: Callable[[], x509.Certificate]) -> x509.Certificate:
    if not path.exists():
        draft = path.with_suffix(".new")
        draft.write_text(_pem(make()))
        draft.replace(path)
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except ValueError as error:
        raise Problem(
            "INVALID_ARGUMENT", f"{path.name} holds no certificate.", f"Restore it, or remove it: {path}"
        ) from error


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _name(title: str, role: str) -> x509.Name:
    organization = x509.NameAttribute(NameOID.ORGANIZATION_NAME, title)
    return x509.Name([organization, x509.NameAttribute(NameOID.COMMON_NAME, f"{title}, {role}")])


def _begun(title: str, role: str, keys: KeyPair, now: datetime, years: int) -> x509.CertificateBuilder:
    public = keys.private.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(_name(title, role))
        .issuer_name(_name(title, "authority"))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # clocks of others may be behind
        .not_valid_after(now + years * _YEAR)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _usage(*, signs_files: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signs_files,
        key_cert_sign=not signs_files,
        crl_sign=not signs_files,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _authority(keys: KeyPair, title: str, now: datetime) -> x509.Certificate:
    begun = _begun(title, "authority", keys, now, _AUTHORITY_YEARS)
    begun = begun.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    return begun.add_extension(_usage(signs_files=False), critical=True).sign(keys.private, hashes.SHA256())


def _signer(keys: KeyPair, authority: KeyPair, title: str, now: datetime) -> x509.Certificate:
    """C2PA 2.4, 14.5: for digital signatures, with an extended use and both identifiers, not signed by itself."""
    begun = _begun(title, "deliveries", keys, now, _SIGNER_YEARS)
    begun = begun.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    begun = begun.add_extension(_usage(signs_files=True), critical=True)
    begun = begun.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.private.public_key())
    return begun.add_extension(issuer, critical=False).sign(authority.private, hashes.SHA256())
