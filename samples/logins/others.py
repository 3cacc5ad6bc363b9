"""Logins at vsftpd and PostgreSQL."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ftplib import FTP, error_perm
from pathlib import Path

from samples.cases import PASSWORD, WRONG, Case, Family, Login, News, client, new_lines
from samples.record import HOST, serving

FTP_PORT, SQL_PORT = 21, 5432
SERVICE = Path("/etc/pam.d/pcapkit-sample")
"""PAM reads its services from there only: taken away again afterwards."""
VSFTPD = """
listen=YES
listen_address={host}
background=NO
anonymous_enable=NO
local_enable=YES
guest_enable=YES
guest_username=mail
pam_service_name={service}
local_root={folder}/public
secure_chroot_dir={folder}/empty
seccomp_sandbox=NO
isolate_network=NO
max_login_fails=3
delay_failed_login=0
xferlog_enable=YES
vsftpd_log_file={folder}/log
"""
PAM = """auth required pam_userdb.so db={folder}/users
account required pam_userdb.so db={folder}/users
session required pam_permit.so
"""
HBA = """host plain all 127.0.0.1/32 password
host all ann 127.0.0.1/32 md5
host all jan 127.0.0.1/32 scram-sha-256
local all all trust
"""
JUDGED = re.compile(r'authentication failed for user "(\w+)"|connection authorized: user=(\w+)')
ACCOUNTS = ("create role jan login password 'correct-horse'", "set password_encryption = md5; create role ann login password "
            "'correct-horse'", "create database plain")


@contextmanager
def ftp(folder: Path) -> Iterator[News]:
    """vsftpd, with one user that is none of the system's."""
    for made in ("public", "empty"):
        (folder / made).mkdir()
    (folder / "public" / "hello.txt").write_text("Hello.\n")
    subprocess.run(["perl", "-MDB_File", "-e", "tie %users, 'DB_File', shift; $users{'jan'} = shift",
                    f"{folder}/users.db", PASSWORD],
                   check=True)
    settings = folder / "vsftpd.conf"
    settings.write_text(VSFTPD.format(folder=folder, host=HOST, service=SERVICE.name))
    SERVICE.write_text(PAM.format(folder=folder))
    try:
        with serving(["vsftpd", settings], FTP_PORT):
            lines = new_lines(folder / "log")
            yield lambda: {"logged": [f"{'accepted' if said[2] == 'OK' else 'rejected'} user-pass {said[1]}" for line in lines()
                                      if (said := re.search(r"\[(\w+)\] (OK|FAIL) LOGIN", line))]}
    finally:
        SERVICE.unlink()


def fetched() -> None:
    """Two wrong passwords and the right one on one connection, and a file, by ftplib."""
    with FTP(timeout=5) as server:
        server.connect(HOST, FTP_PORT)
        for user, password in (("jan", WRONG), ("ann", PASSWORD), ("jan", PASSWORD)):
            try:
                server.login(user, password)
            except error_perm:
                continue
        server.retrlines("RETR hello.txt", lambda line: None)


@contextmanager
def sql(folder: Path) -> Iterator[News]:
    """PostgreSQL, with an account for each method."""
    programs = max(Path("/usr/lib/postgresql").iterdir()) / "bin"
    shutil.chown(folder, "postgres", "postgres")
    as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    data, log = folder / "data", folder / "log"
    subprocess.run([*as_user, programs / "initdb", "-D", data, "-A", "trust", "-U", "postgres"], check=True, cwd=folder,
                   stdout=subprocess.DEVNULL)
    (data / "pg_hba.conf").write_text(HBA)
    command = " ".join(map(str, [*as_user, programs / "postgres", "-D", data, "-k", folder, "-h", HOST, "-p", SQL_PORT, "-c",
                                 "log_connections=on", "-c", "fsync=off"]))
    with serving(["sh", "-c", f"exec {command} 2>{log}"], SQL_PORT):
        for account in ACCOUNTS:
            subprocess.run(["psql", "-qh", folder, "-U", "postgres", "-c", account], check=True)
        lines = new_lines(log)
        yield lambda: {"logged": [f"{'rejected' if said[1] else 'accepted'} {said[1] or said[2]}" for line in lines()
                                  if (said := JUDGED.search(line))]}


def psql(user: str, password: str, database: str = "postgres") -> Callable[[], object]:
    """A login by psql, and a question."""
    return client("psql", "-h", HOST, "-U", user, "-c", "select 1", database,
                  environment={**os.environ, "PGPASSWORD": password, "PGSSLMODE": "disable", "PGGSSENCMODE": "disable"})


def both(mechanism: str, user: str, shown: str) -> list[Login]:
    """Rejected, then accepted."""
    return [Login(mechanism, user, WRONG, "rejected", shown), Login(mechanism, user, PASSWORD, "accepted", shown)]


ANSWER = "challenge-response"
FTP_FAMILY = Family("vsftpd 3.0.3, curl 7.88, Python's ftplib", (FTP_PORT,), ftp, [
    Case("ftp", "a wrong password, a user that there is not and the right ones on one connection; then curl, wrong and right",
         [fetched, *(client("curl", "-s", "-m", "10", "-u", f"jan:{one}",
                            f"ftp://{HOST}/hello.txt") for one in (WRONG, PASSWORD))],
         [Login("user-pass", "jan", WRONG, "rejected"), Login("user-pass", "ann", PASSWORD, "rejected"),
          Login("user-pass", "jan", PASSWORD, "accepted"), Login("user-pass", "jan", WRONG, "rejected"),
          Login("user-pass", "jan", PASSWORD, "accepted")]),
])
SQL_FAMILY = Family("PostgreSQL 15 and psql", (SQL_PORT,), sql, [
    Case("postgresql-password", "the password itself", [psql("jan", one, "plain") for one in (WRONG, PASSWORD)],
         both("password", "jan", "password")),
    Case("postgresql-md5", "MD5 with a salt", [psql("ann", one) for one in (WRONG, PASSWORD)], both("md5", "ann", ANSWER)),
    Case("postgresql-scram-sha-256", "SCRAM-SHA-256", [psql("jan", one) for one in (WRONG, PASSWORD)],
         both("scram-sha-256", "jan", ANSWER)),
])
