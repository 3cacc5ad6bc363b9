"""The roots that chains may end in: those of Mozilla, as certifi has them, or a file of the user's."""

from __future__ import annotations

import warnings
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pcapkit.errors import StoreError

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.x509.verification import Store

_LONGEST = 32 << 20
"""Larger files are no trust stores: that of Mozilla has a quarter of a megabyte."""


class TrustStore:
    """Trusted roots, by subject. They are read when first looked at; `name` says whose they are."""

    def __init__(self, path: str | None = None) -> None:
        self._path = path

    @cached_property
    def name(self) -> str:
        """Where the roots come from, in words."""
        if self._path is not None:
            return self._path
        import certifi
        return f"Mozilla's roots (certifi {certifi.__version__})"

    @cached_property
    def _named(self) -> list[tuple[bytes, x509.Certificate]]:
        if self._path is None:
            import certifi
            return _read(certifi.where())
        return _read(self._path)

    @property
    def roots(self) -> list[x509.Certificate]:
        """All of them, in order. StoreError where the file cannot be read or has none."""
        return [root for _, root in self._named]

    @cached_property
    def by_subject(self) -> dict[bytes, list[x509.Certificate]]:
        """The roots of each name; names are DER."""
        found: dict[bytes, list[x509.Certificate]] = {}
        for name, root in self._named:
            found.setdefault(name, []).append(root)
        return found

    @cached_property
    def verifiable(self) -> Store:
        """The same for cryptography's verifier."""
        from cryptography.x509.verification import Store
        return Store(self.roots)


def open_store(path: str) -> TrustStore:
    """The roots in a file of PEM certificates. Raises StoreError at once where it cannot be read, or has none."""
    store = TrustStore(path)
    _ = store.by_subject
    return store


def _read(path: str) -> list[tuple[bytes, x509.Certificate]]:
    """The roots in a file, each with its subject."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(_LONGEST + 1)
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error.strerror or error}") from None
    if len(data) > _LONGEST:
        raise StoreError(f"{path}: is longer than {_LONGEST >> 20} MiB, so it is no trust store")
    from cryptography import x509
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return [(root.subject.public_bytes(), root) for root in x509.load_pem_x509_certificates(data)]
        except Exception as error:  # the package raises several kinds
            raise StoreError(f"{path}: has no certificates in PEM that can be read: {error}") from None
