"""Downloads against a server on this machine that truncates, stalls, redirects and lies."""

import contextlib
import dataclasses
import errno
import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from meltpoint.errors import DiskError, InputError
from meltpoint.vectors.catalogue import RemoteFile, find_entry
from meltpoint.vectors.catalogue.places import downloads_folder, locate, read_receipt, state_of
from meltpoint.vectors.download import DownloadError, Patience, get_vectors, getting, partial, requesting, transfer

CONTENT = "".join(f"word{row} 1 2 {row}\n" for row in range(5000)).encode()
OTHER = CONTENT.replace(b"word", b"WORD")
SHA256 = "sha256:" + hashlib.sha256(CONTENT).hexdigest()
MD5 = "md5:" + hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()
PATIENCE = Patience(connect_seconds=2, read_seconds=0.2, attempts=3, pause_seconds=0.001, longest_pause_seconds=0.002)
HALF = len(CONTENT) // 2


class Server:
    """A server that answers each path by its script, one step a request; the last step is repeated."""

    def __init__(self):
        self.scripts = defaultdict(list)
        self.requests = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                server.requests.append((self.path, dict(self.headers)))
                script = server.scripts[self.path]
                step = script.pop(0) if len(script) > 1 else script[0] if script else status(404)
                self.close_connection = True
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    step(self)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.release = threading.Event()
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self):
        self.release.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def ranges(self):
        return [headers.get("Range") for _, headers in self.requests]


def answer(handler, code, headers, body=b""):
    handler.send_response_only(code)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)
    handler.wfile.flush()


def status(code, **headers):
    body = b"<html>sorry</html>"
    fixed = {"Content-Type": "text/html", "Content-Length": str(len(body))}
    return lambda handler: answer(handler, code, fixed | {k.replace("_", "-"): v for k, v in headers.items()}, body)


def serve(content=CONTENT, *, etag='"1"', modified=None, cut=None, stall=False, ranges=True, total=None, kind=None):
    """Serves the content as a good server does, but for what the arguments say."""

    def step(handler):
        asked, condition = handler.headers.get("Range"), handler.headers.get("If-Range")
        start = 0
        if asked and ranges and condition in {None, etag, modified}:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
        size = len(content) if total is None else total
        headers = {"Content-Type": kind or "application/zip", "Content-Length": str(size - start)}
        if etag:
            headers["ETag"] = etag
        if modified:
            headers["Last-Modified"] = modified
        if start >= len(content) and asked:
            answer(handler, 416, {"Content-Range": f"bytes */{size}", "Content-Length": "0"})
            return
        if start:
            headers["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
        answer(handler, 206 if start else 200, headers, content[start:cut])
        if stall:
            handler.server_release.wait(5)

    def stalling(handler):
        handler.server_release = stall or threading.Event()
        step(handler)

    return stalling


def chunked(content, *, endless=False):
    def step(handler):
        answer(handler, 200, {"Transfer-Encoding": "chunked", "Content-Type": "application/zip"})
        blocks = [content] * (200 if endless else 1)
        for block in blocks:
            handler.wfile.write(f"{len(block):x}\r\n".encode() + block + b"\r\n")
        handler.wfile.write(b"0\r\n\r\n")

    return step


def redirect(target, code=302):
    return lambda handler: answer(handler, code, {"Location": target, "Content-Length": "0"})


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    server = Server()
    yield server
    server.close()


@pytest.fixture
def entry(server):
    """A set of one file, whose size and checksum are known."""
    return make_entry(server, checksum=SHA256, size_bytes=len(CONTENT))


def make_entry(server, *paths, **facts):
    urls = tuple(f"{server.url}{path}" for path in paths or ("/set.zip",))
    file = RemoteFile(name="set.zip", urls=urls, **facts)
    plain = {"unpack": (), "folder": None, "package": None, "distribution": None, "extra": None, "member": None}
    return dataclasses.replace(find_entry("glove-6b-50d"), name="set", files=(file,), **plain)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The downloads folder of a fresh cache."""
    monkeypatch.setenv("MELTPOINT_CACHE", str(tmp_path / "cache"))
    return downloads_folder()


def get(entry, folder=None, **options):
    return get_vectors(entry, folder, patience=PATIENCE, **options)


def assert_whole(entry, home):
    assert (home / "set.zip").read_bytes() == CONTENT
    assert sorted(path.name for path in home.iterdir()) == ["set.zip", "set.zip.json"]
    assert locate(entry) == home / "set.zip"
    assert state_of(entry) == "downloaded"


def assert_nothing(home):
    assert not home.exists() or list(home.iterdir()) == []


def test_a_file_arrives_whole_and_is_told_of(server, entry, home):
    server.scripts["/set.zip"] = [serve()]
    told = []
    assert get(entry, watch=told.append) == home / "set.zip"
    assert_whole(entry, home)
    assert [one.received_bytes for one in told] == sorted(one.received_bytes for one in told)
    assert {one.total_bytes for one in told} == {len(CONTENT)}
    assert (told[-1].received_bytes, told[-1].note) == (len(CONTENT), "checking")
    receipt = read_receipt(entry)
    assert receipt.path == str(home / "set.zip")
    assert receipt.sizes_bytes == {"set.zip": len(CONTENT)}
    assert receipt.checksums == {"set.zip": SHA256}
    assert receipt.verified == {"set.zip": True}
    assert receipt.urls == {"set.zip": f"{server.url}/set.zip"}
    ((_, headers),) = server.requests
    assert headers["Accept-Encoding"] == "identity"
    assert "meltpoint" in headers["User-Agent"]


def test_what_is_there_is_not_fetched_again(server, entry, home):
    server.scripts["/set.zip"] = [serve()]
    get(entry)
    assert get(entry) == home / "set.zip"
    assert len(server.requests) == 1


def test_without_a_known_checksum_one_is_recorded(server, home):
    entry = make_entry(server)
    server.scripts["/set.zip"] = [serve()]
    get(entry)
    assert_whole(entry, home)
    assert read_receipt(entry).checksums == {"set.zip": SHA256}
    assert read_receipt(entry).verified == {"set.zip": False}


def test_a_folder_of_ones_own_is_found_again_by_name(server, entry, home, tmp_path):
    server.scripts["/set.zip"] = [serve()]
    place = get(entry, tmp_path / "mine")
    assert place == tmp_path / "mine" / "set.zip"
    assert locate(entry) == place
    assert get(entry) == place
    assert len(server.requests) == 1
    place.unlink()
    assert locate(entry) is None


@pytest.mark.parametrize(
    "second",
    [serve(), serve(ranges=False), serve(etag='"2"'), serve(etag=None)],
    ids=["ranges", "range ignored", "another validator", "no validator"],
)
def test_a_broken_transfer_goes_on(server, entry, home, second):
    server.scripts["/set.zip"] = [serve(cut=HALF), second]
    get(entry)
    assert_whole(entry, home)
    assert server.ranges() == [None, f"bytes={HALF}-"]
    assert server.requests[1][1]["If-Range"] == '"1"'


def test_a_stalled_transfer_goes_on(server, entry, home):
    server.scripts["/set.zip"] = [serve(cut=HALF, stall=server.release), serve()]
    get(entry)
    assert_whole(entry, home)
    assert server.ranges() == [None, f"bytes={HALF}-"]


def test_the_next_call_goes_on_where_an_interrupted_one_stopped(server, entry, home):
    server.scripts["/set.zip"] = [serve(cut=HALF, stall=server.release)]

    def interrupt(progress):
        if progress.received_bytes >= HALF:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        get(entry, watch=interrupt)
    assert sorted(path.name for path in home.iterdir()) == ["set.zip.part", "set.zip.part.json"]
    assert (home / "set.zip.part").read_bytes() == CONTENT[:HALF]
    assert locate(entry) is None
    server.scripts["/set.zip"] = [serve()]
    get(entry)
    assert_whole(entry, home)
    assert server.ranges()[-1] == f"bytes={HALF}-"


@pytest.mark.parametrize("checksum", [SHA256, None], ids=["checksum", "none"])
def test_a_file_that_changed_between_calls_is_fetched_anew(server, home, checksum):
    entry = make_entry(server, checksum=checksum)
    home.mkdir(parents=True)
    (home / "set.zip.part").write_bytes(OTHER[:HALF])
    note = {"url": f"{server.url}/set.zip", "etag": '"0"', "last_modified": None, "total_bytes": len(CONTENT)}
    (home / "set.zip.part.json").write_text(json.dumps(note))
    server.scripts["/set.zip"] = [serve()]
    get(entry)
    assert_whole(entry, home)
    assert server.requests[0][1]["If-Range"] == '"0"'


def test_a_server_that_continues_another_file_is_noticed_by_its_validator(server, home):
    entry = make_entry(server)
    heedless = serve(etag='"2"')

    def step(handler):
        del handler.headers["If-Range"]
        heedless(handler)

    server.scripts["/set.zip"] = [serve(OTHER, cut=HALF), step]
    get(entry)
    assert_whole(entry, home)
    assert server.ranges() == [None, f"bytes={HALF}-", None]


def test_halves_that_do_not_fit_are_noticed_by_the_checksum(server, entry, home):
    server.scripts["/set.zip"] = [serve(OTHER, cut=HALF), serve()]
    get(entry)
    assert_whole(entry, home)
    assert server.ranges() == [None, f"bytes={HALF}-", None]


@pytest.mark.parametrize("note", [None, "{", "[]", '{"url": 1}'], ids=["none", "cut", "list", "other keys"])
def test_a_part_of_unknown_origin(server, home, note):
    home.mkdir(parents=True)
    (home / "set.zip.part").write_bytes(CONTENT[:HALF])
    if note is not None:
        (home / "set.zip.part.json").write_text(note)
    server.scripts["/set.zip"] = [serve()]
    get(make_entry(server))
    assert server.ranges() == [None]
    assert (home / "set.zip").read_bytes() == CONTENT


def test_parts_of_two_mirrors_are_joined_when_a_checksum_will_tell(server, home):
    entry = make_entry(server, "/a", "/b", checksum=SHA256)
    server.scripts["/a"] = [serve(cut=HALF), status(404)]
    server.scripts["/b"] = [serve(etag='"b"')]
    get(entry)
    assert_whole(entry, home)
    assert server.requests[-1][0] == "/b"
    assert server.ranges()[-1] == f"bytes={HALF}-"
    assert "If-Range" not in server.requests[-1][1]


def test_without_a_checksum_another_mirror_starts_from_nothing(server, home):
    entry = make_entry(server, "/a", "/b")
    server.scripts["/a"] = [serve(cut=HALF), status(404)]
    server.scripts["/b"] = [serve(etag='"b"')]
    get(entry)
    assert_whole(entry, home)
    assert server.ranges()[-1] is None


def test_a_length_that_was_announced_once_does_not_bind_another_file(server, home):
    server.scripts["/set.zip"] = [serve(OTHER + OTHER, etag=None, cut=HALF), chunked(CONTENT)]
    get(make_entry(server))
    assert (home / "set.zip").read_bytes() == CONTENT


def test_a_server_without_validators_is_asked_for_everything_again(server, home):
    server.scripts["/set.zip"] = [serve(etag=None, cut=HALF), serve(etag=None)]
    get(make_entry(server))
    assert server.ranges() == [None, None]
    assert (home / "set.zip").read_bytes() == CONTENT


def test_the_time_of_modification_serves_where_a_tag_is_weak(server, home):
    weak = {"etag": 'W/"1"', "modified": "Wed, 21 Oct 2015 07:28:00 GMT"}
    server.scripts["/set.zip"] = [serve(cut=HALF, **weak), serve(**weak)]
    get(make_entry(server))
    assert server.ranges() == [None, f"bytes={HALF}-"]
    assert server.requests[1][1]["If-Range"] == weak["modified"]
    assert (home / "set.zip").read_bytes() == CONTENT


@pytest.mark.parametrize("known", [True, False], ids=["size known", "size unknown"])
def test_a_part_that_is_whole_already(server, home, known):
    entry = make_entry(server, checksum=SHA256, size_bytes=len(CONTENT) if known else None)
    home.mkdir(parents=True)
    (home / "set.zip.part").write_bytes(CONTENT)
    server.scripts["/set.zip"] = [serve()]
    get(entry)
    assert_whole(entry, home)
    assert server.ranges() == ([] if known else [f"bytes={len(CONTENT)}-"])


def test_a_part_that_is_too_long_starts_again(server, home):
    entry = make_entry(server, checksum=SHA256)
    home.mkdir(parents=True)
    (home / "set.zip.part").write_bytes(CONTENT + b"more")
    server.scripts["/set.zip"] = [serve()]
    get(entry)
    assert_whole(entry, home)
    assert server.ranges() == [f"bytes={len(CONTENT) + 4}-", None]


def test_bytes_from_the_wrong_place_are_not_taken(server, entry, home):
    def misplaced(handler):
        headers = {"Content-Range": f"bytes 7-{len(CONTENT) - 1}/{len(CONTENT)}", "Content-Type": "application/zip"}
        answer(handler, 206, headers | {"Content-Length": str(len(CONTENT) - 7)}, CONTENT[7:])

    server.scripts["/set.zip"] = [serve(cut=HALF), misplaced, serve()]
    get(entry)
    assert_whole(entry, home)


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 504])
def test_a_passing_fault_of_the_server_is_waited_for(server, entry, home, code):
    server.scripts["/set.zip"] = [status(code, Retry_After="1000000"), serve()]
    told = []
    get(entry, watch=told.append)
    assert_whole(entry, home)
    assert told[0].note.startswith(f"{code} ")


def test_a_server_that_stays_at_fault_is_given_up(server, entry, home):
    server.scripts["/set.zip"] = [status(503)]
    with pytest.raises(DownloadError, match=r"/set\.zip: 503 Service Unavailable\. Run the command again later"):
        get(entry)
    assert len(server.requests) == PATIENCE.attempts
    assert_nothing(home)


def test_attempts_are_counted_anew_after_each_that_brought_much(server, home, monkeypatch):
    monkeypatch.setattr(transfer, "_WORTH_KEEPING_BYTES", 1000)
    cuts = [serve(cut=1000 * part) for part in range(1, 9)]
    server.scripts["/set.zip"] = [*cuts, serve()]
    entry = make_entry(server, checksum=SHA256)
    get(entry)
    assert_whole(entry, home)
    assert server.ranges() == [None, *(f"bytes={1000 * part}-" for part in range(1, 9))]


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (status(404), "404 Not Found"),
        (status(403), "403 Forbidden"),
        (serve(kind="text/html; charset=utf-8"), "expected a file, found a web page"),
        (serve(b" \n<!DOCTYPE html><html>log in</html>" + bytes(len(CONTENT) - 36)), "expected a file, found a web"),
        (serve(OTHER), f"expected {SHA256}, found sha256:{hashlib.sha256(OTHER).hexdigest()}"),
        (serve(CONTENT[:-1]), f"expected {len(CONTENT):,} bytes, the server announces {len(CONTENT) - 1:,}"),
        (serve(CONTENT + b"\n"), f"expected {len(CONTENT):,} bytes, the server announces {len(CONTENT) + 1:,}"),
        (serve(cut=HALF, ranges=False), "the connection broke (it ended early)"),
        (chunked(CONTENT, endless=True), f"expected {len(CONTENT):,} bytes at most, and the server goes on sending"),
        (chunked(CONTENT[:-1]), f"the connection ended after {len(CONTENT) - 1:,} of {len(CONTENT):,} bytes"),
        (redirect("/set.zip"), "redirects in a circle"),
        (redirect("ftp://127.0.0.1/set.zip"), "expected an https address, found ftp://127.0.0.1/set.zip"),
        (redirect("http://example.invalid/set.zip"), "expected an https address, found http://example.invalid/"),
        (redirect("file:///etc/passwd"), "expected an https address, found file:///etc/passwd"),
        (redirect("http://[oops/"), "redirects to what is no address"),
    ],
    ids=[
        "absent",
        "forbidden",
        "page",
        "page in disguise",
        "checksum",
        "shorter",
        "longer",
        "always cut",
        "endless",
        "chunks end early",
        "circle",
        "ftp",
        "unprotected host",
        "local file",
        "no address",
    ],
)
def test_what_is_not_the_file_is_refused(server, entry, home, step, expected):
    server.scripts["/set.zip"] = [step]
    with pytest.raises(DownloadError) as error:
        get(entry)
    text = str(error.value)
    assert text.startswith(f"set.zip cannot be downloaded: {server.url}/set.zip: ")
    assert expected in text
    way_out = (
        f"Run the command again later, or get the file in another way, put it at {home / 'set.zip'} and run it then."
    )
    assert text.endswith(way_out)
    assert "\n" not in text
    assert locate(entry) is None
    assert {path.name for path in home.iterdir()} <= {"set.zip.part", "set.zip.part.json"}


@pytest.mark.parametrize("checksum", [SHA256, MD5], ids=["sha256", "md5"])
def test_the_next_mirror_is_tried(server, home, checksum):
    entry = make_entry(server, "/absent", "/wrong", "/right", checksum=checksum)
    server.scripts["/wrong"] = [serve(OTHER)]
    server.scripts["/right"] = [serve()]
    get(entry)
    assert_whole(entry, home)
    assert [path for path, _ in server.requests] == ["/absent", "/wrong", "/right"]
    assert read_receipt(entry).checksums == {"set.zip": SHA256}


def test_every_mirror_is_named_when_none_helps(server, home):
    entry = make_entry(server, "/a", "/b", checksum=SHA256)
    server.scripts["/b"] = [serve(OTHER)]
    with pytest.raises(DownloadError, match=r"/a: 404 Not Found; .*/b: expected sha256"):
        get(entry)
    assert_nothing(home)


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed_to_another_host(server, entry, home, code):
    server.scripts["/set.zip"] = [redirect(f"{server.url.replace('127.0.0.1', 'localhost')}/there", code)]
    server.scripts["/there"] = [serve(cut=HALF), serve()]
    get(entry)
    assert_whole(entry, home)
    assert server.ranges()[-1] == f"bytes={HALF}-"
    assert "Authorization" not in server.requests[-1][1]


def test_redirects_come_to_an_end(server, entry, home):
    for number in range(20):
        server.scripts[f"/{number}"] = [redirect(f"/{number + 1}")]
    server.scripts["/set.zip"] = [redirect("/0")]
    with pytest.raises(DownloadError, match="redirects more than 10 times"):
        get(entry)


class FakeSession(requesting.Session):
    """Answers https addresses without a network."""

    def get(self, url, **options):
        assert options["allow_redirects"] is False
        assert "verify" not in options
        assert self.verify is True
        response = requests.Response()
        response.status_code = 302
        response.headers["Location"] = "http://127.0.0.1:1/set.zip"
        response.raw = io.BytesIO()
        return response


def test_https_is_never_left(server, entry, home, monkeypatch):
    monkeypatch.setattr(transfer, "Session", FakeSession)
    secure = dataclasses.replace(entry.files[0], urls=("https://example.invalid/set.zip",))
    with pytest.raises(DownloadError, match=r"redirects from https to http://127\.0\.0\.1:1/set\.zip, which"):
        get(dataclasses.replace(entry, files=(secure,)))
    assert server.requests == []


def test_a_certificate_that_cannot_be_verified_is_refused(entry, home, monkeypatch):
    def fail(*_, **__):
        raise requests.exceptions.SSLError("certificate verify failed: self-signed certificate")

    monkeypatch.setattr(requests.Session, "get", fail)
    secure = dataclasses.replace(entry.files[0], urls=("https://example.invalid/set.zip",))
    with pytest.raises(DownloadError, match=r"no secure connection to example.invalid \(self-signed"):
        get(dataclasses.replace(entry, files=(secure,)))


def test_offline_is_one_clear_sentence(server, entry, home):
    unreachable = dataclasses.replace(entry.files[0], urls=("http://127.0.0.1:9/a", "http://localhost:9/b"))
    with pytest.raises(DownloadError) as error:
        get(dataclasses.replace(entry, files=(unreachable,)))
    assert str(error.value) == (
        "set.zip cannot be downloaded: 127.0.0.1 or localhost cannot be reached, this machine seems to be offline; run "
        f"the command again when it is not, or get the file in another way, put it at {home / 'set.zip'} and run it "
        "then. Sets in installed packages need no network."
    )
    assert isinstance(error.value, OSError)


def test_a_server_that_never_answers_is_given_up(server, entry, home):
    server.scripts["/set.zip"] = [lambda _: server.release.wait(5)]
    with pytest.raises(DownloadError, match=r"127\.0\.0\.1 does not answer"):
        get(entry)


def test_a_file_put_there_by_hand_is_taken(server, entry, home):
    home.mkdir(parents=True)
    (home / "set.zip").write_bytes(CONTENT)
    assert locate(entry) == home / "set.zip"
    get(entry)
    assert_whole(entry, home)
    assert server.requests == []
    assert read_receipt(entry).urls == {"set.zip": None}


def test_another_file_put_there_by_hand_is_not(server, entry, home):
    home.mkdir(parents=True)
    (home / "set.zip").write_bytes(OTHER)
    with pytest.raises(DownloadError, match=r"set\.zip: this is not the file of set: expected sha256:.*; remove it\."):
        get(entry)
    assert (home / "set.zip").read_bytes() == OTHER


def test_a_file_that_was_cut_after_its_download_is_noticed(server, entry, home):
    server.scripts["/set.zip"] = [serve()]
    os.truncate(get(entry), HALF)
    with pytest.raises(DownloadError, match=f"expected {len(CONTENT):,} bytes, found {HALF:,}; remove it"):
        get(entry)


def test_space_is_looked_for_before_the_transfer(server, entry, home, monkeypatch):
    monkeypatch.setattr(transfer.shutil, "disk_usage", lambda _: SimpleNamespace(free=9))
    server.scripts["/set.zip"] = [serve()]
    with pytest.raises(DiskError, match=rf"{len(CONTENT):,} bytes are still to come, and 9 are free"):
        get(entry)
    assert_nothing(home)


def test_a_disk_that_fills_up_leaves_nothing(server, entry, home, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    server.scripts["/set.zip"] = [serve()]
    monkeypatch.setattr(partial.PartFile, "append", full)
    with pytest.raises(DiskError, match=r"set\.zip: the download cannot be written: No space left on device\. Free"):
        get(entry)
    assert_nothing(home)


def test_a_folder_that_cannot_be_made_is_said(server, entry, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskError, match=r"the download cannot be kept: .* choose another folder"):
        get(entry, tmp_path / "file" / "below")


def test_two_processes_do_not_mix_their_bytes(server, entry, home):
    home.mkdir(parents=True)
    another = pytest.raises(DownloadError, match="another process is downloading this file")
    with partial.PartFile(home / "set.zip"), another:
        get(entry)
    server.scripts["/set.zip"] = [serve()]
    get(entry)
    assert_whole(entry, home)


STEPS = {
    "whole": serve(),
    "cut": serve(cut=HALF),
    "cut later": serve(cut=len(CONTENT) - 1),
    "nothing": serve(cut=0),
    "another file": serve(OTHER, cut=HALF),
    "another tag": serve(etag='"2"', cut=2 * HALF // 3),
    "no tag": serve(etag=None, cut=HALF // 2),
    "range ignored": serve(ranges=False, cut=HALF),
    "chunks": chunked(CONTENT),
    "chunks of another": chunked(OTHER),
    "page": serve(kind="text/html"),
    "503": status(503),
    "404": status(404),
    "416": status(416),
    "206": status(206),
    "304": status(304),
    "circle": redirect("/set.zip"),
}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=8), min_size=1, max_size=3))
def test_whatever_servers_do_the_file_is_right_or_not_there(mirrors):
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setenv("NO_PROXY", "127.0.0.1")
        patch.setenv("MELTPOINT_CACHE", folder)
        server = Server()
        paths = [f"/{number}" for number in range(len(mirrors))]
        for path, steps in zip(paths, mirrors, strict=True):
            server.scripts[path] = [STEPS[step] for step in steps]
        entry = make_entry(server, *paths, checksum=SHA256)
        try:
            get(entry)
        except DownloadError:
            assert locate(entry) is None
        else:
            assert_whole(entry, downloads_folder())
        finally:
            server.close()


@pytest.fixture
def model(server):
    """A set of three files that are kept together."""
    contents = {"model.safetensors": CONTENT, "tokenizer.json": b"{}", "config.json": b"{ }"}
    for name, content in contents.items():
        server.scripts[f"/{name}"] = [serve(content)]
    files = tuple(RemoteFile(name=name, urls=(f"{server.url}/{name}",)) for name in contents)
    return dataclasses.replace(find_entry("potion-base-8m"), files=files), contents


def test_a_model_is_a_folder_of_files(server, model, home):
    entry, contents = model
    place = get(entry)
    assert place == locate(entry) == home / "potion-base-8M"
    assert {path.name: path.read_bytes() for path in place.iterdir()} == contents
    assert sorted(path.name for path in home.iterdir()) == ["potion-base-8M", "potion-base-8M.json"]
    assert read_receipt(entry).sizes_bytes == {name: len(content) for name, content in contents.items()}
    get(entry)
    assert len(server.requests) == 3


def test_a_folder_is_there_whole_or_not_at_all(server, model, home):
    entry, contents = model
    good, server.scripts["/tokenizer.json"] = server.scripts["/tokenizer.json"], [status(404)]
    with pytest.raises(DownloadError, match=r"tokenizer\.json cannot be downloaded"):
        get(entry)
    assert locate(entry) is None
    assert [path.name for path in home.iterdir()] == ["potion-base-8M.part"]
    server.scripts["/tokenizer.json"] = good
    get(entry)
    assert {path.name for path in locate(entry).iterdir()} == set(contents)
    assert [path for path, _ in server.requests].count("/model.safetensors") == 1


def test_a_model_folder_with_a_file_missing_is_said(server, model, home):
    entry, _ = model
    (home / "potion-base-8M").mkdir(parents=True)
    with pytest.raises(DownloadError, match=r"model\.safetensors: expected this file of potion-base-8m, found none"):
        get(entry)


def make_wheel(path, names):
    with zipfile.ZipFile(path, "w") as wheel:
        for name in names:
            wheel.writestr(name, name)
    return path.read_bytes()


@pytest.fixture
def pipeline(server):
    return dataclasses.replace(
        find_entry("spacy-en-core-web-md"), files=(RemoteFile(name="md.whl", urls=(f"{server.url}/md.whl",)),)
    )


def test_the_vectors_of_a_pipeline_are_unpacked(server, pipeline, home, tmp_path):
    inner = "en_core_web_md/en_core_web_md-3.8.0"
    wanted = ["vocab/key2row", "vocab/strings.json", "vocab/vectors", "vocab/vectors.cfg"]
    names = [f"{inner}/{name}" for name in [*wanted, "meta.json", "ner/model"]] + ["../../vocab/evil", "meta.json"]
    server.scripts["/md.whl"] = [serve(make_wheel(tmp_path / "md.whl", names))]
    place = get(pipeline)
    assert place == locate(pipeline) == home / "en_core_web_md-3.8.0"
    found = {str(path.relative_to(place)): path.read_text() for path in place.rglob("*") if path.is_file()}
    assert found == {name: f"{inner}/{name}" for name in wanted}
    get(pipeline)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("names", "expected"),
    [(["a/vocab/key2row"], "expected one vocab/strings.json in it, found 0"), (None, "the zip is damaged")],
    ids=["member missing", "no zip"],
)
def test_a_wheel_that_is_none_is_said(server, pipeline, home, tmp_path, names, expected):
    content = b"PK no zip" if names is None else make_wheel(tmp_path / "md.whl", names)
    server.scripts["/md.whl"] = [serve(content)]
    with pytest.raises(DownloadError, match=expected):
        get(pipeline)
    assert locate(pipeline) is None


def test_what_comes_with_a_package_only_is_said(home):
    with pytest.raises(
        InputError, match=r"^wordllama-256d is not on this machine; run: pip install wordllama; it comes"
    ):
        get(find_entry("wordllama-256d"))


def test_downloading_is_not_on_the_way_of_opening():
    code = "import sys, meltpoint.vectors as v; print(sorted({'requests', 'urllib3', 'http'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_shipped_patience_is_finite():
    patience = Patience()
    assert 0 < patience.connect_seconds <= patience.read_seconds <= 120
    assert 1 < patience.attempts < 20


def test_the_watch_may_be_left_out(server, entry, home):
    server.scripts["/set.zip"] = [serve()]
    assert getting.get_vectors(entry) == home / "set.zip"
    assert Path(read_receipt(entry).path).is_file()
