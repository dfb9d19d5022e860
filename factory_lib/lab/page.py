"""What appears below a cell: text, pictures and charts, each also readable without the picture."""

import base64
import html
import io
import sys
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray


def in_notebook() -> bool:
    """Tell whether this runs in a notebook's kernel, where HTML and widgets can be shown."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


def say(text: str, page: str | None = None) -> None:
    """Show HTML in a notebook, with the text for whoever compares or cannot draw it; elsewhere print."""
    if in_notebook():
        from IPython.display import display

        tag = "pre" if "\n" in text else "p"
        page = f"<{tag}>{html.escape(text)}</{tag}>" if page is None else page
        display({"text/html": page, "text/plain": text}, raw=True)  # type: ignore[no-untyped-call]
    else:
        print(text)


def image_tag(data: bytes, alt: str, width: int | None = None) -> str:
    """Write a PNG or JPEG as HTML: a notebook's own image output has no alt text."""
    kind = "png" if data.startswith(b"\x89PNG") else "jpeg"
    size = f' width="{width}"' if width else ""
    source = f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
    return f'<img alt="{html.escape(alt)}"{size} style="max-width:100%" src="{source}">'


def small_png(figure: "Figure") -> bytes:
    """Draw a matplotlib figure as a PNG of 64 colours: plenty for a chart, and three times smaller."""
    from PIL import Image  # matplotlib needs it, so it is there

    large, small = io.BytesIO(), io.BytesIO()
    with warnings.catch_warnings():  # a letter that no font here has is drawn as a box
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
        figure.savefig(large, format="png")
    Image.open(large).convert("RGB").quantize(64).save(small, "PNG", optimize=True)
    return small.getvalue()


def chart(figure: "Figure", alt: str) -> None:
    """Show a matplotlib figure with a sentence for those who cannot see it; elsewhere print the sentence.

    Parameters
    ----------
    figure : matplotlib Figure
        It is closed, so that the notebook does not show it a second time.
    alt : str
        What there is to see, with its figures.
    """
    import matplotlib.pyplot as plt

    page = image_tag(small_png(figure), alt)
    plt.close(figure)
    say(alt, page)


def table(rows: Mapping[str, Mapping[str, object]], corner: str = "") -> None:
    """Show a table, elsewhere print it.

    Parameters
    ----------
    rows : mapping of str to mapping of str to object
        For each row its name, and for each column what stands there.
    corner : str
        What stands above the rows' names.
    """
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    lines = [[corner, *columns]]
    lines += [[name, *(str(row.get(column, "")) for column in columns)] for name, row in rows.items()]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]
    cells = [[html.escape(word) for word in line] for line in lines]
    style = ' style="text-align:left"'
    head = "".join(f'<th scope="col"{style}>{word}</th>' for word in cells[0])
    body = "".join(
        f'<tr><th scope="row"{style}>{line[0]}</th>'
        f"{''.join(f'<td{style}>{word}</td>' for word in line[1:])}</tr>"
        for line in cells[1:]
    )
    say("\n".join(text), f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")


def images(pictures: Mapping[str, "NDArray[Any]"], width: int = 280) -> None:
    """Show pictures side by side, each above its caption; elsewhere print what they are.

    Parameters
    ----------
    pictures : mapping of str to ndarray of uint8 or bool, shape (H, W) or (H, W, 3)
        Captions and pictures, colour in the order B, G, R as OpenCV has it.
    width : int
        How wide to show each at most, in pixels.
    """
    import numpy as np  # only here: most of what is shown is no picture

    lines, boxes = [], []
    for caption, picture in pictures.items():
        picture = np.asarray(picture)
        lines.append(f"{caption}: {'x'.join(map(str, picture.shape))} {picture.dtype}")
        shown = min(width, picture.shape[1])
        boxes.append(
            f'<figure style="margin:4px">{image_tag(encoded(picture, shown), lines[-1], shown)}'
            f"<figcaption>{html.escape(caption)}</figcaption></figure>"
        )
    say("\n".join(lines), f'<div style="display:flex;flex-wrap:wrap">{"".join(boxes)}</div>')


def encoded(picture: "NDArray[Any]", width: int) -> bytes:
    """Encode a picture for so many pixels of page: JPEG in colour, PNG in grey (mostly black and white).

    On a screen with two dots a pixel it is still sharp, and the notebook's file stays small.
    """
    import cv2
    import numpy as np

    picture = np.ascontiguousarray(picture)
    if picture.dtype == bool:
        picture = picture.astype(np.uint8) * 255
    scale = 2 * width / picture.shape[1]
    if scale < 1:
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    if picture.ndim == 3:
        return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()
    return cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 9])[1].tobytes()
