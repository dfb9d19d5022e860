"""How much faster more workers are: measured or computed, beside what would be in proportion."""

from collections.abc import Mapping

from .page import chart

# One curve after the other: its colour, its mark and its line; mark and line tell as much without colour.
LOOKS = (
    ("#1f5f99", "o", "-"),
    ("#b35900", "s", "-."),
    ("#1d6b34", "^", (0, (1, 1))),
    ("#6a3d9a", "D", (0, (5, 1, 1, 1, 1, 1))),
)
INK = "#444444"
ROOM = 1.6  # how much higher than the highest mark the picture is: the dashed line leaves it there


def scaling(curves: Mapping[str, Mapping[int, float]], cores: int | None = None) -> None:
    """Draw how many times as fast more workers are than one; outside a notebook say it.

    Parameters
    ----------
    curves : mapping of str to mapping of int to float
        For each curve its name, and for each number of workers how many times as fast they are.
    cores : int, optional
        How many cores there are: a line is drawn where they are used up, if the picture reaches so far.
    """
    from matplotlib.figure import Figure

    numbers = sorted({workers for curve in curves.values() for workers in curve})
    highest = max((value for curve in curves.values() for value in curve.values()), default=1.0)
    figure = Figure(figsize=(7, 3), dpi=100, layout="constrained")
    axes = figure.subplots()
    axes.plot(numbers, numbers, color=INK, linestyle="--", label="in proportion")
    for number, (name, curve) in enumerate(curves.items()):
        colour, mark, line = LOOKS[number % len(LOOKS)]
        workers = sorted(curve)
        values = [curve[count] for count in workers]
        axes.plot(workers, values, color=colour, marker=mark, linestyle=line, label=name)
        above = number % 2 == 0  # so that two curves close together do not write into each other
        for place in zip(workers, values, strict=True):
            if place[0] == 1:  # 1 by definition, and there the curves meet
                continue
            offset = (0, 7 if above else -14)
            axes.annotate(
                f"{place[1]:.3g}", place, offset, textcoords="offset points", ha="center", fontsize=8.5
            )
    if cores is not None and numbers and numbers[0] <= cores <= numbers[-1]:
        axes.axvline(cores, color=INK, linestyle=":", label=f"{cores} cores")
    axes.set(xlabel="workers", ylabel="times as fast as one", xticks=numbers)
    axes.set_ylim(0, max(ROOM, min(ROOM * highest, 1.1 * max(numbers, default=1))))
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    chart(figure, _said(curves, cores))


def _said(curves: Mapping[str, Mapping[int, float]], cores: int | None) -> str:
    lines = []
    for name, curve in curves.items():
        pairs = ", ".join(f"{curve[workers]:.3g} with {workers}" for workers in sorted(curve))
        lines.append(f"{name}: {pairs}.")
    there = f" There are {cores} cores." if cores is not None else ""
    dashed = "The dashed line is in proportion: 2 with 2 workers, 8 with 8."
    return f"How many times as fast more workers are. {' '.join(lines)}{there} {dashed}"
