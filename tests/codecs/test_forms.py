"""Fields of forms in every encoding: decoded, as sent, and where; broken, nested, cut and hostile ones."""

from __future__ import annotations

import time

import pytest

from pcapkit.codecs.forms import Field, json_fields, multipart, urlencoded
from pcapkit.codecs.xmlforms import unescaped, xml_fields


def shown(data: bytes, fields: list[Field]) -> list[tuple[str, str | None, str | None]]:
    """Name, value and what was sent, which must stand where it is said to."""
    for f in fields:
        if f.stop and f.raw is not None:
            assert data[f.start:f.stop].decode("utf-8", "replace") == f.raw
    return [(f.name, f.value, f.raw) for f in fields]


@pytest.mark.parametrize(("data", "fields"), [
    (b"a=1&a=2&b=", [("a", "1", "1"), ("a", "2", "2"), ("b", "", "")]),
    (b"p=a+b%26c", [("p", "a b&c", "a+b%26c")]),
    (b"p=100%&q=%zz%4", [("p", "100%", "100%"), ("q", "%zz%4", "%zz%4")]),
    (b"&&flag&=x", [("flag", "", ""), ("", "x", "x")]),
    (b"n=%E4%F6&m=%C3%A4", [("n", "äö", "%E4%F6"), ("m", "ä", "%C3%A4")]),
    (b"a=1&password=hun", [("a", "1", "1"), ("password", "hun", "hun")])])
def test_urlencoded(data: bytes, fields: list[tuple[str, str, str]]) -> None:
    assert shown(data, urlencoded(data, 10)) == fields


def part(head: str, body: str) -> str:
    return f"--b\r\nContent-Disposition: form-data; {head}\r\n\r\n{body}\r\n"


def test_multipart() -> None:
    data = "".join([part('name="user"', "jan"), part('name="user"', ""), part('name="f"; filename="a.bin"', "\0\1"),
                    "--b--\r\n"]).encode()
    assert shown(data, multipart(data, "b", 10)) == [("user", "jan", "jan"), ("user", "", ""), ("f", None, None)]


def test_multipart_that_is_cut_shows_what_there_is() -> None:
    data = (part('name="user"', "jan") + part('name="password"', "hush")).encode()
    assert shown(data[:-4], multipart(data[:-4], "b", 10)) == [("user", "jan", "jan"), ("password", "hu", "hu")]


def test_multipart_in_multipart() -> None:
    inner = ('--i\r\nContent-Disposition: file; filename="1.txt"\r\nContent-Type: text/plain\r\n\r\none\r\n--i\r\n\r\ntwo\r\n'
             '--i--\r\n')
    data = (f'--b\r\nContent-Disposition: form-data; name="files"\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n{inner}\r\n'
            + part('name="user"', "jan") + "--b--").encode()
    assert shown(data, multipart(data, "b", 10)) == [("user", "jan", "jan"), ("files", "one", "one"), ("files", "two", "two")]


def test_multipart_in_itself_ends() -> None:
    head = b"--b\r\nContent-Disposition: form-data; name=a\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    start = time.process_time()
    assert len(multipart(head * 20_000, "b", 1_000)) <= 1_000 and time.process_time() - start < 5


def test_json_values_are_found_also_where_they_are_written_with_escapes() -> None:
    data = rb'{"user": {"name": "j\u00e4n"}, "password": "a\"b\u00e4", "n": 5, "again": ["x", true]}'
    assert shown(data, json_fields(data, 10)) == [
        ("user.name", "jän", r"j\u00e4n"), ("password", 'a"bä', r'a\"b\u00e4'), ("n", "5", "5"), ("again.0", "x", "x"),
        ("again.1", "true", "true")]
    assert [f.literal for f in json_fields(data, 10)] == [False, False, True, False, True]


SOAP = b"""<?xml version="1.0"?><!-- <password>no</password> -->
<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>
<m:login xmlns:m="urn:x"><m:userName>j&#228;n</m:userName><m:password><![CDATA[a<b]]></m:password><empty/></m:login>
</soap:Body></soap:Envelope>"""


def test_soap() -> None:
    assert shown(SOAP, xml_fields(SOAP, 10, 1 << 20)) == [
        ("login.userName", "jän", "j&#228;n"), ("login.password", "a<b", "a<b")]


def test_attributes_and_digests_of_ws_security() -> None:
    data = (b'<l user="jan" password="p&amp;w"/><w:UsernameToken><w:Username>ann</w:Username>'
            b'<w:Password Type="http://x#PasswordDigest">cXdl</w:Password></w:UsernameToken>')
    assert shown(data, xml_fields(data, 10, 1 << 20)) == [
        ("l.user", "jan", "jan"), ("l.password", "p&w", "p&amp;w"), ("UsernameToken.Username", "ann", "ann"),
        ("UsernameToken.Password.PasswordDigest", "cXdl", "cXdl")]


def call(method: str, *values: str) -> bytes:
    params = "".join(f"<param><value><string>{v}</string></value></param>" for v in values)
    return f"<?xml version='1.0'?><methodCall><methodName>{method}</methodName><params>{params}</params></methodCall>".encode()


def test_xml_rpc_names_the_parameters_of_known_methods() -> None:
    data = call("wp.getPosts", "1", "jan", "hush")
    assert shown(data, xml_fields(data, 10, 1 << 20)) == [
        ("wp.getPosts.0", "1", "1"), ("wp.getPosts.username", "jan", "jan"), ("wp.getPosts.password", "hush", "hush")]
    assert xml_fields(call("wp.getPostFormats.x", "1"), 10, 1 << 20) == [] == xml_fields(call("sum", "1", "2"), 10, 1 << 20)


def test_xml_rpc_structures() -> None:
    data = (b"<methodCall><methodName>User.login</methodName><params><param><value><struct><member><name>login</name><value>"
            b"<string>jan</string></value></member><member><name>password</name><value>hush</value></member></struct></value>"
            b"</param></params></methodCall>")
    assert shown(data, xml_fields(data, 10, 1 << 20)) == [
        ("User.login.login", "jan", "jan"), ("User.login.password", "hush", "hush")]


@pytest.mark.parametrize("data", [
    b"<!DOCTYPE x [<!ENTITY a 'b'>]><x><password>&a;</password></x>", b"<password>", b"<password", b"<a><b><password>x",
    b"", b"no tags", b"<!-- <password>x</password>", b"<![CDATA[<password>x</password>", b"<a>x</a>"])
def test_xml_that_says_nothing(data: bytes) -> None:
    assert xml_fields(data, 10, 1 << 20) == []


def test_no_entity_is_looked_up() -> None:
    assert unescaped("&a;&amp;&#x41;&#1114112;&#xD800;&lt;") == "&a;&A&#1114112;&#xD800;<"


@pytest.mark.parametrize("data", [b"<a>" * 300_000, b"<" * 1_000_000, b"<!--" * 250_000, b"<a " + b"b" * 900_000 + b">",
                                  b"<a " + b"b= " * 300_000 + b">", b"</a>" * 200_000, b"<a b='" * 150_000,
                                  b"<member><name>x</name>" * 40_000, b"<![CDATA[" * 100_000])
def test_hostile_xml_costs_linear_time(data: bytes) -> None:
    start = time.process_time()
    xml_fields(data + b"<password>x</password>", 1_000, 1 << 20)
    assert time.process_time() - start < 5
