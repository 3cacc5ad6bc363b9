"""Records MQTT with Mosquitto: versions 3.1, 3.1.1 and 5, passwords accepted and rejected, and a client without a name.

`python -m samples.mqtt.record`, as root, where tcpdump may listen. Needs mosquitto, mosquitto-clients and tcpdump.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from samples.record import HOST, recording, serving

PORT = 1883
USER, PASSWORD = "ann", "correct-horse"
CLIENTS = (("mqttv31", USER, PASSWORD), ("mqttv311", USER, "wrong-word"), ("mqttv311", USER, PASSWORD),
           ("mqttv5", USER, "wrong-word"), ("mqttv5", USER, PASSWORD), ("mqttv5", "", ""))


def main() -> None:
    """Write the capture."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        passwords, configuration = folder / "passwords", folder / "mosquitto.conf"
        subprocess.run(["mosquitto_passwd", "-c", "-b", passwords, USER, PASSWORD], check=True)
        passwords.chmod(0o644)
        configuration.write_text(f"listener {PORT} {HOST}\nallow_anonymous true\npassword_file {passwords}\nlog_type error\n")
        with serving(["mosquitto", "-c", configuration], PORT), recording(Path(__file__).with_name("login.pcap"), PORT):
            for version, user, password in CLIENTS:
                login = ["-u", user, "-P", password] if user else []
                subprocess.run(["mosquitto_pub", "-h", HOST, "-p", str(PORT), "-V", version, "-t", "house/door", "-m", "open",
                                "--will-topic", "house/gone", "--will-payload", "bye", "-q", "1", *login], check=False,
                               stderr=subprocess.DEVNULL, timeout=20)


if __name__ == "__main__":
    main()
