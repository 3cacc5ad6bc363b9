"""Cases at the small web site of `site.py`."""

from __future__ import annotations

import hashlib
import http.client
import sys
import xmlrpc.client
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from samples.cases import PASSWORD, WRONG, Case, Family, Login, News, client, exchanges
from samples.http.clients import NAME, curl, raw
from samples.http.site import CODINGS, KEY, PAGE, PASSWORDS, TOKEN
from samples.record import HOST, serving

PORT = 80
SECURITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
HEAD = f"Host: {NAME}\r\n".encode()


@contextmanager
def running(folder: Path) -> Iterator[News]:
    """The site."""
    log = folder / "log"
    with serving([sys.executable, "-P", "-m", "samples.http.site", str(PORT), log], PORT):
        yield exchanges(log)


def form(user: str, password: str, *words: str) -> Callable[[], object]:
    """A form with a name and a password, sent by curl; where it is right, what it leads to is fetched as well."""
    return curl("/login", "-L", "-b", "", "--data-urlencode", f"username={user}", "--data-urlencode",
                f"password={password}", *words)


def browser(user: str, password: str) -> Callable[[], object]:
    """One connection as a browser uses it: the form, what was typed, and where it leads."""
    def run() -> None:
        connection = http.client.HTTPConnection(HOST, PORT, timeout=5)
        head = {"Host": NAME, "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"}
        connection.request("GET", "/login", headers=head)
        connection.getresponse().read()
        connection.request("POST", "/login", f"username={user}&password={password}&remember=on",
                           {**head, "Content-Type": "application/x-www-form-urlencoded", "Referer": f"http://{NAME}/login"})
        response = connection.getresponse()
        response.read()
        if cookie := response.getheader("Set-Cookie"):
            for path in ("/home", "/logout"):
                connection.request("GET", path, headers={**head, "Cookie": cookie.partition(";")[0]})
                connection.getresponse().read()
        connection.close()
    return run


def upload(folder: str, *words: str) -> Callable[[], object]:
    """A form with a file, by curl; the file is curl's own input."""
    return client("curl", "-s", "-m", "10", "--resolve", f"{NAME}:80:{HOST}", *words, f"http://{NAME}{folder}",
                  give="password=not-a-login\nname,amount\nann,3\n")


def rpc(user: str, password: str) -> Callable[[], object]:
    """A login by XML-RPC and a call in its session."""
    def run() -> None:
        with xmlrpc.client.ServerProxy(f"http://{HOST}/rpc") as server:
            session = server.session.login(user, password)
            if session:
                server.session.list(session)
    return run


def json_login(password: str) -> Callable[[], object]:
    """A login by JSON."""
    return curl("/api/login", "-H", "Content-Type: application/json", "--data",
                f'{{"email": "jan@example.com", "password": "{password}", "remember": true}}')


def soap(password: str, header: bool) -> Callable[[], object]:
    """A login by SOAP 1.1: in the header as WS-Security has it, or in the body."""
    security = f'<s:Header><wsse:Security xmlns:wsse="{SECURITY}"><wsse:UsernameToken><wsse:Username>jan</wsse:Username>' \
               f"<wsse:Password>{password}</wsse:Password></wsse:UsernameToken></wsse:Security></s:Header>"
    login = f"<login><username>jan</username><password>{password}</password></login>"
    said = f"{security}<s:Body><list/></s:Body>" if header else f"<s:Body>{login}</s:Body>"
    return curl("/soap", "-H", "Content-Type: text/xml; charset=utf-8", "-H", 'SOAPAction: "urn:login"', "--data",
                f'<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">{said}</s:Envelope>')


def pages() -> dict[str, Any]:
    """What every page is, once decoded."""
    return {"decoded": {"bytes": len(PAGE), "sha256": hashlib.sha256(PAGE).hexdigest()}}


ANN = PASSWORDS["ann"]
TRIED = [Login("form", "jan", WRONG, "rejected"), Login("form", "jan", PASSWORD, "accepted")]
CASES = [
    Case("form-urlencoded",
         "a wrong password, which shows the form again; the right one leads to a page of its own by redirect and "
         "cookie; and one that is not ASCII", [form("jan", WRONG), form("jan", PASSWORD), form("ann", ANN)],
         [*TRIED, Login("form", "ann", ANN, "accepted")]),
    Case("form-browser", "the same in connections that go on, as a browser has them",
         [browser("jan", WRONG), browser("jan", PASSWORD)], TRIED),
    Case("form-multipart", "a login in multipart/form-data",
         [curl("/login", "-F", "username=jan", "-F", f"password={one}") for one in (WRONG, PASSWORD)], TRIED),
    Case("form-upload", "a login with a file in the same form, and a file alone whose content looks like a login but is none",
         [upload("/login", "-F", "username=jan", "-F", f"password={PASSWORD}", "-F", "list=@-;filename=list.csv;type=text/csv"),
          upload("/upload", "-F", "list=@-;filename=list.csv;type=text/csv")], TRIED[1:]),
    Case("form-json", "a login by JSON, refused by 401 and answered by a token, and the token used",
         [json_login(WRONG), json_login(PASSWORD), curl("/api/me", "-H", f"Authorization: Bearer {TOKEN}")],
         [Login("form", "jan@example.com", WRONG, "rejected"), Login("form", "jan@example.com", PASSWORD, "accepted"),
          Login("bearer", "", TOKEN, "accepted", "token")]),
    Case("form-chunked", "a form in chunks, behind a 100", [form("jan", PASSWORD, "-H", "Transfer-Encoding: chunked", "-H",
                                                                "Expect: 100-continue")], TRIED[1:]),
    Case("bearer", "a token that the server does not know, and one that it does",
         [curl("/api/me", "-H", "Authorization: Bearer unknown-token"), curl("/api/me", "--oauth2-bearer", TOKEN)],
         [Login("bearer", "", "unknown-token", "rejected", "token"), Login("bearer", "", TOKEN, "accepted", "token")]),
    Case("api-key", "a key in a header, wrong and right, and in the query",
         [curl("/api/me", "-H", "X-API-Key: 0000000000000000"), curl("/api/me", "-H", f"X-API-Key: {KEY}"),
          curl(f"/api/me?api_key={KEY}&page=2")], facts={"keys": [KEY]}),
    *(Case(f"digest-{name.lower()}", f"Digest with {name}: a wrong password, then the right one",
           [curl(f"/digest/{name}", "--digest", "-u", f"jan:{one}") for one in (WRONG, PASSWORD)],
           [Login("digest", "jan", WRONG, "rejected", "challenge-response"),
            Login("digest", "jan", PASSWORD, "accepted", "challenge-response")])
      for name in ("MD5", "MD5-sess", "SHA-256", "SHA-256-sess")),
    Case("digest-rfc2069", "Digest without qop, as RFC 2069 had it: a wrong password, then the right one",
         [curl("/digest/rfc2069/MD5", "--digest", "-u", f"jan:{one}") for one in (WRONG, PASSWORD)],
         [Login("digest", "jan", WRONG, "rejected", "challenge-response"),
          Login("digest", "jan", PASSWORD, "accepted", "challenge-response")]),
    Case("codings", "one page as gzip, deflate, deflate without its wrapper, Brotli, Zstandard, as it is, and coded twice",
         [curl(f"/page/{name}") for name in (*CODINGS, "deflate/gzip")], facts=pages()),
    Case("trailers", "chunks with an extension, and a trailer", [curl("/trailers")], facts=pages()),
    Case("hints", "103 Early Hints before the response", [curl("/hints")], facts=pages()),
    Case("continue", "bodies that wait for 100 Continue: by curl, and by hand",
         [curl("/file", "-X", "PUT", "-H", "Expect: 100-continue", "--data-binary", "x" * 2000),
          raw(PORT, b"PUT /file HTTP/1.1\r\n" + HEAD + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n", b"hello")]),
    Case("pipelined", "four requests at once, answered in their order, the second a login",
         [raw(PORT, b"GET /login HTTP/1.1\r\n" + HEAD + b"\r\nPOST /login HTTP/1.1\r\n" + HEAD +
              b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 35\r\n\r\nusername=jan&password=correct-horse"
              b"HEAD / HTTP/1.1\r\n" + HEAD + b"\r\nGET /api/me HTTP/1.1\r\n" + HEAD + b"Connection: close\r\n\r\n")], TRIED[1:]),
    Case("http-1.0", "HTTP/1.0, with and without keep-alive, its form, and HTTP/0.9, which is one line and a body",
         [curl("/", "-0"), curl("/login", "-0", "-d", f"username=jan&password={PASSWORD}"),
          raw(PORT, b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", b"GET /login HTTP/1.0\r\n\r\n"),
          raw(PORT, b"GET /\r\n")],
         TRIED[1:]),
    Case("weak", "a page whose headers protect little: HSTS without TLS, cookies without attributes, HPKP, a CSP that allows all",
         [curl("/weak")]),
    Case("xml-rpc", "a login by XML-RPC, wrong and right, and a call in its session", [rpc("jan", WRONG), rpc("jan", PASSWORD)],
         [Login("form", "jan", WRONG, "rejected"), Login("form", "jan", PASSWORD, "accepted")]),
    Case("soap", "a login by SOAP 1.1: in the body, wrong and right, and as WS-Security has it",
         [soap(WRONG, False), soap(PASSWORD, False), soap(PASSWORD, True)],
         [Login("form", "jan", WRONG, "rejected"), Login("form", "jan", PASSWORD, "accepted"),
          Login("form", "jan", PASSWORD, "accepted")]),
]
FAMILY = Family("a site on Python's http.server, curl, Python's http.client and xmlrpc.client", (PORT,), running, CASES)
