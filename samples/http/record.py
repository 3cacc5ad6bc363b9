"""Records HTTP's cases again, with real servers and clients: `python -m samples.http.record [CASE ...]`, as root on Debian.

Writes the captures and `expected.json`. It names the Debian packages that are missing.
"""

from __future__ import annotations

import sys
from pathlib import Path

from samples.cases import missing, record
from samples.http import apache, nghttpd, nginx, squid, strip, web, websocket

PACKAGES = {
    "apache2": "apache2", "htdigest": "apache2-utils", "curl": "curl", "ethtool": "ethtool", "nginx": "nginx",
    "ip": "iproute2", "nft": "nftables", "squid": "squid", "nghttpd": "nghttp2-server", "nghttp": "nghttp2-client",
    "openssl": "openssl", "tcpdump": "tcpdump", "krb5kdc": "krb5-kdc", "kadmin.local": "krb5-admin-server", "kinit": "krb5-user",
    "/usr/lib/apache2/modules/mod_auth_gssapi.so": "libapache2-mod-auth-gssapi",
    "/etc/gss/mech.d/mech.ntlmssp.conf": "gss-ntlmssp",
    "/usr/lib/nginx/modules/ngx_http_brotli_filter_module.so": "libnginx-mod-http-brotli-filter",
    **{f"/usr/lib/python3/dist-packages/{name}": f"python3-{name.replace('_', '-')}"
       for name in ("h2", "httpx", "requests_ntlm", "websockets")},
}
"""What has to be there, and the Debian package that has it."""
FAMILIES = [web.FAMILY, apache.FAMILY, nginx.FAMILY, nghttpd.FAMILY, squid.FAMILY, websocket.FAMILY]


def main() -> None:
    """Record the cases that are named, or all."""
    if lacking := missing(PACKAGES):
        sys.exit(f"apt-get install --no-install-recommends {' '.join(lacking)}")
    here = Path(__file__).parent
    record(here, FAMILIES, strip.record(here, sys.argv[1:]))


if __name__ == "__main__":
    main()
