"""Rows of our tables as rows of Zeek's logs. What is not known is left out, and unset in the log."""

from __future__ import annotations

import ipaddress
from typing import Any

from pcapkit.dissectors.dns.names import CLASSES, RCODES, TYPES
from pcapkit.formats.identity import community_id, uid

Row = dict[str, Any]

_SERVICES = {"tls": "ssl"}
_TYPE_NUMBERS = {name: number for number, name in TYPES.items()}
_CLASS_NUMBERS = {name: number for number, name in CLASSES.items()}
_RCODE_NUMBERS = {name: number for number, name in RCODES.items()}
_CLASS_NAMES = {"IN": "C_INTERNET", "CH": "C_CHAOS", "HS": "C_HESIOD", "NONE": "C_NONE", "ANY": "C_ANY"}


def place(row: Row) -> Row:
    """Who talks to whom, where and when."""
    return {"ts": row["time"], "uid": uid(row["file"], row["transport"], row["stream"]), "id.orig_h": row["client"],
            "id.orig_p": row["client_port"], "id.resp_h": row["server"], "id.resp_p": row["server_port"],
            "capture": row["file"], "frame": row["frame"]}


def conn(row: Row) -> Row:
    """A row of `flows`."""
    missed = row["client_gap_bytes"], row["server_gap_bytes"]
    return {**place(row), "proto": row["transport"], "service": _SERVICES.get(row["service"], row["service"]),
            "duration": (row["last_time"] - row["time"]) / 1e9, "conn_state": conn_state(row),
            "orig_bytes": row["client_bytes"] + missed[0], "resp_bytes": row["server_bytes"] + missed[1],
            "missed_bytes": sum(missed), "orig_pkts": row["client_packets"], "resp_pkts": row["server_packets"],
            "last_frame": row["last_frame"],
            "community_id": community_id(row["transport"], row["client"], row["client_port"], row["server"], row["server_port"])}


def conn_state(row: Row) -> str:
    """How far a connection came, in Zeek's words (its documentation of Conn::Info)."""
    closed, reset = row["closed_by"], row["reset_by"]
    if row["transport"] != "tcp":
        return "S0" if not row["server_packets"] else "SF" if row["client_packets"] else "SHR"
    if row["client_inferred"]:
        return "OTH" if not row["answered"] else "RSTRH" if reset == "server" else "SHR" if closed == "server" else "OTH"
    if row["answered"]:
        if closed == "both":
            return "SF"
        return {"server": "RSTR", "client": "RSTO", "both": "RSTO"}.get(reset) or (
            {"client": "S2", "server": "S3"}.get(closed, "S1"))
    if reset in ("server", "both"):
        return "RSTR" if row["server_bytes"] else "REJ"
    if row["server_packets"]:
        return "OTH"
    return "RSTOS0" if reset else "SH" if closed else "S0"


def dns(row: Row) -> Row:
    """A row of `dns`."""
    answered, flags, answers = row["rcode"] is not None, row["flags"] or (), row["answers"] or ()
    kind, of = row["type"], row["class"]
    return {**place(row), "proto": row["transport"], "trans_id": row["id"], "rtt": row["rtt_s"], "query": row["name"],
            "qclass": _number(of, _CLASS_NUMBERS, "CLASS"), "qclass_name": _CLASS_NAMES.get(of, of),
            "qtype": _number(kind, _TYPE_NUMBERS, "TYPE"), "qtype_name": "*" if kind == "ANY" else kind,
            "rcode": _number(row["rcode"], _RCODE_NUMBERS, "RCODE"), "rcode_name": row["rcode"],
            "AA": "aa" in flags, "TC": "tc" in flags, "RD": "rd" in flags, "RA": "ra" in flags,
            "answers": [a["data"] for a in answers] or None, "TTLs": [a["ttl"] for a in answers] or None,
            "rejected": answered and not (answers or row["authority"] or row["additional"])}


def _number(name: str | None, numbers: dict[str, int], prefix: str) -> int | None:
    """The number of what has a name, or is named by its number."""
    if name is None or name in numbers:
        return numbers.get(name or "")
    number = name.removeprefix(prefix)
    return int(number) if number.isdecimal() else None


def x509(row: Row) -> Row:
    """A row of `certificates`."""
    kind, _, size = (row["key"] or "").partition(" ")
    names = row["names"] or []
    addresses = [n for n in names if _is_address(n)]
    mails = [n for n in names if "@" in n and "/" not in n]
    links = [n for n in names if "://" in n]
    others = {*addresses, *mails, *links}
    return {"ts": row["time"], "fingerprint": row["sha256"], "certificate.serial": (row["serial"] or "").upper() or None,
            "certificate.subject": row["subject"], "certificate.issuer": row["issuer"],
            "certificate.not_valid_before": row["not_before"], "certificate.not_valid_after": row["not_after"],
            "certificate.sig_alg": row["signature"], "certificate.key_type": {"EC": "ecdsa"}.get(kind, kind.lower()) or None,
            "certificate.key_alg": {"RSA": "rsaEncryption", "EC": "id-ecPublicKey", "DSA": "dsaEncryption"}.get(kind),
            "certificate.key_length": int(size) if size.isdecimal() else None,
            "certificate.curve": size if kind == "EC" and size else None,
            "san.dns": [n for n in names if n not in others] or None, "san.ip": addresses or None,
            "san.email": mails or None, "san.uri": links or None, "host_cert": row["position"] == 0,
            "uid": uid(row["file"], row["transport"], row["stream"]), "capture": row["file"], "frame": row["frame"]}


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def weird(row: Row) -> Row:
    """A row of `anomalies`."""
    return {**place(row), "name": row["rule"].replace("-", "_"), "addl": row["message"], "notice": False, "peer": "pcapkit",
            "count": row["count"]}


def notice(row: Row) -> Row:
    """A row of `findings`."""
    words = "_".join(word.capitalize() for word in str(row["rule"]).split("-"))
    return {**place(row), "proto": row["transport"] or None, "note": f"PCAPKit::{words}", "msg": row["message"],
            "sub": row["title"], "src": row["client"], "dst": row["server"], "p": row["server_port"], "peer_descr": "pcapkit",
            "actions": ["Notice::ACTION_LOG"], "severity": row["severity"], "confidence": row["confidence"],
            "rule": row["rule"], "display_filter": row["display_filter"]}
