"""What the synthetic belts look like: their colours and places, and the drawing of each piece."""

import math
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

Image: TypeAlias = npt.NDArray[np.uint8]
Field: TypeAlias = npt.NDArray[np.float32]
Colour: TypeAlias = tuple[int, int, int]  # blue, green, red, as everywhere in OpenCV

WIDTH, HEIGHT = 640, 480  # every picture is drawn at this size; those of other sizes are resized
RADIUS, CARRIER = 78, 190  # of a cap, and a carrier's side, px


class Scene(NamedTuple):
    """What sets one kind of belt apart; places in px of a 640x480 picture."""

    lane: int  # x of the parts' middle
    edges: tuple[int, int]  # the belt's left and right edge
    margin: int  # y where the top margin of the preset's ROI ends
    crop: tuple[int, int]  # y where the preset's crop box begins and ends
    stop: int  # y of the cap's upper edge where a part stops
    belt: Colour
    mark: Colour
    caps: dict[str, tuple[Colour, Colour | None]]  # a cap's colour, and its mark's unless it is `mark`


# Of the dark belt's colours, all but white and yellow are just bright enough for the threshold of [default].
SCENES = {
    "dark": Scene(112, (-40, 236), 10, (10, 234), 38, (50, 47, 44), (160, 170, 172), {
        "red": ((44, 40, 174), None), "blue": ((174, 92, 34), None), "green": ((60, 166, 68), None),
        "yellow": ((52, 196, 226), (40, 24, 176)), "white": ((216, 222, 224), (176, 70, 20)),
    }),
    "bright": Scene(320, (182, 458), 140, (106, 330), 144, (186, 196, 194), (226, 232, 234), {
        "black": ((42, 40, 38), None), "navy": ((76, 40, 24), None), "maroon": ((36, 24, 76), None),
        "forest": ((34, 66, 26), None), "violet": ((74, 28, 60), None),
    }),
}  # fmt: skip


def u8(values: npt.NDArray[Any]) -> Image:
    """Round to whole grey levels; what is uint8 already stays as it is."""
    return values if values.dtype == np.uint8 else np.clip(np.rint(values), 0, 255).astype(np.uint8)


def stamp(image: Image, adds: Image, through: Image, x: int, y: int) -> None:
    """Put a sprite's middle at a place of the picture, as far as it lies inside."""
    half = len(adds) // 2
    x0, x1, y0, y1 = max(x - half, 0), min(x + half, WIDTH), max(y - half, 0), min(y + half, HEIGHT)
    if y0 < y1:
        place, cut = image[y0:y1, x0:x1], np.s_[y0 - y + half : y1 - y + half, x0 - x + half : x1 - x + half]
        cv2.multiply(place, through[cut], dst=place, scale=1 / 255)
        cv2.add(place, adds[cut], dst=place)


class _Relief:
    """A picture being made of pieces, each of a colour and a height, to be lit from the upper left."""

    def __init__(self, shape: tuple[int, int], colour: npt.ArrayLike) -> None:
        self.colour: Field = np.empty((*shape, 3), np.float32)
        self.colour[:] = colour
        self.height: Field = np.zeros(shape, np.float32)

    def lay(self, mask: Image, colour: Colour | None, rise: float, bevel: float, shadow: int = 0) -> None:
        """Put a piece, where `mask` is 255, on what is there: `rise` px high, its edge `bevel` px wide."""
        x, y, width, height = cv2.boundingRect(mask)
        reach = 2 + 3 * shadow
        here = np.s_[max(y - reach, 0) : y + height + reach, max(x - reach, 0) : x + width + reach]
        mask, ground, heights = mask[here], self.colour[here], self.height[here]
        inside = mask > 0
        if shadow:
            dark = cv2.warpAffine(mask, np.array([[1, 0, 0.7 * shadow], [0, 1, shadow]]), mask.shape[::-1])
            ground *= 1 - (cv2.blur(dark, (shadow, shadow)) * np.float32(0.5 / 255))[..., None]
        if colour is not None:
            np.copyto(ground, np.array(colour, np.float32), where=inside[..., None])
        if rise > 0:  # it lies on the highest thing below it
            np.copyto(heights, np.max(heights[inside], initial=0.0), where=inside)
        edge = np.minimum(cv2.distanceTransform(mask, cv2.DIST_L2, 3) / np.float32(bevel), 1)
        heights += np.sin(edge * np.float32(np.pi / 2)) * np.float32(rise)

    def lit(self, gloss: float) -> npt.NDArray[Any]:
        """Light it, (H, W, 3): what is flat keeps its colour, what faces the lamp gets `gloss` on top."""
        height = cv2.GaussianBlur(self.height, (0, 0), 0.8)
        sx, sy = (cv2.Sobel(height, cv2.CV_32F, a, 1 - a, ksize=3, scale=1 / 8) for a in (1, 0))
        steep = 1 / cv2.sqrt(1 + sx * sx + sy * sy)
        diffuse = np.clip((1 + 0.45 * sx + 0.6 * sy) * steep, 0.3, 1.5)
        shine = cv2.pow(np.clip((0.928 + 0.223 * sx + 0.297 * sy) * steep, 0, 1), 40) - 0.928**40
        return np.asarray(self.colour * diffuse[..., None] + (gloss * shine)[..., None])


def _mask(
    shape: tuple[int, int], *points: tuple[float, float], radius: float = 0, line: bool = False
) -> Image:
    """Draw 255 on 0: a polygon; with a `radius` discs around the points, or a line through them."""
    mask = np.zeros(shape, np.uint8)
    corners = np.rint(points).astype(np.int32)
    if line:
        cv2.polylines(mask, [corners], False, 255, round(2 * radius))
    elif radius:
        for x, y in corners.tolist():
            cv2.circle(mask, (x, y), round(radius), 255, -1)
    else:
        cv2.fillPoly(mask, [corners], 255)
    return mask


def _around(x: float, y: float, radius: float, degrees: float, count: int) -> list[tuple[float, float]]:
    """Points evenly around a middle, the first in the direction `degrees`."""
    angles = (math.radians(degrees + 360 * n / count) for n in range(count))
    return [(x + radius * math.cos(a), y + radius * math.sin(a)) for a in angles]


@lru_cache
def _face(side: int) -> tuple[Field, Field, Field]:
    """Make what all parts share: height of the cap's ridges, the lamp's reflection on it, brushed metal."""
    y, x = np.mgrid[:side, :side].astype(np.float32) - (side - 1) / 2
    far, angle = np.hypot(x, y) / (2 * RADIUS), np.arctan2(y, x)
    ridges = 2 * np.sign(np.cos(72 * angle)) * ((far > 0.86) & (far < 0.99))
    ridges += 5 * np.exp(-(((far - 0.78) / 0.035) ** 2))  # the rim around its top
    reflection = np.exp(-((x + 50) ** 2 + (y + 60) ** 2) / 5000) * (far < 1)
    metal = cv2.blur(np.random.default_rng(0).normal(0, 12, (side, side)), (41, 1))
    return ridges.astype(np.float32), reflection.astype(np.float32), metal.astype(np.float32)


@lru_cache(maxsize=64)
def draw_part(kind: str, mark: str, colour: str, tilt: float, turn: float) -> tuple[Image, Image]:
    """Draw a part, (240, 240, 3) uint8: what it adds to a picture, and how much of that shows through."""
    side, cap = 480, 2.0 * RADIUS  # at twice the size, for smooth edges
    shape, mid = (side, side), (side - 1) / 2
    tone, paint = SCENES[kind].caps[colour]
    ridges, reflection, metal = _face(side)
    relief = _Relief(shape, (196, 200, 198))
    outline = disc = _mask(shape, (mid, mid), radius=cap)
    if kind == "dark":
        square = _mask(shape, *_around(mid, mid, CARRIER * math.sqrt(2), 45 + tilt, 4))
        outline = u8(255 * (cv2.GaussianBlur(square, (0, 0), 7) > 127))  # which rounds its corners
        relief.colour += metal[..., None]
        relief.lay(outline, None, 10, 9)
        screws = _around(mid, mid, (CARRIER - 34) * math.sqrt(2), 45 + tilt, 4)
        slots = [_mask(shape, *_around(x, y, 9, turn + 3 * x, 2), radius=2, line=True) for x, y in screws]
        relief.lay(_mask(shape, *screws, radius=15), (156, 158, 158), -4, 4)
        relief.lay(_mask(shape, *screws, radius=11), (190, 192, 192), 4, 5)
        relief.lay(np.max(slots, axis=0), (60, 60, 60), -3, 2)
        relief.lay(_mask(shape, (mid, mid), radius=cap + 12), (176, 180, 179), -4, 4)
    relief.lay(disc, tone, 12, 16, shadow=2 if kind == "dark" else 0)
    if mark == "O":
        inner, outer = (_mask(shape, (mid, mid), radius=0.43 * cap + wide) for wide in (-13, 13))
        lines = outer - inner
    else:
        ends = _around(mid, mid, 0.52 * cap, turn, 4)
        lines = _mask(shape, *ends[::2], radius=13, line=True) | _mask(
            shape, *ends[1::2], radius=13, line=True
        )
    relief.lay(lines, paint or SCENES[kind].mark, 1.5, 3)
    relief.height += ridges
    picture = relief.lit(150) + (0.09 * max(tone) * reflection)[..., None]
    cover = cv2.blur(outline, (3, 3)).astype(np.float32) / 255
    adds = cv2.resize(picture * cover[..., None], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    cover = np.asarray(cv2.resize(cover, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.float32)
    shadow = cv2.warpAffine(cover, np.array([[1.0, 0, 5], [0, 1, 7]]), cover.shape)
    through = 255 * (1 - cover) * (1 - 0.6 * cv2.GaussianBlur(shadow, (0, 0), 4.5))
    return u8(adds), u8(cv2.merge([through] * 3))


def draw_belt(kind: str, rng: np.random.Generator) -> Image:
    """Draw one turn of the belt and again as much as a picture shows, (1680, W, 3) uint8."""
    scene, turn = SCENES[kind], 1200
    shape = (turn, scene.edges[1] - max(scene.edges[0], 0) + 1)
    shade = rng.normal(1, 0.05, shape)
    for cell, strength in ((6, 0.02), (60, 0.05)):  # wear and dirt
        cloud = rng.normal(0, strength, (turn // cell, shape[1] // cell))
        shade += cv2.resize(cloud, shape[::-1], interpolation=cv2.INTER_CUBIC)
    y, x = np.indices(shape)
    shade += np.where((x // 3 + y // 3) % 2, 0.03, -0.03)  # the weave
    for x0, y0, length in rng.integers((4, 0, 80), (shape[1] - 4, turn, 500), (14, 3)).tolist():
        shade[y0 : y0 + length, x0 : x0 + 2] += rng.uniform(-0.1, 0.1)  # scratches along the belt
    relief = _Relief(shape, np.array(scene.belt) * shade[..., None])
    relief.height[28:32] -= 0.6  # the seam and its clips, too dim and low for a part's edge
    for x0 in range(6, shape[1], 14):
        relief.height[19:41, x0 : x0 + 7] += 0.8
        relief.colour[19:41, x0 : x0 + 7] = 0.7 * max(scene.belt) + 20
    picture = u8(relief.lit(10))
    return np.concatenate((picture, picture[:HEIGHT]))


@lru_cache
def draw_machine(kind: str) -> Image:
    """Draw all that stands still, (482, 642, 3) uint8: one pixel more on each side, for the shake."""
    black, iron, metal, steel = (34, 32, 30), (104, 102, 100), (150, 150, 146), (172, 176, 174)
    shape, end = (HEIGHT + 2, WIDTH + 2), HEIGHT + 20
    relief = _Relief(shape, (52, 50, 46))

    def box(side: tuple[int, int], near: int, far: int, top: int, bottom: int, *look: Any) -> None:
        a, b = (side[0] + side[1] * out for out in (near, far))
        relief.lay(_mask(shape, (a, top), (b, top), (b, bottom), (a, bottom)), *look)

    def dots(side: tuple[int, int], away: int, first: int, step: int, radius: int, *look: Any) -> None:
        places = [(side[0] + side[1] * away, y) for y in range(first, end, step)]
        relief.lay(_mask(shape, *places, radius=radius), *look)

    for side in zip(SCENES[kind].edges, (-1, 1), strict=True):  # an edge of the belt, the way out from it
        box(side, 112, 700, -20, end, (96, 88, 70), 6, 3)  # the table with its threaded holes
        for away in range(148, 500, 64):
            dots(side, away, 20, 64, 6, black, -6, 3)
        box(side, 26, 104, -20, end, metal, 14, 5, 12)  # the frame with its slots and bolts
        for away in (44, 80):
            box(side, away, away + 9, -20, end, black, -9, 3)
        dots(side, 66, 70, 150, 9, iron, 4, 3, 4)
        dots(side, 66, 70, 150, 4, black, -4, 2)
        box(side, 0, 20, -20, end, steel, 9, 9, 6)  # the rail along the belt
        dots(side, 10, 40, 110, 6, iron, 3, 3)
    cable = [(side[0] + 84 + 4 * n, 114 - 56 * math.sin(n / 17)) for n in range(100)]
    relief.lay(_mask(shape, *cable, radius=5, line=True), black, 5, 5, 8)
    box(side, 18, 92, 92, 136, black, 8, 4, 10)  # a light barrier
    box(side, 58, 84, 100, 128, (30, 140, 226), 3, 3)
    dots(side, 71, 114, 999, 5, (120, 250, 140), 3, 3)
    box(side, 168, 420, 268, 332, metal, 34, 34, 14)  # a pusher: cylinder, rod, pad, the cylinder's end
    box(side, 40, 190, 292, 308, steel, 9, 9, 8)
    box(side, 18, 44, 266, 334, black, 10, 5, 10)
    box(side, 150, 206, 256, 344, iron, 10, 5, 12)
    dots(side, 178, 270, 999, 7, steel, 4, 3)
    dots(side, 178, 330, 999, 7, steel, 4, 3)
    grain = cv2.blur(np.random.default_rng(7).normal(0, 0.12, shape), (1, 31))
    return u8(relief.lit(90) * (1 + grain)[..., None])


@lru_cache
def draw_lamp(kind: str) -> Image:
    """Draw where how much light falls, (480, 640, 3) uint8, 255 for all: fall-off, shadows, a tint."""
    scene = SCENES[kind]
    y, x = np.indices((HEIGHT, WIDTH))
    light = 1 - 0.2 * ((x - (scene.lane + WIDTH / 2) / 2) ** 2 + (y - 200) ** 2) / 400**2
    light *= 1 - 0.3 / (1 + np.exp((np.abs(y - 400 - 0.06 * x) - 30) / 6))  # the bar that bears the camera
    for edge in scene.edges:  # the rails' shadow on the belt
        light -= 0.35 * np.exp(-np.abs(x - edge) / 9) * ((x >= scene.edges[0]) & (x < scene.edges[1]))
    return u8(255 * light[..., None] * (0.97, 1.0, 0.985))


@lru_cache
def draw_hand() -> Image:
    """Draw the shadow of a hand that reaches in from the right, (480, 1200, 3) uint8, 255 elsewhere."""
    shape = (HEIGHT, 1200)
    mask = _mask(shape, (200, 130), (270, 110), (1200, 150), (1200, 270), (270, 230), (200, 215))
    for x, y, root, radius in (
        (62, 112, 140, 11),
        (36, 148, 152, 12),
        (44, 184, 165, 12),
        (80, 212, 175, 10),
    ):
        mask |= _mask(shape, (x, y), (220, root), radius=radius, line=True)
    mask |= _mask(shape, (170, 60), (270, 140), radius=14, line=True)
    return u8(cv2.merge([255 - 0.34 * cv2.GaussianBlur(mask, (0, 0), 9)] * 3))


@lru_cache
def draw_glint() -> Image:
    """Draw light that something shiny throws on the belt, (96, 96, 3) uint8, to be added."""
    spot = np.zeros((96, 96), np.float32)
    cv2.ellipse(spot, (48, 48), (32, 7), -24, 0, 360, 255, -1)
    spot = 1.3 * cv2.GaussianBlur(spot, (0, 0), 3) + 0.8 * cv2.GaussianBlur(spot, (0, 0), 12)
    return u8(cv2.merge([spot] * 3))
