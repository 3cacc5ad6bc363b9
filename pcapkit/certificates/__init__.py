"""Certificates in full: as text, and whether a chain of them holds at a given time."""

from pcapkit.certificates.chain import Chain, Fault, Reason, Verdict
from pcapkit.certificates.matching import hosts, matches
from pcapkit.certificates.remarks import count_timestamps, remarks
from pcapkit.certificates.store import TrustStore, open_store
from pcapkit.certificates.text import certificate_text

__all__ = ["Chain", "Fault", "Reason", "TrustStore", "Verdict", "certificate_text", "count_timestamps", "hosts", "matches",
           "open_store", "remarks"]
