"""Files kept with a ticket are what their content says, small, and nothing that a browser could run."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsportal.bugs import actions, file_types
from opsportal.bugs.errors import BadTicket
from opsportal.bugs.models import Attachment, Ticket
from tests.support import bugs

JPEG = (
    b"\xff\xd8\xff\xe0"
    + struct.pack(">H", 16)
    + b"JFIF\0"
    + bytes(9)
    + b"\xff\xc0"
    + struct.pack(">HBHHB", 11, 8, 40, 60, 1)
)
WEBP_X = b"RIFF\0\0\0\0WEBPVP8X\n\0\0\0" + bytes(4) + (59).to_bytes(3, "little") + (39).to_bytes(3, "little")
WEBP_L = b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f" + struct.pack("<I", 59 | 39 << 14)
WEBP = b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0" + b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 60, 40)
GIF = b"GIF89a" + struct.pack("<HH", 60, 40) + b"\0\0\0;"


@pytest.mark.parametrize(
    ("name", "content", "kind", "kept_as"),
    [
        ("shot.png", bugs.png(), "image/png", "shot.png"),
        ("page.html", bugs.png(), "image/png", "page.png"),
        ("shot.JPG", JPEG, "image/jpeg", "shot.jpg"),
        ("shot.jpeg", JPEG, "image/jpeg", "shot.jpeg"),
        ("moves", GIF, "image/gif", "moves.gif"),
        ("a.webp", WEBP, "image/webp", "a.webp"),
        ("a.webp", WEBP_L, "image/webp", "a.webp"),
        ("a.webp", WEBP_X, "image/webp", "a.webp"),
        ("server.log", b"12:00 GET / 500\n", "text/plain", "server.log"),
        ("data.csv", "größe;1\n".encode(), "text/plain", "data.csv"),
        ("notes.exe", b"plain words", "text/plain", "notes.txt"),
        ("../../etc/passwd", b"root", "text/plain", "passwd.txt"),
        ("C:\\temp\\shot.png", bugs.png(), "image/png", "shot.png"),
        ('a"\r\nSet-Cookie: x\u202egnp.png', bugs.png(), "image/png", "a_Set-Cookie_ x_gnp.png"),
        ("..", bugs.png(), "image/png", "file.png"),
        ("x" * 500 + ".png", bugs.png(), "image/png", "x" * 120 + ".png"),
    ],
)
def test_a_file_is_what_is_in_it_under_a_plain_name(name, content, kind, kept_as):
    assert file_types.sort_of(name, content) == file_types.Sort(kind, kept_as)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("shot.png", b"<!doctype html><script>alert(1)</script>", "markup"),
        ("shot.png", b"just words", "It is called a PNG"),
        ("a.svg", b'<svg xmlns="http://www.w3.org/2000/svg"/>', "markup"),
        ("a.txt", b"\xef\xbb\xbf \n <html>", "markup"),
        ("a.xml", b'<?xml version="1.0"?><a/>', "markup"),
        ("a.pdf", b"%PDF-1.7\n\xe2\xe3", "neither"),
        ("a.zip", b"PK\x03\x04\x14\0", "neither"),
        ("a.exe", b"MZ\x90\0", "neither"),
        ("a.txt", "words".encode("utf-16"), "neither"),
        ("a.txt", b"", "empty"),
        ("bomb.png", bugs.png(60_000, 60_000), "too large to open safely"),
        ("bomb.png", bugs.png(10_000, 10_000), "too large to open safely"),
        ("flat.png", bugs.png(0, 10), "does not tell its size"),
        ("cut.png", bugs.png()[:18], "does not tell its size"),
        ("cut.jpg", JPEG[:12], "does not tell its size"),
        ("odd.jpg", b"\xff\xd8\xff\xd9", "does not tell its size"),
        ("full.jpg", b"\xff\xd8" + b"\xff" * 100_000, "does not tell its size"),
        ("odd.webp", b"RIFF\0\0\0\0WEBPALPH" + bytes(30), "does not tell its size"),
    ],
)
def test_what_is_neither_picture_nor_plain_text_is_refused(name, content, why):
    with pytest.raises(file_types.BadFile, match=why):
        file_types.sort_of(name, content)


HEADS = [
    b"",
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",
    b"GIF89a",
    b"RIFF\0\0\0\0WEBPVP8X",
    b"RIFF\0\0\0\0WEBPVP8L",
    b"\xef\xbb\xbf",
]


@given(st.text(max_size=40), st.sampled_from(HEADS), st.binary(max_size=80))
def test_whatever_is_sent_is_either_kept_harmlessly_or_refused(name, head, rest):
    try:
        sort = file_types.sort_of(name, head + rest)
    except file_types.BadFile:
        return
    assert sort.content_type in {"image/png", "image/jpeg", "image/gif", "image/webp", "text/plain"}
    assert sort.name.rpartition(".")[2] in {
        "png",
        "jpg",
        "jpeg",
        "gif",
        "webp",
        "txt",
        "log",
        "csv",
        "md",
        "json",
        "yaml",
        "yml",
    }
    assert not set(sort.name) & set("/\\\r\n\t\"';<>")


@pytest.mark.django_db
@pytest.mark.database
class TestKeeping:
    """What the database keeps of it."""

    def test_a_file_is_kept_as_it_was_and_the_same_again_only_once(self):
        ticket, content = bugs.ticket(), bugs.png()

        first = actions.attach(ticket=ticket, by=bugs.person("eve"), name="shot.png", content=content)
        again = actions.attach(ticket=ticket, by=bugs.person("tom"), name="other.png", content=content)

        assert again == first
        assert bytes(Attachment.objects.get().data) == content
        assert bugs.again(ticket).version == ticket.version + 1

    def test_a_file_that_is_too_large_says_how_large_it_may_be(self, settings):
        settings.ATTACHMENT_MB = 0.001

        with pytest.raises(BadTicket) as bad:
            actions.attach(ticket=bugs.ticket(), by=bugs.person("eve"), name="a.txt", content=b"x" * 1_001)

        assert bad.value.fields == {"files": "a.txt: at most 1 kB; this has 1 kB."}

    def test_a_ticket_keeps_twenty_files(self):
        ticket, eve = bugs.ticket(files=[(f"{n}.txt", b"%d" % n) for n in range(20)]), bugs.person("eve")

        with pytest.raises(BadTicket, match="at most 20 files"):
            actions.attach(ticket=ticket, by=eve, name="one-more.txt", content=b"one more")
        assert ticket.attachments.count() == 20

    def test_a_report_with_a_bad_file_names_every_bad_one_and_keeps_nothing(self):
        files = [("good.png", bugs.png()), ("page.html", b"<html>"), ("a.zip", b"PK\0")]

        with pytest.raises(BadTicket) as bad:
            bugs.ticket(files=files)

        assert "page.html" in bad.value.fields["files"]
        assert "a.zip" in bad.value.fields["files"]
        assert not Ticket.objects.exists()
