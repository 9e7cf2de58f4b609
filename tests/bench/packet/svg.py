# SPDX-License-Identifier: Apache-2.0
"""svg.py - curves on two logarithmic axes and paired bars on one, as plain SVG; readable on light and dark ground."""
import math
from html import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 420, 70, 150, 44, 54
# Where the page's ground is not known to a picture (an image inside a page), it has its own.
STYLE = """<style>
.ground { fill: #fff } text { font: 13px system-ui, sans-serif; fill: #24292f } .title { font-size: 15px; font-weight: 600 }
.grid { stroke: #8885; stroke-width: 1 } .curve { fill: none; stroke-width: 2 } .spread { stroke-width: 1.5 }
.published { fill: #8c959f; fill-opacity: .8 }
@media (prefers-color-scheme: dark) { .ground { fill: #0d1117 } text { fill: #e6edf3 } }
</style>"""
COLOURS = ("#2f81f7", "#d9822b", "#2da44e", "#d1495b", "#8a63d2", "#0e9aa7", "#c855a5", "#8c6d46")
BAR_COLOURS = {"ours": "#2f81f7", "the peer": "#d9822b", "floor": "#8c959f"}


def shown(value):
    for limit, word in ((1e6, "M"), (1e3, "k")):
        if value >= limit:
            return "%g%s" % (value / limit, word)
    return "%g" % value


def scale(values, low, high):
    """A function from a value to its place, and the ticks: whole powers of ten around all values; 2 and 5 between them where they
    are few. Few powers end at the next 2 or 5, so that curves fill the plot."""
    least, most = math.log10(min(values)), math.log10(max(values))
    first, last = math.floor(least), math.ceil(most)
    steps = (1, 2, 5) if last - first <= 3 else (1,)
    ticks = [step * 10.0 ** power for power in range(first, last + 1) for step in steps]
    below = [tick for tick in ticks if math.log10(tick) <= least + 1e-9]
    above = [tick for tick in ticks if math.log10(tick) >= most - 1e-9]
    ticks = [tick for tick in ticks if below[-1] <= tick <= max(above[0], 2 * below[-1])]
    first, last = math.log10(ticks[0]), math.log10(ticks[-1])

    def place(value):
        return low + (math.log10(value) - first) / (last - first) * (high - low)
    return place, ticks


def open_svg(title, width, height):
    return ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img">' % (width, height, width, height),
            STYLE, "<title>%s</title>" % escape(title), '<rect class="ground" width="%d" height="%d"/>' % (width, height),
            '<text class="title" x="16" y="24">%s</text>' % escape(title)]


def text(x, y, words, anchor="start"):
    return '<text x="%.1f" y="%.1f" text-anchor="%s">%s</text>' % (x, y, anchor, escape(words))


def grid(ticks, rises, across, up):
    lines = []
    for tick in ticks:
        lines.append('<path class="grid" d="M%.1f %d V%d"/>' % (across(tick), TOP, HEIGHT - BOTTOM))
        lines.append(text(across(tick), HEIGHT - BOTTOM + 18, shown(tick), "middle"))
    for tick in rises:
        lines.append('<path class="grid" d="M%d %.1f H%d"/>' % (LEFT, up(tick), WIDTH - RIGHT))
        lines.append(text(LEFT - 8, up(tick) + 4, shown(tick), "end"))
    return lines


def colours_of(names):
    """By what stands before the comma: both families of one thing have its colour."""
    heads = sorted({name.split(",")[0] for name in names})
    return {name: COLOURS[heads.index(name.split(",")[0]) % len(COLOURS)] for name in names}


def curve(index, name, colour, points, across, up):
    dash = ' stroke-dasharray="6 4"' if "IPv6" in name else ""
    at = [(across(x), up(y)) for x, y, _, _ in points]
    y = TOP + 14 + 22 * index
    lines = ['<path class="curve" stroke="%s"%s d="M%s"/>' % (colour, dash, " L".join("%.1f %.1f" % pair for pair in at))]
    for x, value, low, high in points:
        lines.append('<path class="spread" stroke="%s" d="M%.1f %.1f V%.1f"/>' % (colour, across(x), up(low), up(high)))
        lines.append('<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"><title>%s</title></circle>' % (
            across(x), up(value), colour, escape("%s, %s: %g (%g-%g)" % (name, shown(x), value, low, high))))
    lines.append('<path class="curve" stroke="%s"%s d="M%d %d h24"/>' % (colour, dash, WIDTH - RIGHT + 12, y - 4))
    lines.append(text(WIDTH - RIGHT + 42, y, name))
    return lines


def curves(title, across_title, up_title, named, published=()):
    """named: {name: [(x, y, low, high), ...]}, published: (x, y, name); x and y above 0."""
    named = {name: [(x, y, max(low, y / 10), high) for x, y, low, high in sorted(points)] for name, points in named.items() if points}
    every = [point for points in named.values() for point in points]
    across, ticks = scale([point[0] for point in every] + [point[0] for point in published], LEFT, WIDTH - RIGHT)
    up, rises = scale([value for point in every for value in point[1:]] + [point[1] for point in published], HEIGHT - BOTTOM, TOP)
    lines = open_svg(title, WIDTH, HEIGHT) + grid(ticks, rises, across, up)
    middle = (TOP + HEIGHT - BOTTOM) // 2
    lines.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, across_title, "middle"))
    lines.append('<text transform="translate(20 %d) rotate(-90)" text-anchor="middle">%s</text>' % (middle, escape(up_title)))
    for x, y, name in published:
        lines.append('<circle class="published" cx="%.1f" cy="%.1f" r="3"><title>%s</title></circle>' % (
            across(x), up(y), escape("%s: %g" % (name, y))))
    colours = colours_of(named)
    for index, (name, points) in enumerate(sorted(named.items())):
        lines += curve(index, name, colours[name], points, across, up)
    if published:
        y = TOP + 14 + 22 * len(named)
        lines += ['<circle class="published" cx="%d" cy="%d" r="3"/>' % (WIDTH - RIGHT + 24, y - 4), text(WIDTH - RIGHT + 42, y, "published")]
    return "\n".join(lines + ["</svg>", ""])


BAR, GAP, NAMES = 14, 8, 190


def pair_height(pair):
    return len(pair) * BAR + GAP


def bar(y, whose, value, low, high, base, across):
    colour = BAR_COLOURS[whose]
    end = across(value)
    lines = ['<rect x="%.1f" y="%.1f" width="%.1f" height="%d" fill="%s"/>' % (base, y, max(end - base, 1), BAR - 1, colour)]
    far = end
    if low and high and low < high:
        far = max(end, across(high))
        lines.append('<path class="spread" stroke="#57606a" d="M%.1f %.1f H%.1f"/>' % (across(low), y + BAR / 2 - .5, far))
    lines.append(text(far + 5, y + BAR - 3, "%.3g" % value))
    return lines


def bars(title, across_title, pairs):
    """pairs: [(name, [(whose, value, low, high), ...])], values above 0, on one logarithmic axis."""
    values = [value for _, pair in pairs for _, *rest in pair for value in rest if value]
    height = TOP + 24 + sum(pair_height(pair) for _, pair in pairs) + BOTTOM
    across, ticks = scale(values, NAMES, WIDTH - 60)
    end = max(values) * 1.2  # the last power of ten may be far
    if end < ticks[-1]:
        ticks = [tick for tick in ticks if tick <= end]
        span = math.log10(end / ticks[0])

        def across(value):
            return NAMES + math.log10(value / ticks[0]) / span * (WIDTH - 60 - NAMES)
    lines = open_svg(title, WIDTH, height)
    x = NAMES
    for whose, colour in BAR_COLOURS.items():
        if any(whose == bar_of[0] for _, pair in pairs for bar_of in pair):
            lines += ['<rect x="%d" y="%d" width="14" height="10" fill="%s"/>' % (x, TOP - 2, colour), text(x + 20, TOP + 7, whose)]
            x += 110
    for tick in ticks:
        lines.append('<path class="grid" d="M%.1f %d V%d"/>' % (across(tick), TOP + 18, height - BOTTOM))
        lines.append(text(across(tick), height - BOTTOM + 18, shown(tick), "middle"))
    y = TOP + 24
    for name, pair in pairs:
        lines.append(text(NAMES - 8, y + len(pair) * BAR / 2 + 3.5, name, "end"))
        for whose, value, low, high in pair:
            lines += bar(y, whose, value, low, high, NAMES, across)
            y += BAR
        y += GAP
    lines.append(text((NAMES + WIDTH - 60) / 2, height - 12, across_title, "middle"))
    return "\n".join(lines + ["</svg>", ""])
