"""The lecture's captures are what the slides show, by the word of tcpdump and tshark, and can be made again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import dpkt
import pytest

ROOT = Path(__file__).parents[2]
LECTURE = ROOT / "samples" / "lecture"
EXPECTED: dict[str, Any] = json.loads((LECTURE / "expected.json").read_text())
PUSHED = "tcp[tcpflags] & tcp-push != 0 and port 25"
SLIDE_WIDTH = 85
"""Where the slides cut tcpdump's lines."""

needs_tcpdump = pytest.mark.skipif(not shutil.which("tcpdump"), reason="tcpdump is not installed")
needs_tshark = pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is not installed")

LOOKUPS = """
IP 10.168.152.198.63685 > 172.16.0.23.53: 1736+ MX? netmeister.org. (32)
IP 172.16.0.23.53 > 10.168.152.198.63685: 1736 1/0/0 MX panix.netmeister.org. 50 (54)
IP 10.168.152.198.63684 > 172.16.0.23.53: 64083+ A? panix.netmeister.org. (38)
IP 172.16.0.23.53 > 10.168.152.198.63684: 64083 1/0/0 A 166.84.7.99 (54)
IP 10.168.152.198.63683 > 172.16.0.23.53: 16542+ AAAA? panix.netmeister.org. (38)
IP 172.16.0.23.53 > 10.168.152.198.63683: 16542 1/0/0 AAAA 2001:470:30:84:e276:63ff:f
"""

CLIENT_SIDE = """
IP 166.84.7.99.25 > 10.168.152.198.65528: Flags [P.], seq 1:41, ack 1
IP 10.168.152.198.65528 > 166.84.7.99.25: Flags [P.], seq 1:38, ack 41
IP 166.84.7.99.25 > 10.168.152.198.65528: Flags [P.], seq 41:174, ack 38
IP 10.168.152.198.65528 > 166.84.7.99.25: Flags [P.], seq 38:159, ack 174
IP 166.84.7.99.25 > 10.168.152.198.65528: Flags [P.], seq 174:239, ack 159
IP 10.168.152.198.65528 > 166.84.7.99.25: Flags [P.], seq 159:554, ack 239
IP 166.84.7.99.25 > 10.168.152.198.65528: Flags [P.], seq 239:290, ack 554
"""

SERVER_SIDE = """
IP 166.84.7.99.25 > 54.160.173.145.65528: Flags [P.], seq 641894792:641894832, ack 34
IP 54.160.173.145.65528 > 166.84.7.99.25: Flags [P.], seq 1:38, ack 40
IP 166.84.7.99.25 > 54.160.173.145.65528: Flags [P.], seq 40:173, ack 38
IP 54.160.173.145.65528 > 166.84.7.99.25: Flags [P.], seq 38:159, ack 173
IP 166.84.7.99.25 > 54.160.173.145.65528: Flags [P.], seq 173:238, ack 159
IP 54.160.173.145.65528 > 166.84.7.99.25: Flags [P.], seq 159:554, ack 238
IP 166.84.7.99.25 > 54.160.173.145.65528: Flags [P.], seq 238:289, ack 554
"""

SAID = """
length 40: SMTP: 220 panix.netmeister.org ESMTP Postfix
length 37: SMTP: EHLO ip-10-168-152-198.ec2.internal
length 133: SMTP: 250-panix.netmeister.org
length 121: SMTP: MAIL FROM:<jschauma@stevens.edu> SIZE=386
length 65: SMTP: 250 2.1.0 Ok
length 395: SMTP: Received: by ip-10-168-152-198.ec2.internal (Postfix, from userid 0)
length 51: SMTP: 250 2.0.0 Ok: queued as 2223965341
"""

SPAM_LOOKUPS = """
IP 166.84.7.99.60228 > 166.84.67.2.53: 10483+ PTR? 145.173.160.54.in-addr.arpa. (45)
IP 166.84.67.2.53 > 166.84.7.99.60228: 10483 1/5/6 PTR ec2-54-160-173-145.compute-1.a
IP 166.84.7.99.60227 > 166.84.67.2.53: 8466+ A? ec2-54-160-173-145.compute-1.amazonaw
IP 166.84.67.2.53 > 166.84.7.99.60227: 8466 1/13/9 A 54.160.173.145 (502)
IP 166.84.7.99.60226 > 166.84.67.2.53: 23794+ MX? obama.org. (27)
IP 166.84.67.2.53 > 166.84.7.99.60226: 23794 5/2/12 MX aspmx.l.google.com. 1, MX aspm\
x3.googlemail.com. 10, MX aspmx2.googlemail.com. 10, MX alt2.aspmx.l.google.com. 5, MX alt1.aspmx.l.google.com. 5 (501)
IP 166.84.7.99.60225 > 166.84.67.2.53: 22084+ A? ec2-54-160-173-145.compute-1.amazona
IP 166.84.67.2.53 > 166.84.7.99.60225: 22084 1/13/9 A 54.160.173.145 (502)
IP 166.84.7.99.60224 > 166.84.67.2.53: 13128+ A? 145.173.160.54.sbl.spamhaus.org. (49
IP 166.84.67.2.53 > 166.84.7.99.60224: 13128 NXDomain 0/1/0 (113)
IP 166.84.7.99.56261 > 166.84.67.2.53: 40648+ [1au] A? 145.173.160.54.bl.mailspike.ne
IP 166.84.7.99.56261 > 166.84.67.2.53: 15871+ [1au] A? 145.173.160.54.dnsbl.sorbs.net
IP 166.84.7.99.56261 > 166.84.67.2.53: 62257+ [1au] TXT? 145.173.160.54.sa-accredit.h
IP 166.84.7.99.56261 > 166.84.67.2.53: 6046+ [1au] A? 145.173.160.54.wl.mailspike.net
IP 166.84.7.99.56261 > 166.84.67.2.53: 59439+ [1au] A? 145.173.160.54.iadb.isipp.com.
IP 166.84.67.2.53 > 166.84.7.99.56261: 15871 NXDomain 0/1/1 (115)
IP 166.84.7.99.56261 > 166.84.67.2.53: 21500+ [1au] A? 145.173.160.54.bl.score.sender
IP 166.84.7.99.56261 > 166.84.67.2.53: 4312+ [1au] A? 145.173.160.54.zen.spamhaus.org
IP 166.84.67.2.53 > 166.84.7.99.56261: 59439 NXDomain 0/1/1 (105)
IP 166.84.67.2.53 > 166.84.7.99.56261: 21500 NXDomain 0/1/1 (130)
IP 166.84.7.99.56261 > 166.84.67.2.53: 33947+ [1au] TXT? 145.173.160.54.sa-trusted.bo
IP 166.84.7.99.56261 > 166.84.67.2.53: 33325+ [1au] A? 145.173.160.54.list.dnswl.org.
IP 166.84.7.99.56261 > 166.84.67.2.53: 60189+ [1au] TXT? 145.173.160.54.bl.spamcop.ne
IP 166.84.67.2.53 > 166.84.7.99.56261: 33325 NXDomain 0/1/1 (106)
IP 166.84.7.99.56261 > 166.84.67.2.53: 63286+ [1au] A? 145.173.160.54.psbl.surriel.co
IP 166.84.67.2.53 > 166.84.7.99.56261: 63286 NXDomain 0/1/1 (109)
IP 166.84.67.2.53 > 166.84.7.99.56261: 4312 NXDomain 0/1/1 (124)
IP 166.84.67.2.53 > 166.84.7.99.56261: 62257 NXDomain 0/0/1 (66)
IP 166.84.67.2.53 > 166.84.7.99.56261: 33947 NXDomain 0/0/1 (71)
IP 166.84.67.2.53 > 166.84.7.99.56261: 60189 NXDomain 0/1/1 (111)
IP 166.84.7.99.56261 > 166.84.67.2.53: 8981+ [1au] TXT? _adsp._domainkey.obama.org. (
IP 166.84.67.2.53 > 166.84.7.99.56261: 8981 0/1/1 (117)
IP 166.84.7.99.56261 > 166.84.67.2.53: 19917+ [1au] MX? obama.org. (38)
IP 166.84.67.2.53 > 166.84.7.99.56261: 19917 5/2/14 MX alt2.aspmx.l.google.com. 5, MX
IP 166.84.7.99.56261 > 166.84.67.2.53: 35638+ [1au] TXT? ec2-54-160-173-145.compute-1
IP 166.84.67.2.53 > 166.84.7.99.56261: 35638 0/1/1 (139)
IP 166.84.67.2.53 > 166.84.7.99.56261: 40648 NXDomain 0/0/1 (60)
IP 166.84.67.2.53 > 166.84.7.99.56261: 6046 NXDomain 0/0/1 (60)
"""

POST_HEX = """
4500 02cf 0000 4000 4006 a6d3 ac10 0114 36a0 ad91 cecd 0050 6d61 ffbe ab1f 5284
8018 080a 8dc1 0000 0101 080a 53ec 8097 0000 0001 504f 5354 202f 6367 692d 6269
6e2f 706f 7374 2e63 6769 2048 5454 502f 312e 310d 0a48 6f73 743a 2065 6332 2d35
342d 3136 302d 3137 332d 3134 352e 636f 6d70 7574 652d 312e 616d 617a 6f6e 6177
732e 636f 6d0d 0a43 6f6e 6e65 6374 696f 6e3a 206b 6565 702d 616c 6976 650d 0a43
6f6e 7465 6e74 2d4c 656e 6774 683a 2037 310d 0a43 6163 6865 2d43 6f6e 7472 6f6c
3a20 6d61 782d 6167 653d 300d 0a4f 7269 6769 6e3a 2068 7474 703a 2f2f 6563 322d
3534 2d31 3630 2d31 3733 2d31 3435 2e63 6f6d 7075 7465 2d31 2e61 6d61 7a6f 6e61
7773 2e63 6f6d 0d0a 5570 6772 6164 652d 496e 7365 6375 7265 2d52 6571 7565 7374
733a 2031 0d0a 444e 543a 2031 0d0a 436f [...]
6469 6e67 3a20 677a 6970 2c20 6465 666c 6174 650d 0a41 6363 6570 742d 4c61 6e67
7561 6765 3a20 656e 2d55 532c 656e 3b71 3d30 2e39 0d0a 0d0a 6a5f 7573 6572 6e61
6d65 3d6a 7363 6861 756d 6126 6a5f 7061 7373 776f 7264 3d6e 6f74 2b72 6561 6c6c
792b 6d79 2b70 6173 7377 6f72 6426 5f65 7665 6e74 4964 5f70 726f 6365 6564 3d
"""

RECORD_HEX = """
4500 007c a9f2 4000 3106 5eef 68f4 2a82 ac10 0114 01bb ca73 b729 f478 4c0f efbd
8018 06a5 dce5 0000 0101 080a 18ed 2a0a 53f5 4520 1703 0300 4394 0c3d 7475 a12d
0213 03b6 7cfa d081 27af d0a6 fdcd a5a5 7a40 c070 6548 43fb 4264 1602 29ce 45aa
9705 0b7b ba7b e169 4753 5e3e 8741 c3d1 aec5 15c1 a3f9 b583 c07a 9ab8
"""

ACK_HEX = """
4500 0034 0000 4000 4006 fa29 ac10 0114 68f4 2a82 ca73 01bb 4c0f efbd b729 f4c0
8010 07fe 9e12 0000 0101 080a 53f5 453f 18ed 2a0a
"""


def lines(text: str) -> list[str]:
    """The lines of a literal."""
    return text.strip().splitlines()


def tcpdump(name: str, *arguments: str) -> list[str]:
    """What tcpdump prints, in the lecture's time zone."""
    done = subprocess.run(["tcpdump", "-n", "-Z", "root", "-r", "-", *arguments], input=(LECTURE / name).read_bytes(),
                          capture_output=True, check=True, env={**os.environ, "TZ": "EDT4"})
    return done.stdout.decode().splitlines()


def tshark(name: str, *arguments: str) -> list[list[str]]:
    """What tshark prints, split at tabs."""
    done = subprocess.run(["tshark", "-n", "-r", str(LECTURE / name), *arguments], capture_output=True, check=True)
    return [line.split("\t") for line in done.stdout.decode().splitlines()]


def fields(name: str, shown: str, *names: str) -> list[list[str]]:
    """The fields of the packets that a display filter shows."""
    return tshark(name, "-Y", shown, "-T", "fields", *(word for field in names for word in ("-e", field)))


def payloads(name: str, port: int) -> list[tuple[float, int, bytes]]:
    """Time, source port and payload of the TCP packets from or to `port` that have one."""
    found = []
    for time, frame in dpkt.pcap.Reader((LECTURE / name).open("rb")):
        segment = dpkt.ethernet.Ethernet(frame).data.data
        if isinstance(segment, dpkt.tcp.TCP) and port in (segment.sport, segment.dport) and segment.data:
            found.append((float(time), segment.sport, segment.data))
    return found


def packet_hex(dump: list[str]) -> bytes:
    """The bytes that lines of `tcpdump -X` show."""
    return bytes.fromhex("".join(line[10:50] for line in dump if line.startswith("\t0x")))


def test_the_maker_makes_the_same_bytes_again(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "samples.lecture.make", str(tmp_path)], cwd=ROOT, check=True)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert made == {path.name: path.read_bytes() for path in LECTURE.glob("*.pcap")}
    assert made.keys() == EXPECTED.keys()


@pytest.mark.parametrize("side", ["client", "server"])
def test_messages_have_the_sizes_of_the_slides(side: str) -> None:
    said = [data for _, _, data in payloads(f"smtp-{side}.pcap", 25)]
    assert [len(data) for data in said] == [40, 37, 133, 121, 65, 395, 51]
    message, end, rest = said[5].partition(b"\r\n.\r\n")
    assert (len(message) + 2, rest) == (386, b"QUIT\r\n") and end
    assert said[3].count(b"\r\n") == 3


def test_times_fit_the_senders_log() -> None:
    """Its delays are 0.03/0.01/0.29/0.15, counted from 14:19:59.600: queue, queue, connecting, sending."""
    said = payloads("smtp-client.pcap", 25)
    started, connected, sent = 1553523599.640, said[2][0], said[-1][0]
    assert round(connected - started, 2) == 0.29
    assert round(sent - connected, 2) == 0.15
    assert int(sent) == 1553523600


def test_times_fit_the_receivers_logs() -> None:
    """Slide 44 logs the whole mail at 10:20:01; slide 58 the client at 13:08:38, its mail at :46, the end at :48."""
    assert {int(time) for time, _, _ in payloads("smtp-server.pcap", 25)[3:]} == {1553523601}
    typed = {data.split(b" ")[0]: int(time) for time, _, data in payloads("smtp-spam-server.pcap", 25)}
    assert [typed[word] - 1553533680 for word in (b"RCPT", b".\r\n", b"QUIT\r\n")] == [38, 46, 48]


def test_the_false_mail_has_the_size_of_the_log() -> None:
    """Logged are 396 bytes: the message and a Received field, which is 12 bytes longer than the other session's 241."""
    typed = b"".join(data for _, port, data in payloads("smtp-spam-server.pcap", 25) if port != 25)
    message = typed.partition(b"DATA\r\n")[2].partition(b".\r\nQUIT")[0]
    assert len(message) + 241 + 12 == 396


@pytest.mark.oracle
@needs_tcpdump
def test_tcpdump_prints_slide_5() -> None:
    dump = tcpdump("post.pcap", "-X", "tcp[tcpflags] & tcp-push != 0 and dst port 80")
    assert dump[0].startswith("14:14:35.348492 IP 172.16.1.20.52941 > 54.160.173.145.80: Flags [P.], seq ")
    assert "length 667" in dump[0]
    shown = [bytes.fromhex(part) for part in POST_HEX.split("[...]")]
    packet = packet_hex(dump)
    assert (packet[:0x130], packet[0x250:], len(packet)) == (shown[0], shown[1], 719)


@pytest.mark.oracle
@needs_tcpdump
def test_tcpdump_prints_slide_6() -> None:
    """But for the relative numbers: the slide's tcpdump had seen what went before."""
    record, acknowledgement = tcpdump("https.pcap")
    assert record.startswith("14:24:13.686601 IP 104.244.42.130.443 > 172.16.1.20.51827: Flags [P.], seq ")
    assert record.endswith("win 1701, options [nop,nop,TS val 418195978 ecr 1408582944], length 72")
    assert acknowledgement.startswith("14:24:13.686643 IP 172.16.1.20.51827 > 104.244.42.130.443: Flags [.], ack ")
    assert acknowledgement.endswith("win 2046, options [nop,nop,TS val 1408582975 ecr 418195978], length 0")
    assert packet_hex(tcpdump("https.pcap", "-X")) == bytes.fromhex(RECORD_HEX + ACK_HEX)


@pytest.mark.oracle
@needs_tcpdump
@pytest.mark.parametrize(("name", "slide"), [("smtp-client.pcap", LOOKUPS), ("smtp-spam-server.pcap", SPAM_LOOKUPS)])
def test_tcpdump_prints_the_lookups_of_slides_37_59_and_60(name: str, slide: str) -> None:
    printed = tcpdump(name, "-t", "port 53")
    for line, shown in zip(printed, lines(slide), strict=True):
        assert line[:max(len(shown), SLIDE_WIDTH)] == shown


@pytest.mark.oracle
@needs_tcpdump
@pytest.mark.parametrize(("name", "slide"), [("smtp-client.pcap", CLIENT_SIDE), ("smtp-server.pcap", SERVER_SIDE)])
def test_tcpdump_prints_the_mail_of_slides_38_and_43(name: str, slide: str) -> None:
    """Slide 38 counts from the SYN, so tcpdump has to see it; slide 43 from the first packet that its filter shows."""
    seen = "port 25" if name == "smtp-client.pcap" else PUSHED
    printed = [line for line in tcpdump(name, "-t", seen) if "SMTP: " in line]
    for line, head, said in zip(printed, lines(slide), lines(SAID), strict=True):
        assert line.startswith(head) and line.endswith(said)
    assert len(tcpdump(name, "-t", PUSHED)) == 7


@pytest.mark.oracle
@needs_tshark
@pytest.mark.parametrize("name", EXPECTED)
def test_tshark_finds_nothing_wrong(name: str) -> None:
    checks = [word for protocol in ("ip", "tcp", "udp") for word in ("-o", f"{protocol}.check_checksum:TRUE")]
    bad = "ip.checksum.status != 1 || tcp.checksum.status != 1 || udp.checksum.status != 1"
    assert tshark(name, *checks, "-Y", f"{bad} || tcp.analysis.flags || _ws.malformed") == []


@pytest.mark.oracle
@needs_tshark
@pytest.mark.parametrize(("name", "stream"), [("starttls.pcap", "1"), ("starttls-stripped.pcap", "0")])
def test_tshark_recognises_the_handshake_and_opens_it(name: str, stream: str) -> None:
    assert fields(name, "tls.handshake.type == 2", "tcp.stream", "tls.handshake.version",
                  "tls.handshake.ciphersuite") == [[stream, "0x0303", "0xc030"]]
    keys = f"tls.keylog_file:{LECTURE / 'tls.keylog.txt'}"
    lines = tshark(name, "-o", keys, "-Y", "tls && smtp.rsp", "-T", "fields", "-e", "smtp.rsp.parameter")
    assert ["panix.netmeister.org"] in lines


@pytest.mark.oracle
@needs_tshark
def test_only_the_offer_differs_between_the_two_sides_of_the_stripping() -> None:
    client, server = (payloads(f"starttls-stripped{side}.pcap", 587) for side in ("", "-server"))
    differing = [(here, there) for (_, _, here), (_, _, there) in zip(client, server, strict=True) if here != there]
    assert len(differing) == 1
    assert differing[0][0] == differing[0][1].replace(b"250-STARTTLS\r\n", b"250-XXXXXXXA\r\n")


@pytest.mark.oracle
@needs_tshark
@pytest.mark.parametrize("name", EXPECTED)
def test_expected_flows_are_tsharks(name: str) -> None:
    counted: dict[tuple[str, int, str], list[int]] = {}
    for source, tcp, udp, tcp_length, udp_length in fields(name, "tcp || udp", "ip.src", "tcp.stream", "udp.stream",
                                                           "tcp.len", "udp.length"):
        key = ("tcp", int(tcp), source) if tcp else ("udp", int(udp), source)
        one = counted.setdefault(key, [0, 0])
        one[0] += 1
        one[1] += int(tcp_length) if tcp else int(udp_length) - 8
    told = {(flow["transport"], flow["stream"], flow[side]): [flow[f"{side}_packets"], flow[f"{side}_bytes"]]
            for flow in EXPECTED[name]["flows"] for side in ("client", "server")}
    assert told == counted
    assert EXPECTED[name]["captures"][0]["packets"] == len(fields(name, "frame", "frame.number"))


@pytest.mark.oracle
@needs_tshark
@pytest.mark.parametrize("name", EXPECTED)
def test_expected_frames_are_tsharks(name: str) -> None:
    """Of DNS questions and answers, SMTP replies, requests and forms."""
    tables = EXPECTED[name]
    dns = fields(name, "dns", "dns.id", "frame.number", "dns.count.answers", "dns.count.auth_rr", "dns.count.add_rr",
                 "dns.flags.response")
    told = {(row["id"], row[f"{half}_frame"]) for row in tables["dns"] for half in ("query", "response")}
    assert told == {(int(identity, 16), int(frame)) for identity, frame, *_ in dns}
    counts = {int(frame): list(map(int, numbers)) for _, frame, *numbers, response in dns if response in ("1", "True")}
    assert all(row["counts"] == counts[row["response_frame"]] for row in tables["dns"] if "counts" in row)
    replies = {(row["reply_frame"], row["code"]) for row in tables["smtp"]}
    assert replies == {(int(frame), int(code)) for frame, codes in fields(name, "smtp.rsp", "frame.number",
                                                                          "smtp.response.code")
                       for code in codes.split(",")}
    forms = fields(name, "urlencoded-form", "frame.number", "urlencoded-form.key", "urlencoded-form.value")
    assert forms == [[str(row["frame"]) for row in tables["http"]] + [
        ",".join(row[column] for row in tables["http_forms"]) for column in ("name", "value")]] * len(tables["http"])
