"""Charts as SVG, written by hand: groups of bars, and lines over a logarithmic axis. Nothing here knows what is drawn.

They are looked at on pages of either colour, so each brings its own ground and follows the reader's `prefers-color-
scheme`. Every bar and point has its number as text or as a tooltip; the title and the description are for those who do
not see the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from math import floor, log10

WIDTH = 760
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600; font-size: 15px } .small { font-size: 12px; fill: #59636e }
  .ground { fill: #ffffff } .rule { stroke: #d1d9e0; stroke-width: 1 }
  .c0 { fill: #0969da; stroke: #0969da } .c1 { fill: #bc4c00; stroke: #bc4c00 } .c2 { fill: #6639ba; stroke: #6639ba }
  rect.c0, rect.c1, rect.c2 { stroke: none } polyline { fill: none !important; stroke-width: 2 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc } .small { fill: #9198a1 } .ground { fill: #0d1117 } .rule { stroke: #3d444d }
    .c0 { fill: #4493f8; stroke: #4493f8 } .c1 { fill: #f0883e; stroke: #f0883e } .c2 { fill: #ab7df8; stroke: #ab7df8 }
  }
"""


@dataclass(frozen=True)
class Bar:
    """A name, and the parts that it is made of, in the order of the chart's legend."""

    name: str
    parts: tuple[float, ...]


@dataclass(frozen=True)
class Group:
    """Bars that are compared with each other, drawn on a scale of their own."""

    title: str
    bars: tuple[Bar, ...]
    unit: str = "µs"


@dataclass(frozen=True)
class Series:
    """One line: its name and the value at each size."""

    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Words:
    """What a chart says of itself."""

    title: str
    description: str


def bars(words: Words, legend: tuple[str, ...], groups: tuple[Group, ...]) -> str:
    """Horizontal bars, each group as wide as its longest."""
    drawn, y = _legend(legend, 52), 74
    for group in groups:
        drawn.append(_text(20, y + 14, group.title, "small"))
        y += 24
        longest = max(sum(bar.parts) for bar in group.bars)
        for bar in group.bars:
            drawn += _bar(bar, y, 380 / longest, group.unit)
            y += 26
        y += 10
    return _page(words, y + 4, drawn)


def _bar(bar: Bar, y: float, scale: float, unit: str) -> list[str]:
    drawn, x = [_text(210, y + 15, bar.name, anchor="end")], 220.0
    for place, part in enumerate(bar.parts):
        drawn.append(f'<rect class="c{place}" x="{x:.1f}" y="{y}" width="{part * scale:.1f}" height="20"/>')
        x += part * scale
    return [*drawn, _text(x + 8, y + 15, f"{number(sum(bar.parts))} {unit}")]


def lines(words: Words, x_name: str, unit: str, series: tuple[Series, ...]) -> str:
    """Lines over sizes on a logarithmic axis; values from zero, so that a flat line is one that does not grow."""
    left, right, top, bottom = 70, WIDTH - 30, 80, 300
    sizes = sorted({size for one in series for size, _ in one.points})
    step, highest = _scale(max(value for one in series for _, value in one.points))
    from_log, to_log = log10(sizes[0]), log10(sizes[-1])

    def place(size: float, value: float) -> tuple[float, float]:
        share = (log10(size) - from_log) / (to_log - from_log)
        return left + 30 + share * (right - left - 60), bottom - value / highest * (bottom - top)

    drawn = _legend(tuple(one.name for one in series), 52)
    for tick in range(round(highest / step) + 1):
        y = place(sizes[0], tick * step)[1]
        drawn.append(f'<line class="rule" x1="{left}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}"/>')
        drawn.append(_text(left - 8, y + 4, f"{number(tick * step)}", "small", "end"))
    drawn += [_text(place(size, 0)[0], bottom + 20, f"{size:,.0f}", "small", "middle") for size in sizes]
    drawn.append(_text((left + right) / 2, bottom + 42, x_name, "small", "middle"))
    drawn.append(_text(20, top - 9, unit, "small"))
    for colour, one in enumerate(series):
        drawn += _line(one, colour, [place(*point) for point in one.points], unit)
    return _page(words, bottom + 56, drawn)


def _line(one: Series, colour: int, places: list[tuple[float, float]], unit: str) -> list[str]:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    drawn = [f'<polyline class="c{colour}" points="{path}"/>']
    for (x, y), (size, value) in zip(places, one.points, strict=True):
        says = escape(f"{one.name}, {size:,.0f}: {number(value)} {unit}")
        drawn.append(f'<circle class="c{colour}" cx="{x:.1f}" cy="{y:.1f}" r="4"><title>{says}</title></circle>')
    return drawn


def _scale(highest: float) -> tuple[float, float]:
    """A round step, and the multiple of it that is not below the highest value: four to ten steps."""
    power = 10.0 ** floor(log10(highest))
    step = next(power * share for share in (0.2, 0.5, 1, 2) if highest / (power * share) <= 6)
    count = -int(-highest // step)
    return step, step * count


def number(value: float) -> str:
    """As people write it: no more than three digits that say something."""
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _legend(names: tuple[str, ...], y: int) -> list[str]:
    drawn, x = [], 20
    for colour, name in enumerate(names if len(names) > 1 else ()):
        drawn.append(f'<rect class="c{colour}" x="{x}" y="{y - 10}" width="11" height="11"/>')
        drawn.append(_text(x + 17, y, name, "small"))
        x += 34 + 7 * len(name)
    return drawn


def _text(x: float, y: float, text: str, name: str = "", anchor: str = "") -> str:
    more = (f' class="{name}"' if name else "") + (f' text-anchor="{anchor}"' if anchor else "")
    return f'<text x="{x:.1f}" y="{y:.1f}"{more}>{escape(text)}</text>'


def _page(words: Words, height: float, drawn: list[str]) -> str:
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img" '
        'aria-labelledby="title description">',
        f'<title id="title">{escape(words.title)}</title>',
        f'<desc id="description">{escape(words.description)}</desc>',
        f"<style>{STYLE}</style>",
        f'<rect class="ground" width="{WIDTH}" height="{height:.0f}" rx="8"/>',
        _text(20, 30, words.title, "title"),
    ]
    return "\n".join([*head, *drawn, "</svg>"]) + "\n"
