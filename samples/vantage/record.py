"""Records all cases again: real servers, real clients and the box between, in network namespaces of its own.

Run from the project's root, as root, on Debian: `python -m samples.vantage.record [CASE ...]`; see README.md for the packages
it needs. Writes the captures and `expected.json`.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from samples.cases import missing, shown
from samples.vantage.cases import MESSAGE, PORTS, Case, cases
from samples.vantage.describe import described
from samples.vantage.network import (
    CLIENT,
    INTERFACES,
    MIDDLE,
    NEIGHBOURS,
    await_line,
    network,
    recorded,
    run,
    running,
    settle,
)
from samples.vantage.servers import MAIL_LOG, certificate, relay, servers

HERE = Path(__file__).parent
PACKAGES = {
    "/usr/lib/dovecot/imap": "dovecot-imapd", "/usr/lib/dovecot/lmtp": "dovecot-lmtpd",
    "/usr/lib/dovecot/managesieve": "dovecot-managesieved", "/usr/lib/dovecot/pop3": "dovecot-pop3d",
    "/usr/share/perl5/IO/Socket/SSL.pm": "libio-socket-ssl-perl", "curl": "curl", "dig": "bind9-dnsutils",
    "ethtool": "ethtool", "ip": "iproute2", "ldns-signzone": "ldnsutils", "lftp": "lftp", "nft": "nftables",
    "nsd": "nsd", "openssl": "openssl", "postfix": "postfix", "sieve-connect": "sieve-connect", "swaks": "swaks",
    "tcpdump": "tcpdump", "tshark": "tshark", "unbound": "unbound", "vsftpd": "vsftpd",
}
"""What has to be there, and the Debian package that has it."""

PROXY_PORT = 2525
EARLY = 2.0
"""Seconds from the start of a session to the start of captures that begin late."""


@contextmanager
def middlebox(case: Case) -> Iterator[list[dict[str, Any]]]:
    """The box between, forwarding by the rules of the case; gives what it altered, once it has ended."""
    altered: list[dict[str, Any]] = []
    told = {"interfaces": INTERFACES, "neighbours": NEIGHBOURS, "rules": [asdict(rule) for rule in case.rules]}
    with running(sys.executable, "-P", "-m", "samples.vantage.middlebox", at=MIDDLE) as box:
        assert box.stdin is not None and box.stdout is not None
        print(json.dumps(told), file=box.stdin, flush=True)
        await_line(box, "ready")
        yield altered
        box.stdin.close()
        altered += [json.loads(line) for line in box.stdout]


@contextmanager
def proxy(case: Case, folder: Path) -> Iterator[list[dict[str, Any]]]:
    """The box between as a proxy that the kernel redirects the client to."""
    own = certificate(folder / "box.pem", "mx.example.com")
    port = PORTS[case.service]
    run("nft", f"add table ip box; add chain ip box before {{ type nat hook prerouting priority -100; }}; "
        f"add rule ip box before iifname inside tcp dport {port} redirect to :{PROXY_PORT}", at=MIDDLE)
    with running(sys.executable, "-P", "-m", "samples.vantage.proxy", case.address, str(port), str(PROXY_PORT), str(own),
                 case.proxy, at=MIDDLE, ready="ready"):
        yield []
    run("nft", "delete table ip box", at=MIDDLE)


def record(case: Case, folder: Path) -> dict[str, Any]:
    """Record one case at both ends; gives what is told of it."""
    captures = [HERE / f"{case.name}.{end}.pcap" for end in ("client", "server")]
    captures[0].parent.mkdir(exist_ok=True)
    between = proxy(case, folder) if case.proxy else middlebox(case)
    with between as altered, ExitStack() as stack:
        if case.early:
            stack.enter_context(running(*case.early, at=CLIENT))
            time.sleep(EARLY)
        stack.enter_context(recorded(*captures))
        for command in case.commands:
            run(*command, at=CLIENT, give=case.give, check=False)
        if case.relay:
            logged = relay(folder / case.name.replace("/", "-"), case.relay, MESSAGE)
            (HERE / f"{case.name}.client.maillog").write_text(logged)
        settle()
    return described(case, captures, altered)


def main() -> None:
    """Record the cases that are named, or all."""
    if lacking := missing(PACKAGES):
        sys.exit(f"apt-get install --no-install-recommends {' '.join(lacking)}")
    wanted = [case for case in cases() if not sys.argv[1:] or case.name in sys.argv[1:]]
    path = HERE / "expected.json"
    told: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"cases": {}}
    folder = Path(tempfile.mkdtemp(prefix="pcapkit-vantage-"))
    folder.chmod(0o755)
    try:
        with network(), servers(folder):
            for case in wanted:
                log = folder / "postfix" / MAIL_LOG
                before = log.stat().st_size
                told["cases"][case.name] = record(case, folder)
                if logged := log.read_bytes()[before:]:
                    (HERE / f"{case.name}.server.maillog").write_bytes(logged)
                print(case.name, flush=True)
    finally:
        shutil.rmtree(folder)
        told["cases"] = {case.name: told["cases"][case.name] for case in cases() if case.name in told["cases"]}
        path.write_text(shown(told) + "\n")


if __name__ == "__main__":
    main()
