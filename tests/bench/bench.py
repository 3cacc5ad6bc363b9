"""Speed and memory beside the peers, in the same run: whole processes, as the kernel accounts for them.

    python tests/bench/bench.py [--folder DIR] [--runs 3] [--only CAPTURE]

Captures are made once by the generator of the optional ../shared folder; outputs go to a memory file system.
"""

from __future__ import annotations

import argparse
import base64
import json
import mmap
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
MAKER = ROOT.parent / "shared" / "bench" / "make_bench.py"
CAPTURES = {"mixed-100": (100, 1, "mixed"), "mixed-1000": (1000, 2, "mixed"), "smallpkts-200": (200, 3, "smallpkts")}
FIELDS = """frame.number frame.time_epoch ip.src tcp.srcport ip.dst tcp.dstport http.request.method http.host
http.request.uri http.user_agent http.response.code http.content_type urlencoded-form.key urlencoded-form.value
smtp.req.command smtp.req.parameter smtp.response.code dns.qry.name dns.qry.type dns.a dns.aaaa tls.handshake.type
tls.handshake.extensions_server_name tls.handshake.version tls.handshake.ciphersuite x509ce.dNSName
x509sat.printableString""".split()
SHOWN = "http.request or http.response or smtp.req or smtp.response or dns or tls.handshake"


def measure(command: list[str]) -> dict[str, float]:
    """Run a command; wall and cpu seconds, and its own peak memory in MiB.

    Python may keep compiled modules, as it does of an installed package.
    """
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               env={k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"})
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"exit {process.returncode}: {' '.join(command)}")
    return {"wall": time.monotonic() - start, "cpu": usage.ru_utime + usage.ru_stime, "mib": usage.ru_maxrss / 1024}


def capture(folder: Path, name: str) -> Path:
    """The benchmark capture, made if it is not there."""
    path = folder / f"{name}.pcap"
    if not path.exists():
        megabytes, seed, profile = CAPTURES[name]
        subprocess.run([sys.executable, MAKER, "--mb", str(megabytes), "--seed", str(seed), "--profile", profile,
                        "--out", path], check=True)
    return path


def commands(path: Path, out: Path) -> dict[str, list[str]]:
    """What is compared: our full export by one process, tshark's equivalent fields, tcpflow's streams."""
    fields = [part for name in FIELDS for part in ("-e", name)]
    return {
        "pcapkit": [sys.executable, "-m", "pcapkit", "export", str(path), "--output", str(out / "ours"),
                    "--format", "jsonl", "--show-secrets"],
        "tcpflow": ["tcpflow", "-q", "-r", str(path), "-o", str(out / "streams")],
        "tshark": ["tshark", "-r", str(path), "-Y", SHOWN, "-T", "fields", "-E", "separator=|", *fields],
    }


def rows(folder: Path, table: str) -> list[dict[str, Any]]:
    with (folder / f"{table}.jsonl").open() as lines:
        return [json.loads(line) for line in lines]


def check(path: Path, folder: Path) -> list[str]:
    """Compare our tables with the truth that was written with the capture.

    Its "clean" counts what is undamaged, its "seen" what is there with every byte. We also report what is there in part,
    so that all we found is at least "clean", and what we found in undamaged streams at most "seen".
    """
    truth = json.loads(Path(f"{path}.truth.json").read_text())
    flows, http, dns = rows(folder, "flows"), rows(folder, "http"), rows(folder, "dns")
    tls, mail, smtp = rows(folder, "tls"), rows(folder, "mail"), rows(folder, "smtp")
    damaged = {(r["transport"], r["stream"]) for r in flows
               if r["client_gap_bytes"] or r["server_gap_bytes"] or r["client_inferred"] or r["state"] == "open"}
    found = {
        "tcp_flows": [r for r in flows if r["transport"] == "tcp"],
        "http_requests": [r for r in http if r["method"] is not None],
        "http_responses": [r for r in http if r["status"] is not None],
        "dns_queries": [r for r in dns if r["query_frame"] is not None],
        "dns_responses": [r for r in dns if r["response_frame"] is not None],
        "tls_client_hellos": [r for r in tls if r["ja3"] is not None],
        "tls_server_hellos": [r for r in tls if r["cipher"] is not None],
        "smtp_messages": [r for r in mail if r["queue_id"]],
        "smtp_dialogues": [r for r in smtp if r["command"] == "EHLO"],
    }
    said = [f"    {'':20}{'clean':>9}{'seen':>9}{'found':>9}{'whole':>9}"]
    for kind, ours in found.items():
        counts = truth["counts"].get(kind, {"seen": 0, "clean": 0})
        whole = sum((r["transport"], r["stream"]) not in damaged for r in ours)
        mark = "ok" if counts["clean"] <= len(ours) and whole <= counts["seen"] else "DIFFERS"
        said.append(f"    {kind:20}{counts['clean']:>9}{counts['seen']:>9}{len(ours):>9}{whole:>9}  {mark}")
    said.append(_credentials(path, truth, rows(folder, "credentials"), http))
    return said


def _credentials(path: Path, truth: dict[str, Any], ours: list[dict[str, Any]], http: list[dict[str, Any]]) -> str:
    """Logins missing and invented. The truth leaves out a login whose first request is damaged, also where a later one
    repeats it: what stands in the capture as it is sent is not invented. Nor does it list sessions: each must be a cookie that
    a message has, and none may be told twice for the same server.
    """
    sessions = Counter((c["server"], c["server_port"], c["secret"]) for c in ours if c["mechanism"] == "session-cookie")
    cookies = {part.strip().partition("=")[2] for row in http for side in ("request_headers", "response_headers")
               for name, value in row[side] or () if name.lower() in ("cookie", "set-cookie") for part in value.split(";")}
    wrong = sum(secret not in cookies or times > 1 for (_, _, secret), times in sessions.items())
    wanted = Counter((c["user"], c["password"]) for c in truth["credentials"])
    found = Counter((c["username"], c["secret"]) for c in ours if c["mechanism"] != "session-cookie")
    missing = sum(not found[pair] for pair in wanted)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as capture:
        beyond = [capture.find(base64.b64encode(":".join(pair).encode())) >= 0 for pair in found if pair not in wanted]
    invented = beyond.count(False)
    mark = "ok" if not missing and not invented and not wrong else "DIFFERS"
    return (f"    {'credentials':20}{len(wanted):>9} in the truth, {missing} missing, {invented} invented, "
            f"{beyond.count(True)} more that stand in the capture; {len(sessions)} sessions, {wrong} wrong  {mark}")


def bench(path: Path, runs: int, memory: Path) -> None:
    """One capture, all programs in turn, best of `runs` by cpu."""
    packets = json.loads(Path(f"{path}.truth.json").read_text())["packets"]
    best: dict[str, dict[str, float]] = {}
    for _ in range(runs):
        out = Path(tempfile.mkdtemp(dir=memory))
        for name, command in commands(path, out).items():
            if shutil.which(command[0]):
                took = measure(command)
                if name not in best or took["cpu"] < best[name]["cpu"]:
                    best[name] = took
        said = subprocess.run([sys.executable, __file__, "--check", path, out / "ours"], check=True, text=True,
                              stdout=subprocess.PIPE).stdout
        shutil.rmtree(out)
    print(f"\n{path.name}: {packets:,} packets, best of {runs} by cpu")
    print(f"    {'program':10}{'wall s':>9}{'cpu s':>9}{'packets/s':>12}{'peak MiB':>10}{'cpu, ours = 1':>15}")
    ours = best["pcapkit"]
    for name, took in best.items():
        print(f"    {name:10}{took['wall']:9.2f}{took['cpu']:9.2f}{packets / took['cpu']:12,.0f}{took['mib']:10.0f}"
              f"{took['cpu'] / ours['cpu']:15.2f}")
    print(said, end="", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", type=Path, default=ROOT / "bench-captures", help="where the captures are kept")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", choices=sorted(CAPTURES), action="append")
    parser.add_argument("--check", type=Path, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.check:  # in a process of its own: a child's peak memory is at least what its parent holds at the fork
        print("\n".join(check(*options.check)))
        return
    if not MAKER.exists():
        raise SystemExit("the generator of benchmark captures (../shared/bench) is absent")
    options.folder.mkdir(exist_ok=True)
    print(f"pcapkit with Python {platform.python_version()}, {os.path.realpath(sys.executable)}")
    memory = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else Path(tempfile.gettempdir())
    for name in options.only or CAPTURES:
        bench(capture(options.folder, name), options.runs, memory)


if __name__ == "__main__":
    main()
