"""The real servers: their configuration, and running them in the server's namespace."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from samples.vantage.network import (
    BROKEN,
    BUSY,
    CLIENT,
    NAMES,
    OFFERS,
    PATIENCE,
    PLAIN,
    RESOLVER,
    SERVER,
    STRICT,
    await_port,
    run,
    running,
)

USER, PASSWORD = "alice@example.com", "not-a-real-password"
MAIL_LOG = "postfix.log"

POSTFIX = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {log}
maillog_file_prefixes = {folder}
myhostname = {name}
mydestination =
alias_maps =
local_recipient_maps =
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtputf8_enable = yes
"""

RECEIVER = """
virtual_mailbox_domains = example.com
virtual_transport = discard:
smtpd_peername_lookup = no
smtpd_tls_security_level = may
smtpd_tls_chain_files = {certificate}
smtpd_tls_loglevel = 1
smtpd_tls_received_header = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {auth}
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
"""

SENDER = """
smtp_tls_security_level = {level}
smtp_dns_support_level = dnssec
smtp_tls_loglevel = 1
smtp_host_lookup = dns
myorigin = example.net
"""

MASTER = """
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
anvil     unix  - - n - 1 anvil
discard   unix  - - n - - discard
smtp      unix  - - n - - smtp
error     unix  - - n - - error
retry     unix  - - n - - error
scache    unix  - - n - 1 scache
proxymap  unix  - - n - - proxymap
pickup    unix  n - n 60 1 pickup
postlog   unix-dgram n - n - 1 postlogd
"""

DOVECOT = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap pop3 lmtp sieve
listen = {address}
hostname = {name}
ssl = {ssl}
ssl_cert = <{certificate}
ssl_key = <{certificate}
disable_plaintext_auth = {strict}
auth_mechanisms = plain
first_valid_uid = 1
mail_location = maildir:{folder}/mail
default_login_user = dovenull
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={folder}/mail
}}
service auth {{
  unix_listener {folder}/auth {{
    mode = 0666
  }}
}}
service imap-login {{
  inet_listener imaps {{
    port = 0
  }}
}}
service pop3-login {{
  inet_listener pop3s {{
    port = 0
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = 24
  }}
}}
service stats {{
  unix_listener stats-reader {{
    mode = 0666
  }}
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
"""

ZONE = """
$ORIGIN example.com.
$TTL 300
@           SOA  ns hostmaster 1 3600 600 86400 300
@           NS   ns
@           MX   10 mx
ns          A    {names}
mx          A    {offers}
plain       A    {plain}
strict      A    {strict}
_mta-sts    TXT  "v=STSv1; id=20261125T000000;"
mta-sts     A    {offers}
_25._tcp.mx TLSA 3 1 1 {pin}
_smtp._tls  TXT  "v=TLSRPTv1; rua=mailto:tls@example.com"
"""

NSD = """
server:
  ip-address: {names}
  username: ""
  database: ""
  zonesdir: "{folder}"
  zonelistfile: "{folder}/zones"
  xfrdfile: "{folder}/xfrd"
  xfrdir: "{folder}"
  pidfile: "{folder}/pid"
  hide-version: yes
remote-control:
  control-enable: no
zone:
  name: example.com
  zonefile: zone.signed
"""

UNBOUND = """
server:
  interface: {resolver}
  access-control: 0.0.0.0/0 allow
  do-daemonize: no
  do-ip6: no
  chroot: ""
  username: ""
  pidfile: ""
  directory: "{folder}"
  use-syslog: no
  trust-anchor: "{anchor}"
  outgoing-interface: {resolver}
  minimal-responses: yes
  local-zone: "." refuse
  local-zone: "example.com." transparent
remote-control:
  control-enable: no
stub-zone:
  name: example.com
  stub-addr: {names}
"""

VSFTPD = """
listen=YES
listen_address={address}
background=NO
anonymous_enable=YES
local_enable=NO
anon_root={folder}/public
secure_chroot_dir={folder}/empty
no_anon_password=NO
ssl_enable=YES
allow_anon_ssl=YES
force_local_logins_ssl=NO
force_local_data_ssl=NO
require_ssl_reuse=NO
rsa_cert_file={certificate}
rsa_private_key_file={certificate}
ssl_ciphers=HIGH
seccomp_sandbox=NO
isolate_network=NO
"""


def certificate(path: Path, name: str) -> Path:
    """A self-signed certificate on a curve, so that it is small, and its key."""
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650", "-subj",
        f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-keyout", f"{path}.key", "-out", f"{path}.crt")
    path.write_text(Path(f"{path}.key").read_text() + Path(f"{path}.crt").read_text())
    return path


def pin(path: Path) -> str:
    """The SHA-256 of the public key, as a TLSA record 3 1 1 has it (RFC 6698)."""
    run("openssl", "pkey", "-in", str(path), "-pubout", "-outform", "DER", "-out", f"{path}.der")
    return run("openssl", "dgst", "-sha256", f"{path}.der").rpartition("= ")[2].strip()


def postfix(folder: Path, name: str, settings: str, services: str, where: str) -> list[str]:
    """Write a configuration; gives the command that runs it."""
    conf = folder / "etc"
    conf.mkdir(parents=True)
    for made in ("queue", "data"):
        (folder / made).mkdir()
    shutil.chown(folder / "data", "postfix")
    (conf / "main.cf").write_text(POSTFIX.format(folder=folder, name=name, log=folder / MAIL_LOG) + settings)
    (conf / "master.cf").write_text(services + MASTER)
    run("postfix", "-c", str(conf), "check", at=where, check=False)
    return ["postfix", "-c", str(conf), "start-fg"]


def receiver(folder: Path, auth: Path, chain: Path) -> list[str]:
    """The mail server, at port 25 and 587 of all its addresses."""
    options = {OFFERS: "", PLAIN: " -o smtpd_tls_security_level=none -o smtpd_sasl_auth_enable=no",
               STRICT: " -o smtpd_tls_auth_only=yes", BROKEN: f" -o smtpd_tls_chain_files={folder}/none",
               BUSY: " -o smtpd_client_new_tls_session_rate_limit=1"}
    services = "".join(f"{address}:{port} inet n - n - - smtpd{option}\n"
                       for address, option in options.items() for port in (25, 587))
    return postfix(folder, "mx.example.com", RECEIVER.format(certificate=chain, auth=auth), services, SERVER)


def dovecot(folder: Path, address: str, name: str, ssl: str, strict: str, chain: Path) -> list[str]:
    """Write a configuration for one address; gives the command that runs it."""
    (folder / "mail").mkdir(parents=True)
    shutil.chown(folder / "mail", "mail", "mail")
    (folder / "conf").write_text(DOVECOT.format(folder=folder, address=address, name=name, ssl=ssl, strict=strict,
                                                certificate=chain, password=PASSWORD))
    return ["dovecot", "-F", "-c", str(folder / "conf")]


def nsd(folder: Path, chain: Path) -> list[str]:
    """Write the zone, sign it, and write the configuration of its name server; gives the command that runs it."""
    folder.mkdir()
    (folder / "zone").write_text(ZONE.format(names=NAMES, offers=OFFERS, plain=PLAIN, strict=STRICT, pin=pin(chain)))
    run("sh", "-c", f"cd {folder} && ldns-signzone zone $(ldns-keygen -a ECDSAP256SHA256 -k example.com)")
    (folder / "conf").write_text(NSD.format(folder=folder, names=NAMES))
    return ["nsd", "-d", "-c", str(folder / "conf")]


def unbound(folder: Path, zone: Path) -> list[str]:
    """Write the configuration of a resolver that trusts the zone's key; gives the command that runs it."""
    folder.mkdir()
    anchor = next(zone.glob("K*.ds")).read_text().strip().replace("\t", " ")
    (folder / "conf").write_text(UNBOUND.format(folder=folder, resolver=RESOLVER, names=NAMES, anchor=anchor))
    return ["unbound", "-d", "-c", str(folder / "conf")]


def vsftpd(folder: Path, address: str, chain: Path) -> list[str]:
    """Write the configuration of the FTP server; gives the command that runs it."""
    for made in ("public", "empty"):
        (folder / made).mkdir(parents=True)
    (folder / "public" / "hello.txt").write_text("Hello.\n")
    (folder / "conf").write_text(VSFTPD.format(folder=folder, address=address, certificate=chain))
    return ["vsftpd", str(folder / "conf")]


@contextmanager
def servers(folder: Path) -> Iterator[Path]:
    """All of them; gives the certificate of the mail server."""
    chain = certificate(folder / "mx.pem", "mx.example.com")
    auth = folder / "offers" / "auth"
    commands = {
        "offers": dovecot(folder / "offers", OFFERS, "mx.example.com", "yes", "no", chain),
        "plain": dovecot(folder / "plain", PLAIN, "plain.example.com", "no", "no", chain),
        "strict": dovecot(folder / "strict", STRICT, "strict.example.com", "yes", "yes", chain),
        "postfix": receiver(folder / "postfix", auth, chain),
        "nsd": nsd(folder / "nsd", chain),
        "unbound": unbound(folder / "unbound", folder / "nsd"),
        "vsftpd": vsftpd(folder / "vsftpd", OFFERS, chain),
    }
    with ExitStack() as stack:
        for name, command in commands.items():
            stack.enter_context(running(*command, at=SERVER, log=folder / f"{name}.out"))
        for address in (OFFERS, PLAIN, STRICT):
            for port in (25, 587, 143, 110, 24, 4190):
                await_port(address, port)
        await_port(NAMES, 53)
        await_port(RESOLVER, 53)
        await_port(OFFERS, 21)
        yield chain


def relay(folder: Path, level: str, message: str) -> str:
    """Send a mail by a Postfix in the client's namespace, which finds its way by the DNS; gives what it logs of it."""
    command = postfix(folder, "client.example.net", SENDER.format(level=level), "", CLIENT)
    log = folder / MAIL_LOG
    with running(*command, at=CLIENT, log=folder / "out"):
        run("sendmail", "-C", str(folder / "etc"), "-f", "bob@example.net", USER, at=CLIENT, give=message)
        until = time.monotonic() + PATIENCE
        while not (log.exists() and "status=" in log.read_text()) and time.monotonic() < until:
            time.sleep(0.1)
        return "".join(line for line in log.read_text().splitlines(keepends=True) if str(folder) not in line)
