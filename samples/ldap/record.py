"""Records LDAP with OpenLDAP: simple binds and SASL, rejected and accepted.

`python -m samples.ldap.record`, as root. Needs slapd, ldap-utils, libsasl2-modules and tcpdump.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from samples.record import HOST, recording, run, serving

PORT = 389
CONFIGURATION = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {0}/pid
password-hash {{CLEARTEXT}}
sasl-host ldap.example.com
sasl-realm example.com
sasl-secprops none
authz-regexp uid=([^,]*),cn=[^,]*(,cn=[^,]*)?,cn=auth cn=$1,dc=example,dc=com
database mdb
suffix dc=example,dc=com
directory {0}
access to attrs=userPassword by anonymous auth by self read
access to * by * read
"""
ENTRIES = """
dn: dc=example,dc=com
objectClass: dcObject
objectClass: organization
o: sample
dc: example

dn: cn=jan,dc=example,dc=com
objectClass: inetOrgPerson
cn: jan
sn: jan
userPassword: battery-staple
"""


def main() -> None:
    """Write the capture."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        configuration = folder / "slapd.conf"
        configuration.write_text(CONFIGURATION.format(folder))
        subprocess.run(["slapadd", "-f", configuration], input=ENTRIES, text=True, check=True)
        server = ["/usr/sbin/slapd", "-d", "0", "-f", configuration, "-h", f"ldap://{HOST}:{PORT}"]
        with serving(server, PORT), recording(Path(__file__).with_name("binds.pcap"), PORT):
            for word in ("wrong-staple", "battery-staple"):
                run("ldapwhoami", "-H", f"ldap://{HOST}", "-x", "-D", "cn=jan,dc=example,dc=com", "-w", word)
            for mechanism in ("PLAIN", "CRAM-MD5", "DIGEST-MD5", "NTLM", "SCRAM-SHA-256"):
                for word in ("wrong-staple", "battery-staple"):
                    run("ldapwhoami", "-H", f"ldap://{HOST}", "-Y", mechanism, "-O", "none", "-U", "jan", "-w", word)


if __name__ == "__main__":
    main()
