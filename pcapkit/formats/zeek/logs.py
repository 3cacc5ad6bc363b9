"""The logs: their fields with Zeek's names and types, in Zeek's order; behind them the few that are ours."""

from __future__ import annotations

_PLACE = """
ts time
uid string
id.orig_h addr
id.orig_p port
id.resp_h addr
id.resp_p port
"""

_OURS = """
capture string
frame count
"""
"""Where it is to be seen: the capture, and Wireshark's number of the frame."""


def _fields(text: str) -> tuple[tuple[str, str], ...]:
    """Pairs of name and type."""
    return tuple((name, kind) for name, kind in filter(None, map(str.split, text.splitlines())))


LOGS: dict[str, tuple[tuple[str, str], ...]] = {
    "conn": _fields(_PLACE + """
proto enum
service string
duration interval
orig_bytes count
resp_bytes count
conn_state string
local_orig bool
local_resp bool
missed_bytes count
history string
orig_pkts count
orig_ip_bytes count
resp_pkts count
resp_ip_bytes count
tunnel_parents set[string]
community_id string""" + _OURS + "last_frame count"),
    "dns": _fields(_PLACE + """
proto enum
trans_id count
rtt interval
query string
qclass count
qclass_name string
qtype count
qtype_name string
rcode count
rcode_name string
AA bool
TC bool
RD bool
RA bool
Z count
answers vector[string]
TTLs vector[interval]
rejected bool""" + _OURS),
    "http": _fields(_PLACE + """
trans_depth count
method string
host string
uri string
referrer string
version string
user_agent string
origin string
request_body_len count
response_body_len count
status_code count
status_msg string
info_code count
info_msg string
tags set[enum]
username string
password string
proxied set[string]
orig_fuids vector[string]
orig_filenames vector[string]
orig_mime_types vector[string]
resp_fuids vector[string]
resp_filenames vector[string]
resp_mime_types vector[string]""" + _OURS + "encrypted bool"),
    "smtp": _fields(_PLACE + """
trans_depth count
helo string
mailfrom string
rcptto set[string]
date string
from string
to set[string]
cc set[string]
reply_to string
msg_id string
in_reply_to string
subject string
x_originating_ip addr
first_received string
second_received string
last_reply string
path vector[addr]
user_agent string
tls bool
fuids vector[string]""" + _OURS + "encrypted bool\nsize count"),
    "ssl": _fields(_PLACE + """
version string
cipher string
curve string
server_name string
resumed bool
last_alert string
next_protocol string
established bool
ssl_history string
cert_chain_fps vector[string]
client_cert_chain_fps vector[string]
sni_matches_cert bool
ja3 string
ja3s string
ja4 string""" + _OURS),
    "x509": _fields("""
ts time
fingerprint string
certificate.version count
certificate.serial string
certificate.subject string
certificate.issuer string
certificate.not_valid_before time
certificate.not_valid_after time
certificate.key_alg string
certificate.sig_alg string
certificate.key_type string
certificate.key_length count
certificate.exponent string
certificate.curve string
san.dns vector[string]
san.uri vector[string]
san.email vector[string]
san.ip vector[addr]
basic_constraints.ca bool
basic_constraints.path_len count
host_cert bool
client_cert bool
uid string""" + _OURS),
    "weird": _fields(_PLACE + """
name string
addl string
notice bool
peer string
source string
count count""" + _OURS),
    "notice": _fields(_PLACE + """
fuid string
file_mime_type string
file_desc string
proto enum
note enum
msg string
sub string
src addr
dst addr
p port
n count
peer_descr string
actions set[enum]
email_dest set[string]
suppress_for interval
remote_location.country_code string
remote_location.region string
remote_location.city string
remote_location.latitude double
remote_location.longitude double
severity string
confidence string
rule string
display_filter string""" + _OURS),
}
