"""Certificates in full: as text, and whether a chain of them holds at a given time."""

from pcapkit.certificates.text import certificate_text

__all__ = ["certificate_text"]
