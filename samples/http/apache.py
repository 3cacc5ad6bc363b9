"""Cases at Apache: the schemes that it checks itself, Kerberos and NTLM with it, and HTTP/2 by Upgrade."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from samples.cases import PASSWORD, WRONG, Case, Family, Login, News, client, exchanges
from samples.http.clients import NAME, curl
from samples.record import HOST, serving

PORT, SITE, KDC = 80, 8000, 88
REALM = "EXAMPLE.COM"
ANN = "grüße aus köln"
MODULES = ("mpm_event authn_core authn_file authz_core authz_user auth_basic auth_digest auth_gssapi alias headers mime "
           "proxy proxy_http http2")
CONFIGURATION = """
ServerName {name}
ServerRoot {folder}
PidFile {folder}/pid
DefaultRuntimeDir {folder}
Listen 127.0.0.1:{port}
User www-data
Group www-data
{modules}
TypesConfig /etc/mime.types
ErrorLog {folder}/error
LogFormat "%m %U%q %>s" exchange
CustomLog {folder}/log exchange
StartServers 1
Protocols h2c http/1.1
DocumentRoot {folder}/public
<Directory {folder}/public>
  Require all granted
  ForceType text/html
</Directory>
<Location /basic>
  AuthType Basic
  AuthName "members only"
  AuthUserFile {folder}/basic.users
  Require valid-user
</Location>
<Location /digest>
  AuthType Digest
  AuthName members
  AuthUserFile {folder}/digest.users
  Require valid-user
</Location>
<Location /ntlm>
  AuthType GSSAPI
  AuthName members
  GssapiAllowedMech ntlmssp
  GssapiConnectionBound On
  Require valid-user
</Location>
<Location /negotiate>
  AuthType GSSAPI
  AuthName members
  GssapiAllowedMech krb5
  GssapiCredStore keytab:{folder}/http.keytab
  Require valid-user
</Location>
ProxyPass /site http://127.0.0.1:{site}
"""
KERBEROS = """
[libdefaults]
  default_realm = {realm}
  dns_lookup_kdc = false
  dns_canonicalize_hostname = false
  rdns = false
  udp_preference_limit = 1
[realms]
  {realm} = {{
    kdc = 127.0.0.1:{port}
    database_name = {folder}/principal
    key_stash_file = {folder}/stash
    kdc_listen = 127.0.0.1:{port}
    kdc_tcp_listen = 127.0.0.1:{port}
  }}
"""
LEGACY = """openssl_conf = init
[init]
providers = all
[all]
default = on
legacy = on
[on]
activate = 1
"""
NTLM = """import requests, requests_ntlm, sys
url, host, user, password = sys.argv[1:]
requests.get(url, auth=requests_ntlm.HttpNtlmAuth(user, password), headers={"Host": host})
"""
TICKET: dict[str, str] = {}
"""The environment in which Kerberos is found, with the ticket of jan; filled while the family runs."""


def kerberos(folder: Path) -> Mapping[str, str]:
    """A realm with jan and the web server; gives the environment of its programs."""
    settings = folder / "krb5.conf"
    settings.write_text(KERBEROS.format(realm=REALM, folder=folder, port=KDC))
    environment = {**os.environ, "KRB5_CONFIG": str(settings), "KRB5_KDC_PROFILE": str(settings),
                   "KRB5CCNAME": f"FILE:{folder}/ticket", "NTLM_USER_FILE": str(folder / "ntlm.users")}
    for words in (("kdb5_util", "create", "-s", "-P", "master", "-r", REALM),
                  ("kadmin.local", "addprinc", "-pw", PASSWORD, "jan"),
                  ("kadmin.local", "addprinc", "-randkey", f"HTTP/{NAME}"),
                  ("kadmin.local", "ktadd", "-k", str(folder / "http.keytab"), f"HTTP/{NAME}")):
        subprocess.run(words, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    (folder / "http.keytab").chmod(0o644)
    return environment


def users(folder: Path) -> None:
    """The files that the schemes look into."""
    for user, password in (("jan", PASSWORD), ("ann", ANN)):
        subprocess.run(["htpasswd", "-bB", *(["-c"] if user == "jan" else []), str(folder / "basic.users"), user, password],
                       check=True, stderr=subprocess.DEVNULL)
    subprocess.run(["htdigest", "-c", str(folder / "digest.users"), "members", "jan"],
                   input=f"{PASSWORD}\n{PASSWORD}\n", text=True,
                   check=True, stdout=subprocess.DEVNULL)
    (folder / "ntlm.users").write_text(f"EXAMPLE:jan:{PASSWORD}\n")
    for path in folder.glob("*.users"):
        path.chmod(0o644)


@contextmanager
def running(folder: Path) -> Iterator[News]:
    """Apache, with the small site behind it and the realm's KDC."""
    environment = kerberos(folder)
    users(folder)
    (folder / "public").mkdir()
    for place in ("basic", "digest", "ntlm", "negotiate"):
        (folder / "public" / place).write_text(f"<!doctype html><p>Behind {place}.\n")
    modules = "\n".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in MODULES.split())
    configuration = folder / "apache.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, name=NAME, port=PORT, site=SITE, modules=modules))
    with ExitStack() as stack:
        stack.enter_context(serving(["krb5kdc", "-n", "-r", REALM], KDC, environment))
        subprocess.run(["kinit", "jan"], input=f"{PASSWORD}\n", text=True, env=environment, check=True, stdout=subprocess.DEVNULL)
        TICKET.update(environment)
        stack.enter_context(serving([sys.executable, "-P", "-m", "samples.http.site", str(SITE), folder / "site.log"], SITE))
        stack.enter_context(serving(["apache2", "-DFOREGROUND", "-f", configuration], PORT, environment))
        yield exchanges(folder / "log")


def secured(path: str, scheme: str, user: str, password: str) -> Callable[[], object]:
    """A page behind a login, by curl."""
    return curl(path, f"--{scheme}", "-u", f"{user}:{password}")


def both(mechanism: str, shown: str, user: str = "jan") -> list[Login]:
    """Rejected with the wrong password, accepted with the right one."""
    return [Login(mechanism, user, WRONG, "rejected", shown), Login(mechanism, user, PASSWORD, "accepted", shown)]


def negotiated(user: str, password: str) -> Callable[[], object]:
    """Negotiate by curl's GSS-API, which says NTLM as it has no ticket."""
    def run() -> None:
        known = Path(TICKET["NTLM_USER_FILE"]).with_name("ntlm.client")
        known.write_text(f"EXAMPLE:{user}:{password}\n")
        environment = {**TICKET, "KRB5CCNAME": "FILE:/nowhere", "NTLM_USER_FILE": str(known)}
        curl("/ntlm", "--negotiate", "-u", ":", environment=environment)()
    return run


def ntlm(user: str, password: str) -> Callable[[], object]:
    """NTLM by Python's requests, which needs an MD4: Apache's mechanism does not take curl's first message."""
    def run() -> None:
        legacy = Path(TICKET["NTLM_USER_FILE"]).with_name("openssl.conf")
        legacy.write_text(LEGACY)
        client("/usr/bin/python3", "-c", NTLM, f"http://{HOST}/ntlm", NAME, user, password,
               environment={"OPENSSL_CONF": str(legacy)})()
    return run


def upgraded(*words: str) -> list[str]:
    """Words of curl for a request that asks for HTTP/2, or is on a connection that has it."""
    return ["-sk", "-m", "10", "--http2", "--resolve", f"{NAME}:{PORT}:{HOST}", *words]


CASES = [
    Case("basic", "Basic: asked for, rejected, accepted, and a password that is not ASCII",
         [curl("/basic"), *(secured("/basic", "basic", "jan", one) for one in (WRONG, PASSWORD)),
          secured("/basic", "basic", "ann", ANN)],
         [*both("basic", "password"), Login("basic", "ann", ANN, "accepted")]),
    Case("digest-apache", "Digest with MD5 by mod_auth_digest: a wrong password, then the right one",
         [secured("/digest", "digest", "jan", one) for one in (WRONG, PASSWORD)], both("digest", "challenge-response")),
    Case("ntlm", "NTLMv2 over three requests of one connection, rejected and accepted",
         [ntlm(r"EXAMPLE\jan", one) for one in (WRONG, PASSWORD)], both("ntlm", "challenge-response"), {"domain": "EXAMPLE"}),
    Case("negotiate-ntlm", "Negotiate with NTLMv2 inside, rejected and accepted",
         [negotiated("jan", one) for one in (WRONG, PASSWORD)], both("negotiate", "challenge-response"), {"domain": "EXAMPLE"}),
    Case("negotiate", "Negotiate with Kerberos: without a ticket, then with it",
         [curl("/negotiate"), lambda: curl("/negotiate", "--negotiate", "-u", ":", environment=TICKET)()],
         [Login("negotiate", "", "", "accepted", "token")]),
    Case("h2c-upgrade",
         "HTTP/2 by Upgrade: Basic rejected; accepted in the request that upgrades, then a form and Basic again behind it",
         [client("curl", *upgraded("-u", f"jan:{WRONG}", f"http://{NAME}/basic")),
          client("curl", *upgraded("-u", f"jan:{PASSWORD}", f"http://{NAME}/basic"),
                 "--next", *upgraded("-d", f"username=jan&password={PASSWORD}", f"http://{NAME}/site/login"),
                 "--next", *upgraded("-u", f"ann:{ANN}", f"http://{NAME}/basic"))],
         [*both("basic", "password"), Login("form", "jan", PASSWORD, "accepted"), Login("basic", "ann", ANN, "accepted")]),
]
FAMILY = Family("Apache 2.4.71 with mod_http2, mod_auth_gssapi and gss-ntlmssp, MIT Kerberos 1.20, curl 7.88",
                (PORT,), running, CASES)
