"""Pictures and charts: an alt text for each, and plain text outside a notebook."""

import re

import cv2
import numpy as np
import pytest
from matplotlib.figure import Figure

from factory_lib.lab import page


def test_outside_a_notebook_images_say_what_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    page.images({"a frame": np.zeros((48, 64, 3), np.uint8), "its mask": np.zeros((48, 64), bool)})

    assert capsys.readouterr().out == "a frame: 48x64x3 uint8\nits mask: 48x64 bool\n"


def test_outside_a_notebook_a_chart_is_its_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    figure = Figure()
    figure.subplots().plot([1, 2])

    page.chart(figure, "It rises from 1 to 2.")

    assert capsys.readouterr().out == "It rises from 1 to 2.\n"


def test_outside_a_notebook_a_table_stands_in_columns(capsys: pytest.CaptureFixture[str]) -> None:
    page.table({"memory": {"threads": 1, "processes": "29 MiB"}, "time": {"why": "a < b"}}, "row")

    assert capsys.readouterr().out.splitlines() == [
        "row     threads  processes  why",
        "memory  1        29 MiB",
        "time                        a < b",
    ]


def test_in_a_notebook_a_table_names_its_rows_and_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str | None] = []
    monkeypatch.setattr(page, "say", lambda text, html=None: shown.append(html))

    page.table({"time": {"why": "a < b"}}, "row")

    [html] = shown
    assert re.findall(r'<th scope="(\w+)"[^>]*>(\w+)', html or "") == [
        ("col", "row"),
        ("col", "why"),
        ("row", "time"),
    ]
    assert "a &lt; b" in (html or "")


def test_in_a_notebook_each_picture_has_its_alt_and_caption(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[str, str | None]] = []
    monkeypatch.setattr(page, "say", lambda text, html=None: shown.append((text, html)))

    page.images({"belt <1>": np.full((480, 640, 3), 9, np.uint8), "grey": np.zeros((2, 2), np.uint8)})

    [(_, html)] = shown
    assert re.findall(r'alt="([^"]*)"', html or "") == ["belt &lt;1&gt;: 480x640x3 uint8", "grey: 2x2 uint8"]
    assert "<figcaption>belt &lt;1&gt;</figcaption>" in (html or "")


@pytest.mark.parametrize(("width", "expected"), [(100, 200), (320, 640), (400, 640)])
@pytest.mark.parametrize("shape", [(480, 640), (480, 640, 3)], ids=["grey", "colour"])
def test_a_picture_is_encoded_for_twice_its_width_on_the_page_and_never_enlarged(
    width: int, expected: int, shape: tuple[int, ...]
) -> None:
    data = page.encoded(np.zeros(shape, np.uint8), width)

    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert decoded.shape == (expected * 3 // 4, expected, *shape[2:])
    assert page.image_tag(data, "belt").count(f"data:image/{'jpeg' if shape[2:] else 'png'};base64,") == 1


@pytest.mark.parametrize(("text", "html"), [("one", "<p>one</p>"), ("a\n<b>", "<pre>a\n&lt;b&gt;</pre>")])
def test_text_is_escaped_and_its_lines_are_kept(
    text: str, html: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import IPython.display

    shown: list[dict[str, str]] = []
    monkeypatch.setattr(page, "in_notebook", lambda: True)
    monkeypatch.setattr(IPython.display, "display", lambda data, raw: shown.append(data))

    page.say(text)

    assert shown == [{"text/html": html, "text/plain": text}]
