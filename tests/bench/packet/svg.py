# SPDX-License-Identifier: Apache-2.0
"""svg.py - curves on two logarithmic axes as a plain SVG; readable on light and dark ground."""
import math
from html import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 400, 70, 190, 40, 50
STYLE = """<style>
text { font: 13px system-ui, sans-serif; fill: #333 } .title { font-size: 15px; font-weight: 600 }
.grid { stroke: #8884; stroke-width: 1 } path.curve { fill: none; stroke-width: 2 }
@media (prefers-color-scheme: dark) { text { fill: #ddd } }
</style>"""
COLOURS = ("#1f77b4", "#e07b00", "#2a9d4a", "#d1495b", "#8a63d2", "#8c6d46", "#c855a5", "#6f7c80")


def shown(value):
    for limit, word in ((1e6, "M"), (1e3, "k")):
        if value >= limit:
            return "%g%s" % (value / limit, word)
    return "%g" % value


def scale(values, low, high):
    """A function from a value to its place, and the ticks: powers of ten, and 2 and 5 between them where they are few."""
    first, last = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    last = max(last, first + 1)
    steps = (1, 2, 5) if last - first <= 2 else (1,)
    ticks = [step * 10.0 ** power for power in range(first, last + 1) for step in steps if step == 1 or power < last]

    def place(value):
        return low + (math.log10(value) - first) / (last - first) * (high - low)
    return place, ticks


def curve(index, name, points, across, up):
    colour, at = COLOURS[index % len(COLOURS)], [(across(x), up(y)) for x, y in points]
    y = TOP + 14 + 20 * index
    lines = ['<path class="curve" stroke="%s"%s d="M%s"/>' % (colour, ' stroke-dasharray="6 4"' if index >= len(COLOURS) else "",
                                                            " L".join("%.1f %.1f" % pair for pair in at))]
    lines += ['<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>' % (pair + (colour,)) for pair in at]
    lines.append('<rect x="%d" y="%d" width="14" height="4" fill="%s"/>' % (WIDTH - RIGHT + 15, y - 5, colour))
    lines.append('<text x="%d" y="%d">%s</text>' % (WIDTH - RIGHT + 36, y, escape(name)))
    return lines


def plot(title, across_title, up_title, curves):
    """curves: {name: [(x, y), ...]}, all above 0."""
    curves = {name: sorted(points) for name, points in curves.items() if points}
    across, ticks = scale([x for points in curves.values() for x, _ in points], LEFT, WIDTH - RIGHT)
    up, rises = scale([y for points in curves.values() for _, y in points], HEIGHT - BOTTOM, TOP)
    lines = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img">' % (WIDTH, HEIGHT), STYLE,
             '<text class="title" x="%d" y="22">%s</text>' % (LEFT, escape(title))]
    for tick in ticks:
        lines.append('<path class="grid" d="M%.1f %d V%d"/>' % (across(tick), TOP, HEIGHT - BOTTOM))
        lines.append('<text x="%.1f" y="%d" text-anchor="middle">%s</text>' % (across(tick), HEIGHT - BOTTOM + 18, shown(tick)))
    for tick in rises:
        lines.append('<path class="grid" d="M%d %.1f H%d"/>' % (LEFT, up(tick), WIDTH - RIGHT))
        lines.append('<text x="%d" y="%.1f" text-anchor="end">%s</text>' % (LEFT - 8, up(tick) + 4, shown(tick)))
    middle = (TOP + HEIGHT - BOTTOM) // 2
    lines.append('<text x="%d" y="%d" text-anchor="middle">%s</text>' % ((LEFT + WIDTH - RIGHT) // 2, HEIGHT - 10, escape(across_title)))
    lines.append('<text transform="translate(18 %d) rotate(-90)" text-anchor="middle">%s</text>' % (middle, escape(up_title)))
    for index, (name, points) in enumerate(sorted(curves.items())):
        lines += curve(index, name, points, across, up)
    return "\n".join(lines + ["</svg>", ""])
