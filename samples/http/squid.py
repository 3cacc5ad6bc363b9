"""Cases at Squid: logins at a proxy, and tunnels through it."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from samples.cases import PASSWORD, WRONG, Case, Family, Login, News, client, exchanges
from samples.http.clients import NAME
from samples.record import HOST, certificate, serving

PORT, SITE, SECURE = 3128, 80, 443
CONFIGURATION = """
http_port {host}:{port}
visible_hostname proxy.example.com
pid_filename {folder}/pid
coredump_dir {folder}
cache_log {folder}/cache.log
logformat exchange %rm %ru %>Hs
access_log stdio:{folder}/log exchange
hosts_file {folder}/hosts
pinger_enable off
cache deny all
cache_mem 1 MB
max_filedescriptors 1024
shutdown_lifetime 1 second
auth_param ntlm program /usr/lib/squid/ntlm_fake_auth
auth_param ntlm children 2 startup=1
auth_param digest program /usr/lib/squid/digest_file_auth -c {folder}/digest.users
auth_param digest realm proxy
auth_param digest children 2 startup=1
auth_param basic program /usr/lib/squid/basic_ncsa_auth {folder}/basic.users
auth_param basic realm proxy
auth_param basic children 2 startup=1
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
"""


@contextmanager
def running(folder: Path) -> Iterator[News]:
    """Squid, and behind it the small site and a server with TLS."""
    shutil.chown(folder, "proxy", "proxy")
    subprocess.run(["htpasswd", "-bc", folder / "basic.users", "jan", PASSWORD], check=True, stderr=subprocess.DEVNULL)
    first = hashlib.md5(f"jan:proxy:{PASSWORD}".encode()).hexdigest()
    (folder / "digest.users").write_text(f"jan:proxy:{first}\n")
    (folder / "hosts").write_text(f"{HOST} {NAME}\n")
    settings = folder / "squid.conf"
    settings.write_text(CONFIGURATION.format(folder=folder, host=HOST, port=PORT))
    for path in folder.iterdir():
        path.chmod(0o644)
    chain, key = certificate(folder, NAME)
    with (serving([sys.executable, "-P", "-m", "samples.http.site", str(SITE), folder / "site.log"], SITE),
          serving(["openssl", "s_server", "-quiet", "-www", "-accept", f"{HOST}:{SECURE}", "-cert", chain, "-key", key], SECURE),
          serving(["squid", "-N", "-f", settings], PORT)):
        yield exchanges(folder / "log")


def through(*words: str, user: str = "jan", password: str = PASSWORD) -> Callable[[], object]:
    """One run of curl through the proxy."""
    return client("curl", "-sk", "-m", "10", "-x", f"http://{HOST}:{PORT}", "-U", f"{user}:{password}", *words)


def both(mechanism: str, shown: str) -> list[Login]:
    """Rejected with the wrong password, accepted with the right one."""
    return [Login(mechanism, "jan", WRONG, "rejected", shown), Login(mechanism, "jan", PASSWORD, "accepted", shown)]


PAGE, FORM = f"http://{NAME}/", f"http://{NAME}/login"
PROXY = {"proxy": True}
CASES = [
    Case("proxy-basic", "Basic at a proxy: none, rejected, accepted; then with a login at the site as well",
         [client("curl", "-s", "-m", "10", "-x", f"http://{HOST}:{PORT}", PAGE),
          *(through("--proxy-basic", PAGE, password=one) for one in (WRONG, PASSWORD)),
          through("--proxy-basic", "-d", f"username=jan&password={WRONG}", FORM)],
         [*both("proxy-basic", "password"), Login("proxy-basic", "jan", PASSWORD, "accepted"),
          Login("form", "jan", WRONG, "rejected")], PROXY),
    Case("proxy-digest", "Digest at a proxy, rejected and accepted",
         [through("--proxy-digest", PAGE, password=one) for one in (WRONG, PASSWORD)],
         both("proxy-digest", "challenge-response"), PROXY),
    Case("proxy-ntlm", "NTLM at a proxy, whose helper believes everything", [through("--proxy-ntlm", PAGE, user=r"EXAMPLE\jan")],
         [Login("proxy-ntlm", "jan", PASSWORD, "accepted", "challenge-response")], {**PROXY, "domain": "EXAMPLE"}),
    Case("connect-tls", "a tunnel to a server with TLS: refused, then opened for a login in the clear",
         [through("--proxy-basic", f"https://{NAME}/", password=one) for one in (WRONG, PASSWORD)],
         both("proxy-basic", "password"), PROXY),
    Case("connect-http", "a tunnel to a server without TLS, with a login by form inside it",
         [through("--proxy-basic", "-p", "-d", f"username=jan&password={PASSWORD}", FORM)],
         [Login("proxy-basic", "jan", PASSWORD, "accepted"), Login("form", "jan", PASSWORD, "accepted")],
         {**PROXY, "inside": ["POST /login 303"]}),
]
FAMILY = Family("Squid 5.7, curl 7.88", (PORT,), running, CASES)
