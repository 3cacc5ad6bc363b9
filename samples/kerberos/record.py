"""Records Kerberos with MIT's KDC: time stamps rejected and accepted with three encryptions, a user who need send none, and
tickets for services; over UDP and TCP.

`python -m samples.kerberos.record`, as root. Needs krb5-kdc, krb5-admin-server, krb5-user and tcpdump.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from samples.record import HOST, recording, run, serving

PORT = 88
REALM = "EXAMPLE.COM"
TYPES = "aes256-cts-hmac-sha1-96 aes128-cts-hmac-sha1-96 arcfour-hmac"
CLIENT = """
[libdefaults]
 default_realm = {realm}
 dns_lookup_kdc = false
 dns_canonicalize_hostname = false
 rdns = false
 allow_weak_crypto = true
 allow_rc4 = true
 permitted_enctypes = {types}
 default_tkt_enctypes = {types}
 default_tgs_enctypes = {types}
 udp_preference_limit = {limit}
[realms]
 {realm} = {{
  kdc = {host}
 }}
"""
SERVER = """
[kdcdefaults]
 kdc_listen = {host}:88
 kdc_tcp_listen = {host}:88
[realms]
 {realm} = {{
  database_name = {folder}/principal
  key_stash_file = {folder}/stash
  acl_file = {folder}/acl
  master_key_type = aes256-cts-hmac-sha1-96
  supported_enctypes = aes256-cts-hmac-sha1-96:normal aes128-cts-hmac-sha1-96:normal arcfour-hmac:normal
  default_principal_flags = +preauth
  disable_pac = true
 }}
[logging]
 kdc = FILE:/dev/null
"""
ACCOUNTS = """
add_principal -pw battery-staple jan
add_principal -pw battery-staple -e aes128-cts-hmac-sha1-96:normal ann
add_principal -pw battery-staple -e arcfour-hmac:normal eva
add_principal -pw battery-staple -requires_preauth -e arcfour-hmac:normal tom
add_principal -pw battery-staple -requires_preauth -e aes256-cts-hmac-sha1-96:normal ida
add_principal -pw correct-horse -e arcfour-hmac:normal http/www.example.com
add_principal -pw correct-horse -e aes256-cts-hmac-sha1-96:normal imap/mail.example.com
"""


def main() -> None:
    """Write the capture."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, text, limit in (("udp.conf", CLIENT, 4096), ("tcp.conf", CLIENT, 1), ("kdc.conf", SERVER, 0)):
            (folder / file).write_text(text.format(realm=REALM, types=TYPES, host=HOST, folder=folder, limit=limit))
        udp, tcp = ({**os.environ, "KRB5_CONFIG": str(folder / f"{way}.conf"), "KRB5_KDC_PROFILE": str(folder / "kdc.conf"),
                     "KRB5CCNAME": str(folder / "cache")} for way in ("udp", "tcp"))
        subprocess.run(["kdb5_util", "-r", REALM, "create", "-s", "-P", "master"], env=udp, check=True)
        subprocess.run(["kadmin.local", "-r", REALM], env=udp, input=ACCOUNTS, text=True, check=True)
        with (serving(["/usr/sbin/krb5kdc", "-n", "-P", folder / "pid"], PORT, udp),
              recording(Path(__file__).with_name("kdc.pcap"), f"port {PORT}")):
            run("kinit", "jan", environment=udp, said="wrong-staple\n")
            for user in ("ann", "eva", "tom", "ida"):
                run("kinit", user, environment=udp, said="battery-staple\n")
            run("kinit", "jan", environment=tcp, said="battery-staple\n")
            run("kvno", "http/www.example.com", environment=udp)
            run("kvno", "imap/mail.example.com", environment=tcp)


if __name__ == "__main__":
    main()
