"""The command line as a user meets it: answers, exit codes, errors in one line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pcapkit.schema import TABLES

LECTURE = Path(__file__).resolve().parents[2] / "samples" / "lecture"


def run(*words: object, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-m", "pcapkit", *map(str, words)], input=stdin, capture_output=True, timeout=60)


def test_the_answer_shows_the_form_and_hides_the_password() -> None:
    done = run(LECTURE / "post.pcap")
    text = done.stdout.decode()
    assert done.returncode == 0 and "j_username = jschauma" in text and "<secret #1, 22 chars>" in text
    assert "really my password" not in text and "--show-secrets" in text


def test_what_to_try_next_can_be_tried() -> None:
    assert f"pcapkit follow {LECTURE / 'post.pcap'} 0 " in run(LECTURE / "post.pcap").stdout.decode()
    piped = run("-", stdin=(LECTURE / "post.pcap").read_bytes()).stdout.decode()
    assert "tee FILE" in piped and "pcapkit follow FILE 0 " in piped, "a pipe cannot be read again"


def test_of_several_captures_each_statement_names_its_own() -> None:
    first, form = LECTURE / "https.pcap", LECTURE / "post.pcap"
    answer = run(first, form).stdout.decode()
    assert f"(frame 4 of {form})" in answer and f"pcapkit follow {form} 0 " in answer
    assert f"pcapkit follow {first}" not in answer, "the finding is not in the first capture"
    assert f"frame 4 of {form}" in run("findings", first, form).stdout.decode()
    assert run("http", first, form).stdout.decode().splitlines()[1].startswith(str(form))
    assert run("http", form).stdout.decode().startswith("frame")


def test_a_capture_of_one_protocol_leads_to_its_table() -> None:
    answer = run("/dev/stdin", stdin=(LECTURE / "smtp-client.pcap").read_bytes()).stdout.decode()
    assert "pcapkit dns /dev/stdin " in answer and "pcapkit smtp /dev/stdin " in answer and "pcapkit http " not in answer


def test_none_is_said_of_what_was_looked_at_only() -> None:
    filtered = run(LECTURE / "post.pcap", "--", "port 99").stdout.decode()
    assert "only what the filter takes: port 99" in filtered
    assert "pcapkit packets -r " in filtered and "pcapkit flows " not in filtered, "there are no flows to show"
    assert "no http in what the filter takes" in run("http", LECTURE / "post.pcap", "--", "port 99").stdout.decode()
    strange = (LECTURE / "post.pcap").read_bytes().replace(b"\x00\x50", b"\x00\x1f").replace(b"HTTP", b"XXXX")
    assert "nothing is said of what is not dissected: tcp/31" in run("-", stdin=strange).stdout.decode()


def test_follow_eats_no_byte_of_a_binary_protocol() -> None:
    """A ClientHello offers its groups in a list: 0x0a ends a line, 0x0b, 0x0c, and 0x1e do not."""
    said = run("follow", LECTURE / "starttls.pcap", 1).stdout.decode()
    assert r"\x00\x0b\x00\x04\x03\x00\x01\x02\x00" in said


def test_the_mail_was_offered_encryption() -> None:
    assert "offered, not used" in run(LECTURE / "smtp-client.pcap").stdout.decode()
    assert "accepted, handshake failed" in run(LECTURE / "starttls.pcap").stdout.decode()
    assert "TLS 1.2 or 1.3, cannot be told from a data record" in run(LECTURE / "https.pcap").stdout.decode()


def test_a_broken_pipe_is_silent() -> None:
    command = f"{sys.executable} -m pcapkit flows {LECTURE / 'smtp-spam-server.pcap'}; echo $? >&2"
    done = subprocess.run(["bash", "-c", f"({command}) | true"], capture_output=True, timeout=60)
    assert done.stderr.strip() == b"0"


def test_show_secrets() -> None:
    assert "not really my password" in run("forms", LECTURE / "post.pcap", "--show-secrets").stdout.decode()


@pytest.mark.parametrize("words", [("packets", "-X", "-r"), ("packets", "-A", "-r"), ("http",), ("credentials",), ("findings",)])
def test_no_view_shows_the_password(words: tuple[str, ...]) -> None:
    text = run(*words, LECTURE / "post.pcap").stdout.decode()
    assert text and "really" not in text and "7265 616c" not in text


@pytest.mark.parametrize("dump", ["-X", "-A", "-t"])
def test_packets_from_a_pipe_hide_the_password_too(dump: str) -> None:
    piped = run("packets", dump, "-r", "-", stdin=(LECTURE / "post.pcap").read_bytes())
    assert piped.returncode == 0 and piped.stdout == run("packets", dump, "-r", LECTURE / "post.pcap").stdout
    assert b"really" not in piped.stdout


def test_an_error_about_a_pipe_names_the_pipe() -> None:
    assert run("packets", "-r", "-").stderr.decode().startswith("pcapkit: -: empty")


def test_follow_masks() -> None:
    text = run("follow", LECTURE / "post.pcap", 0).stdout.decode()
    assert "j_password=<secret #1" in text and "really" not in text


def test_standard_input_and_json() -> None:
    done = run("-", "--json", stdin=(LECTURE / "post.pcap").read_bytes())
    document = json.loads(done.stdout)
    assert document["schema_version"] == 1 and document["findings"][0]["rule"] == "cleartext-credential"


@pytest.mark.parametrize("words", [
    *((verb, LECTURE / "post.pcap") for verb in ("http", "forms", "findings", "export")),
    (LECTURE / "post.pcap",), ("packets", "-r", LECTURE / "post.pcap"), ("follow", LECTURE / "post.pcap", 0), ("list",)])
def test_every_verb_gives_one_json_document_without_the_password(words: tuple[object, ...]) -> None:
    done = run(*words, "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["schema_version"] == 1 and b"really" not in done.stdout


def test_packets_and_streams_as_json() -> None:
    packets = json.loads(run("packets", "-x", "-c", 4, "--json", "-r", LECTURE / "post.pcap").stdout)["packets"]
    assert [p["frame"] for p in packets] == [1, 2, 3, 4] and packets[3]["time"] == "2019-03-25T18:14:35.348492000Z"
    assert packets[3]["line"].startswith("IP 172.16.1.20.52941 > ") and "0x02a0:  7373 776f 7264 3d** ***" in packets[3]["dump"]
    request, answer = json.loads(run("follow", LECTURE / "post.pcap", 0, "--json").stdout)["follow"]
    assert (request["side"], request["frame"], request["length"], answer["side"]) == ("client", 4, 667, "server")
    assert request["text"].endswith("j_password=<secret #1, 22 chars>&_eventId_proceed=")


@pytest.mark.parametrize(("words", "code", "said"), [
    (("nothing.pcap",), 3, "no such file"), ((LECTURE,), 3, "folder"), (("flows",), 2, "no capture given"),
    (("flows", "-r", LECTURE / "post.pcap", "nonsense filter"), 2, "filter"),
    (("flows", "-r", LECTURE / "post.pcap", "host example.org"), 2, "write the address"),
    (("export", LECTURE / "post.pcap", "--output", "/dev/null/x"), 5, "cannot be written"),
    ((LECTURE / "post.pcap", "--fail-on", "high"), 1, ""), ((LECTURE / "post.pcap", "--fail-on", "critical"), 0, "")])
def test_exit_codes(words: tuple[object, ...], code: int, said: str) -> None:
    done = run(*words)
    assert done.returncode == code and said in done.stderr.decode() and b"Traceback" not in done.stderr


def test_one_unreadable_file_among_several() -> None:
    done = run(LECTURE / "post.pcap", "nothing.pcap")
    assert done.returncode == 3 and "j_username" in done.stdout.decode()


def test_a_filter_keeps_the_numbers_of_the_whole_file() -> None:
    whole = run("flows", LECTURE / "smtp-client.pcap", "--json")
    chosen = run("flows", "--json", "-r", LECTURE / "smtp-client.pcap", "port 25")
    by_stream = {(r["transport"], r["stream"]): r for r in json.loads(whole.stdout)["flows"]}
    row, = json.loads(chosen.stdout)["flows"]
    assert row == by_stream["tcp", 0]


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_export_writes_every_table(tmp_path: Path, kind: str) -> None:
    assert run("export", LECTURE / "smtp-client.pcap", "--output", tmp_path, "--format", kind).returncode == 0
    assert len(list(tmp_path.glob(f"*.{kind}"))) == len(TABLES) and not list(tmp_path.glob(".*"))


def test_the_import_is_light() -> None:
    code = "import sys, pcapkit; print([m for m in ('numpy', 'pandas', 'scapy', 'click') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).stdout.strip() == b"[]"


def test_the_answer_loads_only_what_its_capture_needs() -> None:
    code = "import sys; from pcapkit import cli; cli._run(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code, LECTURE / "post.pcap"], capture_output=True, text=True)
    loaded = set(done.stderr.split())
    ours = {name.removeprefix("pcapkit.") for name in loaded if name.startswith("pcapkit.")}
    assert {name.split(".")[1] for name in ours if name.startswith("dissectors.")} == {"http", "tls"}
    assert {name.split(".")[1] for name in ours if name.startswith("reporters.")} == {
        "credentials", "reuse", "downgrade", "evidence"}
    assert not ours & {"dissectors.http.http2", "dissectors.http.websocket", "dissectors.tls.session", "certificates.chain",
                       "codecs.mail", "codecs.mime", "maillog", "tables", "capture", "formats.csv", "formats.report"}
    assert not loaded & {"cryptography", "pandas", "rich", "jinja2", "brotli", "certifi", "email", "importlib.metadata"}


def test_a_stream_that_nobody_knows_loads_only_those_who_may_know_it() -> None:
    code = ("import sys; from pcapkit import plugins; from pcapkit.dialogues import Recogniser; "
            "Recogniser(plugins.dissectors(), 'tcp').decide(b'\\xfe', b'+', (1, 2), False, True); print(*sys.modules)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    loaded = {name.split(".")[2] for name in done.stdout.split() if name.startswith("pcapkit.dissectors.")}
    assert loaded == {"http", "imap", "mysql", "telnet", "tls", "dns"}


@pytest.mark.oracle
@pytest.mark.parametrize(("name", "words"), [("smtp-client", ["port", "53"]), ("smtp-client", ["port", "25"])])
def test_packets_read_like_tcpdump(name: str, words: list[str]) -> None:
    path = LECTURE / f"{name}.pcap"
    theirs = subprocess.run(["tcpdump", "-n", "-t", "-Z", "root", "-r", path, *words], capture_output=True).stdout.decode()
    ours = run("packets", "-n", "-t", "-r", path, *words).stdout.decode()
    for their, our in zip(theirs.splitlines(), ours.splitlines(), strict=True):
        assert our.split(", win")[0] == their.split(", win")[0] or our == their


def test_a_capture_is_never_written_over_itself_and_nothing_is_written_for_one_that_is_none(tmp_path: Path) -> None:
    capture, link = tmp_path / "a.pcap", tmp_path / "b.pcap"
    capture.write_bytes((LECTURE / "post.pcap").read_bytes())
    link.symlink_to(capture)
    for target in (capture, link):
        done = run("packets", "-r", capture, "-w", target)
        assert done.returncode and b"is the capture that is read" in done.stderr and done.stderr.count(b"\n") == 1
    assert capture.read_bytes() == (LECTURE / "post.pcap").read_bytes()
    assert run("packets", "-r", tmp_path / "none", "-w", tmp_path / "new").returncode and not (tmp_path / "new").exists()
