"""What sanitize.cfg makes equal, and what it must leave to be compared."""

import re
from pathlib import Path

import pytest
from nbval.plugin import get_sanitize_patterns

TEXT = (Path(__file__).parent / "sanitize.cfg").read_text(encoding="ascii")
PATTERNS = get_sanitize_patterns(TEXT)


def sanitized(text: str) -> str:
    for regex, replacement in PATTERNS:
        text = re.sub(regex, replacement, text)
    return text


def test_nbval_finds_every_pair_of_lines() -> None:
    assert len(PATTERNS) == len(re.findall(r"^\[regex\d+\]$", TEXT, re.MULTILINE)) == 13


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('<img alt="a" src="data:image/png;base64,AB/+=">', '<img alt="a" src="data:image/png;base64,CD">'),
        ("<Thread at 0x7f3c5a1b2d90>", "<Thread at 0x55aa0011ffee>"),
        ("pid 12, parent pid = 3", "pid 4567, parent pid = 89"),
        ("PID: 7", "PID: 8123"),
        ("127.0.0.1:8000/clip", "127.0.0.1:54321/clip"),
        ("/tmp/tmpab12cd34/a.mp4", "/private/var/folders/x1/y2/T/tmp99/a.mp4"),
        ("in /tmp/tmpab12cd34.", "in /tmp/tmpzz99yy88."),
        ("C:\\Users\\kim\\AppData\\Local\\Temp\\tmp12\\a.mp4", "/tmp/a.mp4"),
        ("Python 3.11.7 on", "Python 3.13.0rc1 on"),
        ("Python 3.11", "Python 3.13.0"),
        ("100%|##| 9/9 [00:01<00:00, 25.31it/s]", "100%|##| 9/9 [00:12<00:03,  1.20it/s]"),
        ("|   640 fps |", "| 1,240.5 fps|"),
        ("3.5 MB/s", "12 MiB/s"),
        ("took 0.12 s, then 35ms", "took 12.5 s, then  9.1 us"),
        ("1e-05 s", "0.25 seconds"),
        ("22.7 \xb5s", "1 ms"),
        ("16 KiB", "21.5 MB"),
        ("921,600 bytes", "12 bytes"),
        ("  97 % busy", "100% busy"),
        ("1.8x as fast", "0.95x as fast"),
        ("1.7 times as fast", "18 times as fast"),
        ("2.1 \xd7", "1.95 \xd7"),
        ("1.9 of 2 cores", "6 of 8 cores"),
        ("2 cores", "16 cores"),
    ],
)
def test_what_was_measured_may_differ(one: str, other: str) -> None:
    assert sanitized(one) == sanitized(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("read 1873 = shown 1873 + dropped 0", "read 1873 = shown 1872 + dropped 1"),
        ("26 parts", "25 parts"),
        ("called 3 times", "called 4 times"),
        ("2 x 3 increments", "3 x 3 increments"),
        ("exit code 1", "exit code -15"),
        ("frame 30", "frame 31"),
        ("Cam1", "Cam2"),
        ("step 3, seen", "step 4, seen"),
        ("640x480", "224x224"),
        ("Passed", "Not yet"),
        (
            '<img alt="two lanes" src="data:image/png;base64,AB">',
            '<img alt="no" src="data:image/png;base64,AB">',
        ),
        ("0.97 of the parts", "0.98 of the parts"),
    ],
)
def test_what_was_counted_is_compared(one: str, other: str) -> None:
    assert sanitized(one) != sanitized(other)
