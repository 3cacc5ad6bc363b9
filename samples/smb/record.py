"""Records SMB with Samba: NTLMv2 in SMB 3 and 2, rejected and accepted, somebody taken for a guest, and NTLM in SMB 1.

`python -m samples.smb.record`, as root. Needs samba, smbclient and tcpdump; makes the account "jan" for the time.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from samples.record import HOST, recording, run, serving

PORT, OLD_PORT = 445, 139
CONFIGURATION = """
[global]
 workgroup = SAMPLE
 netbios name = FILES
 interfaces = lo
 bind interfaces only = yes
 smb ports = 445 139
 server min protocol = NT1
 ntlm auth = ntlmv1-permitted
 map to guest = Bad User
 disable spoolss = yes
 private dir = {0}
 lock directory = {0}
 state directory = {0}
 cache directory = {0}
 pid directory = {0}
 ncalrpc dir = {0}/rpc
 log file = {0}/log
[share]
 path = {0}/share
 guest ok = yes
"""


def main() -> None:
    """Write the capture."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "share").mkdir()
        (folder / "share" / "note.txt").write_text("hello\n" * 500)
        configuration = folder / "smb.conf"
        configuration.write_text(CONFIGURATION.format(folder))
        subprocess.run(["useradd", "-M", "-s", "/usr/sbin/nologin", "jan"], check=True)
        try:
            subprocess.run(["smbpasswd", "-c", configuration, "-s", "-a", "jan"], check=True,
                           input="battery-staple\nbattery-staple\n", text=True)
            _record(configuration)
        finally:
            subprocess.run(["userdel", "jan"], check=True)


def _record(configuration: Path) -> None:
    def call(who: str, *words: str) -> None:
        run("smbclient", "-s", configuration, f"//{HOST}/share", "-U", who, *words, "-c", "get note.txt /dev/null")

    old = ("-m", "NT1", "--option=client min protocol=NT1")
    server = ["/usr/sbin/smbd", "-F", "--no-process-group", "-s", configuration]
    with (serving(server, PORT),
          recording(Path(__file__).with_name("share.pcap"), f"tcp port {PORT} or tcp port {OLD_PORT}")):
        call("SAMPLE\\jan%wrong-staple", "-m", "SMB3")
        call("SAMPLE\\jan%battery-staple", "-m", "SMB3")
        call("SAMPLE\\jan%battery-staple", "-m", "SMB2_02")
        call("SAMPLE\\eva%battery-staple", "-m", "SMB3", "--option=client signing=disabled")
        call("SAMPLE\\jan%battery-staple", *old, "-p", str(OLD_PORT))
        call("SAMPLE\\jan%wrong-staple", *old, "--option=client use spnego=no", "--option=client ntlmv2 auth=no")
        call("SAMPLE\\jan%battery-staple", *old, "--option=client use spnego=no", "--option=client ntlmv2 auth=no")


if __name__ == "__main__":
    main()
