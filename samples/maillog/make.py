"""Makes mail logs that belong to the lecture's captures, the same every time.

Run from the project's root: `python -m samples.maillog.make [FOLDER]`, without a folder into this one.
"""

from __future__ import annotations

import sys
from pathlib import Path

from samples.lecture.mail import MAIL_SERVER, SENDER_OUTSIDE

SENDER_HOST, DYNAMIC = "ip-10-168-152-198", "ec2-54-160-173-145.compute-1.amazonaws.com"
MESSAGE_ID = "<20190325141959.A76DB2FFC2@ip-10-168-152-198.ec2.internal>"
AUTHOR, RECIPIENT = "jschauma@stevens.edu", "jschauma@netmeister.org"


def line(stamp: str, host: str, program: str, process: int, text: str, priority: str = "") -> str:
    """One line of syslog, in the traditional form."""
    return f"{priority}Mar 25 {stamp} {host} {program}[{process}]: {text}\n"


def sender() -> str:
    """Slide 36: Postfix on the sender's host, whose clock is UTC."""
    said = [
        ("14:19:59", "pickup", 5939, f"A76DB2FFC2: uid=0 from=<{AUTHOR}>"),
        ("14:19:59", "cleanup", 5564, f"A76DB2FFC2: message-id={MESSAGE_ID}"),
        ("14:19:59", "qmgr", 1846, f"A76DB2FFC2: from=<{AUTHOR}>, size=386, nrcpt=1 (queue active)"),
        ("14:19:59", "smtp", 7163,
         "connect to panix.netmeister.org[2001:470:30:84:e276:63ff:fe72:3900]:25: No route to host"),
        ("14:20:00", "smtp", 7163,
         f"A76DB2FFC2: to=<{RECIPIENT}>, relay=panix.netmeister.org[{MAIL_SERVER}]:25, delay=0.48, delays=0.03/0.01/0.29/0.15, "
         "dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 2223965341)"),
        ("14:20:00", "qmgr", 1846, "A76DB2FFC2: removed"),
    ]
    return "".join(line(stamp, SENDER_HOST, f"postfix/{program}", process, text) for stamp, program, process, text in said)


def receiver() -> str:
    """Slide 44: Postfix on the receiver's host, whose clock is four hours behind UTC, with a filter behind a pipe."""
    said = [
        ("10:20:01", "smtpd", 5089, f"2223965341: client={DYNAMIC}[{SENDER_OUTSIDE}]"),
        ("10:20:01", "cleanup", 10085, f"2223965341: message-id={MESSAGE_ID}"),
        ("10:20:01", "qmgr", 1932, f"2223965341: from=<{AUTHOR}>, size=627, nrcpt=1 (queue active)"),
        ("10:20:21", "pipe", 10375,
         f"2223965341: to=<{RECIPIENT}>, relay=spamassassin, delay=20, delays=0.15/0/0/20, dsn=2.0.0, "
         "status=sent (delivered via spamassassin service)"),
        ("10:20:21", "qmgr", 1932, "2223965341: removed"),
    ]
    return "".join(line(stamp, "panix", f"postfix/{program}", process, text, "<mail.info>")
                   for stamp, program, process, text in said)


def spam() -> str:
    """Slide 58: the receiver's log of the mail under a false name, with the filter's opinion."""
    said = [
        ("13:08:31", "postfix/smtpd", 15759, f"connect from {DYNAMIC}[{SENDER_OUTSIDE}]"),
        ("13:08:38", "postfix/smtpd", 15759, f"A1D5D65341: client={DYNAMIC}[{SENDER_OUTSIDE}]"),
        ("13:08:46", "postfix/cleanup", 15274, "A1D5D65341: message-id=<>"),
        ("13:08:46", "postfix/qmgr", 1932, "A1D5D65341: from=<barack@obama.org>, size=396, nrcpt=1 (queue active)"),
        ("13:08:46", "spamd", 18739, "spamd: clean message (4.8/5.0) for spamd:1004 in 0.2 seconds, 383 bytes."),
        ("13:08:46", "spamd", 18739,
         "spamd: result: . 4 - BAYES_40,HELO_DYNAMIC_IPADDR,MISSING_DATE,MISSING_MID,RDNS_DYNAMIC scantime=0.2,size=383,"
         "user=spamd,uid=1004,required_score=5.0,rhost=::1,raddr=::1,rport=59084,mid=(unknown),bayes=0.258339,"
         "autolearn=no autolearn_force=no"),
        ("13:08:48", "postfix/smtpd", 15759, f"disconnect from {DYNAMIC}[{SENDER_OUTSIDE}]"),
        ("13:09:06", "postfix/qmgr", 1932, "A1D5D65341: removed"),
    ]
    return "".join(line(stamp, "panix", program, process, text, "<mail.info>") for stamp, program, process, text in said)


LOGS = {"sender.log": sender, "receiver.log": receiver, "spam.log": spam}


def main() -> None:
    """Write all of them."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in LOGS.items():
        (folder / name).write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
