"""DNS (RFC 1035) over UDP and TCP, also as mDNS and LLMNR: questions paired with their responses."""

from pcapkit.dissectors.dns.columns import PORTS
from pcapkit.dissectors.dns.session import DNS, DnsExchange

__all__ = ["DNS", "PORTS", "DnsExchange"]
