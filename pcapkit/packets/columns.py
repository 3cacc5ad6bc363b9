"""The fast lane: link, IP, TCP and UDP headers of all frames of a window at once.

A frame that is anything else (tunnels, fragments, extension headers, rare links, headers that no head holds) is left for the
slow lane. Places are those in the heads, until the columns are done.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from pcapkit.limits import Limits
from pcapkit.packets.table import TCP, UDP, Ints
from pcapkit.readers import Frames
from pcapkit.readers.heads import HEAD, Heads

IPV4, IPV6 = 0x0800, 0x86DD
_TAGS = (0x8100, 0x88A8, 0x9100)
TUNNEL_PORTS = (4789, 6081, 3544)
"""VXLAN (RFC 7348), Geneve (RFC 8926), Teredo (RFC 4380): datagrams with packets inside."""

_V4 = np.dtype([("first", "u1"), ("tos", "u1"), ("total", ">u2"), ("id", ">u2"), ("fragment", ">u2"), ("ttl", "u1"),
                ("protocol", "u1"), ("checksum", ">u2"), ("source", ">u4"), ("destination", ">u4")])
_V6 = np.dtype([("first", ">u4"), ("payload", ">u2"), ("next", "u1"), ("hops", "u1"), ("source_high", ">u8"),
                ("source_low", ">u8"), ("destination_high", ">u8"), ("destination_low", ">u8")])
_TCP = np.dtype([("source", ">u2"), ("destination", ">u2"), ("sequence", ">u4"), ("acknowledgment", ">u4"),
                 ("offset", "u1"), ("flags", "u1"), ("window", ">u2")])

Columns = dict[str, Any]


def _chosen(good: npt.NDArray[np.bool_], header: npt.NDArray[Any], *columns: Ints) -> tuple[npt.NDArray[Any], ...]:
    """The headers and columns of the rows that are good: mostly all are. Structures are chosen as plain bytes."""
    if good.all():
        return header, *columns
    rows = np.flatnonzero(good)  # a mask would be counted out again for each column
    return header.view(f"V{header.itemsize}").take(rows).view(header.dtype), *(column.take(rows) for column in columns)


def _among(column: Ints, numbers: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Which elements are one of a few numbers; `np.isin` costs several times as much."""
    found: npt.NDArray[np.bool_] = column == numbers[0]
    for number in numbers[1:]:
        found |= column == number
    return found


def networks(heads: Heads, links: Ints, limits: Limits) -> tuple[Ints, Ints, Ints]:
    """Where each frame's network layer begins, its ethertype, 0 where the slow lane must look, and how many VLAN tags stand
    before it.
    """
    if not len(links) or (links == links[0]).all():
        at, kind, tags = _networks_of(heads, heads.start, int(links[0]) if len(links) else 0, limits)
    else:
        at, kind, tags = (np.empty(len(links), np.int64) for _ in range(3))
        for link in np.unique(links).tolist():
            mine = np.flatnonzero(links == link)
            at[mine], kind[mine], tags[mine] = _networks_of(heads, heads.start.take(mine), link, limits)
    kind[~_among(kind, (IPV4, IPV6))] = 0
    return at, kind, tags


def _networks_of(heads: Heads, at: Ints, link: int, limits: Limits) -> tuple[Ints, Ints, Ints]:
    """The same of the frames at `at`, which are of one link type."""
    if link == 1:
        return _tagged(heads, at + 12, limits)
    return *_network(heads, at, link), np.zeros(len(at), np.int64)


def _network(heads: Heads, at: Ints, link: int) -> tuple[Ints, Ints]:
    if link == 113:
        return at + 16, _ethertypes(heads, at + 14)
    if link == 276:
        return at + 20, _ethertypes(heads, at)
    if link in (101, 12, 14, 228, 229):
        return at, _by_version(heads, at)
    if link in (0, 108):
        return at + 4, _by_version(heads, at + 4)
    return at, np.zeros(len(at), np.int64)


def _ethertypes(heads: Heads, at: Ints) -> Ints:
    return heads.gather(at, np.dtype(">u2")).astype(np.int64)


def _by_version(heads: Heads, at: Ints) -> Ints:
    version = heads.gather(at, np.dtype("u1")) >> 4
    return np.where(version == 4, IPV4, np.where(version == 6, IPV6, 0)).astype(np.int64)


def _tagged(heads: Heads, at: Ints, limits: Limits) -> tuple[Ints, Ints, Ints]:
    """Where the ethertypes at `at`, behind any VLAN tags (IEEE 802.1Q), end; these, and the numbers of tags."""
    kind, tags = _ethertypes(heads, at), np.zeros(len(at), np.int64)
    for _ in range(min(limits.vlan_tags, HEAD // 4)):
        tagged = np.flatnonzero(_among(kind, _TAGS))
        if not len(tagged):
            break
        at[tagged] += 4
        tags[tagged] += 1
        kind[tagged] = _ethertypes(heads, at[tagged])
    return at + 2, kind, tags


def decode(frames: Frames, limits: Limits) -> tuple[Columns, Ints]:
    """The columns of the packets that the fast lane takes, with `row` (of the frame), and the frames that are left."""
    heads = frames.heads
    at, kind, tags = networks(heads, frames.link_type, limits)
    ends = heads.start + frames.length
    within = np.minimum(ends, heads.start + HEAD - _TCP.itemsize + 8)
    network = _internet4(frames, heads, np.flatnonzero(kind == IPV4), at, within)
    six = np.flatnonzero(kind == IPV6)
    if len(six):
        network = _merged(network, _internet6(frames, heads, six, at, within))
    columns = _transport(heads, network, ends)
    columns["offset"] += (frames.offset - heads.start).take(columns["row"])
    columns["shell"] = tags.take(columns["row"])
    left = np.ones(len(frames), np.bool_)
    left[columns["row"]] = False
    return columns, np.flatnonzero(left)


def _merged(one: Columns, other: Columns) -> Columns:
    """The rows of both in the order of their frames."""
    order = np.argsort(np.concatenate((one["row"], other["row"])), kind="stable")
    return {name: np.concatenate((one[name], other[name])).take(order) for name in one}


def _internet4(frames: Frames, heads: Heads, rows: Ints, at: Ints, within: Ints) -> Columns:
    """Whole IPv4 packets with TCP or UDP inside (RFC 791, 3.1), of which the first 8 bytes end `within` a head and a frame."""
    at = at.take(rows)
    header = heads.gather(at, _V4)
    size = (header["first"] & 15).astype(np.int64) * 4
    good = ((header["first"] >> 4 == 4) & (size >= 20) & (header["fragment"] & 0x3FFF == 0)
            & ((header["protocol"] == TCP) | (header["protocol"] == UDP)) & (at + size + 8 <= within.take(rows)))
    header, rows, at, size = _chosen(good, header, rows, at, size)
    total = header["total"].astype(np.int64)
    # A length of 0 is that of a segment the network card was still to cut up.
    unset = np.flatnonzero(total == 0)
    total[unset] = _wire_ends(frames, heads, rows[unset]) - at[unset]
    none = np.zeros(len(rows), np.uint64)
    return {"row": rows, "version": np.full(len(rows), 4), "protocol": header["protocol"].astype(np.int64),
            "source_high": none, "source_low": header["source"].astype(np.uint64), "destination_high": none,
            "destination_low": header["destination"].astype(np.uint64), "ttl": header["ttl"].astype(np.int64),
            "ip_id": header["id"].astype(np.int64), "at": at + size, "room": total - size}


def _wire_ends(frames: Frames, heads: Heads, rows: Ints) -> Ints:
    """Where the frames would end, had they not been cut; a record that claims less than it holds is not believed."""
    return heads.start[rows] + np.maximum(frames.original_length[rows], frames.length[rows])


def _internet6(frames: Frames, heads: Heads, rows: Ints, at: Ints, within: Ints) -> Columns:
    """IPv6 packets with TCP or UDP right behind the fixed header (RFC 8200, 3); `within` as for IPv4."""
    at = at.take(rows)
    header = heads.gather(at, _V6)
    good = ((header["first"] >> 28 == 6) & ((header["next"] == TCP) | (header["next"] == UDP)) & (at + 48 <= within.take(rows)))
    header, rows, at = _chosen(good, header, rows, at)
    payload = header["payload"].astype(np.int64)
    unset = np.flatnonzero(payload == 0)
    payload[unset] = _wire_ends(frames, heads, rows[unset]) - at[unset] - 40
    return {"row": rows, "version": np.full(len(rows), 6), "protocol": header["next"].astype(np.int64),
            **{k: header[k].astype(np.uint64) for k in ("source_high", "source_low", "destination_high",
                                                        "destination_low")},
            "ttl": header["hops"].astype(np.int64), "ip_id": np.zeros(len(rows), np.int64), "at": at + 40,
            "room": payload}


def _transport(heads: Heads, network: Columns, ends: Ints) -> Columns:
    """TCP and UDP headers (RFC 9293, 3.1; RFC 768) and the bounds of the payload."""
    at, room = network.pop("at"), network.pop("room")
    header = heads.gather(at, _TCP)
    udp = network["protocol"] == UDP
    size = np.where(udp, 8, (header["offset"] >> 4).astype(np.int64) * 4)
    row: Ints = network["row"]
    stop = ends.take(row)
    # In a UDP header the length stands where TCP has the high half of the sequence number.
    claimed = (header["sequence"] >> 16).astype(np.int64) - 8
    wire = room - size
    wire = np.where(udp & (claimed >= 0) & (claimed < wire), claimed, wire)
    good = (size >= 8) & (udp | (size >= 20)) & (at + size <= stop) & (wire >= 0)
    header, at, size, wire, udp, stop, *rest = _chosen(good, header, at, size, wire, udp, stop, *network.values())
    columns: Columns = dict(zip(network, rest, strict=True))
    columns["offset"] = at + size
    columns["wire_length"] = wire
    columns["length"] = np.minimum(wire, stop - at - size)
    for name, field in (("source_port", "source"), ("destination_port", "destination")):
        columns[name] = header[field].astype(np.int64)
    for name in ("sequence", "acknowledgment", "flags", "window"):
        columns[name] = np.where(udp, 0, header[name].astype(np.int64))
    columns["tunnel"] = udp & (_among(columns["source_port"], TUNNEL_PORTS)
                               | _among(columns["destination_port"], TUNNEL_PORTS))
    return columns
