"""The ratios against their limits as HTML: of one frame as two bars, along the clip as two curves."""

import html

import numpy as np

from ..ground_truth import GroundTruth
from ..motion import Explanation
from ..preset import MotionPreset
from .pictures import compared
from .survey import Survey

WIDTH, HEIGHT, ROW = 860, 70, 92  # pixels: of a curve's panel; from one to the next
FOOT = 2 * ROW  # below both
GOOD, BAD = "#1d6b34", "#b3261e"


def bars(preset: MotionPreset, seen: Explanation) -> str:
    """Draw both ratios of a frame, each with a mark at its limit, and say whether the frame passes."""
    lines = []
    for name, ratio, needs, limit, keeps in compared(preset, seen.top_ratio, seen.mid_ratio):
        colour, verdict = (GOOD, "yes") if keeps else (BAD, "no")
        lines.append(
            f'{name} ratio <b>{ratio:.3f}</b>, {needs} {limit:.3f}: <b style="color:{colour}">{verdict}</b>'
            '<div style="position:relative;height:12px;border:1px solid #888;margin:4px 0 8px">'
            f'<div style="width:{ratio:.1%};height:100%;background:{colour}"></div>'
            f'<div style="position:absolute;left:{limit:.1%};top:-4px;width:3px;height:20px;background:#333">'
            "</div></div>"
        )
    return f"{''.join(lines)}<b>The frame {'passes' if seen.passes else 'does not pass'}.</b>"


def chart(preset: MotionPreset, survey: Survey, truth: GroundTruth | None) -> str:
    """Draw both ratios along the clip as an SVG, with their limits, what passes, and the detections."""
    evaluation, ratios, count = survey.evaluate(preset, truth), survey.ratios(preset), len(survey.times)
    passing = np.flatnonzero(np.diff(survey.passing(preset), prepend=False, append=False)).reshape(-1, 2)
    parts = ['<rect width="100%" height="100%" fill="white"/>']

    def x(frame: float) -> float:
        return round(frame * WIDTH / count, 1)

    for first, end in passing.tolist():
        width = max(1.0, x(end - first))
        parts.append(f'<rect x="{x(first)}" width="{width}" height="{FOOT}" fill="#bfe3c8"/>')
    every = -(-count // WIDTH)
    for row, (name, _, needs, limit, _) in enumerate(compared(preset, 0.0, 0.0)):
        foot, values = (row + 1) * ROW, ratios[row]
        # Of the frames that fall on one pixel, the least and the greatest ratio.
        groups = [(i, values[i : i + every]) for i in range(0, count, every)]
        points = (f"{x(i)},{foot - HEIGHT * v:.1f}" for i, some in groups for v in (some.min(), some.max()))
        y = round(foot - HEIGHT * limit, 1)
        parts.append(
            f'<polyline points="{" ".join(points)}" fill="none" stroke="#1f4e9c"/>'
            f'<path d="M0 {foot}H{WIDTH}" stroke="#999"/>'
            f'<path d="M0 {y}H{WIDTH}" stroke="{BAD}" stroke-dasharray="6 3"/>'
            f'<text x="0" y="{foot - HEIGHT - 6}">{name} ratio: {needs} {limit:.3f} (dashed)</text>'
        )
    marks = [
        (detection.frame, *(("&#9650;", GOOD) if hit or not truth else ("&#10005;", BAD)))
        for detection, hit in zip(evaluation.detections, evaluation.parts, strict=True)
    ]
    found = set[int]().union(*evaluation.parts)
    marks += [(p.good_shot[0], "&#9675;", BAD) for p in (truth.parts if truth else ()) if p.id not in found]
    for frame, sign, colour in marks:
        place = f'x="{x(frame)}" y="{FOOT + 16}" fill="{colour}"'
        parts.append(f'<text {place} text-anchor="middle">{sign}</text>')
    for share, anchor in ((0, "start"), (0.25, "middle"), (0.5, "middle"), (0.75, "middle"), (1, "end")):
        place = f'x="{share * WIDTH}" y="{FOOT + 32}"'
        parts.append(f'<text {place} text-anchor="{anchor}">{share * survey.times[-1]:.0f} s</text>')
    legend = "green: passes &#160; &#9650; detected &#160; &#10005; detected, but false &#160; &#9675; missed"
    parts.append(f'<text x="0" y="{FOOT + 50}">{legend}</text>')
    alt = html.escape(f"Top and mid ratio of {count} frames. {evaluation}")
    return (
        f'<svg role="img" aria-label="{alt}" viewBox="0 0 {WIDTH} {FOOT + 56}" font-size="12" '
        f'style="width:100%;max-width:{WIDTH}px" font-family="sans-serif" fill="#222">{"".join(parts)}</svg>'
    )


def cursor(share: float) -> str:
    """Draw the place of the frame on show above the chart."""
    place = f'<div style="margin-left:calc({share:.2%} - 6px)">&#9660;</div>'
    return f'<div style="max-width:{WIDTH}px">{place}</div>'
