#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws the results of scripts/bench start-stop as SVG files.

Usage: bench/plot.py JSON DIRECTORY [--note TEXT]

Reads what --json wrote and writes a file for each thing that was measured: bars where a tool has one figure, lines where
the case names a size ("batch-100 start"). Both axes of lines are logarithmic. TEXT (kernel, machine) goes below each.
"""
import argparse
import html
import json
import math
import pathlib
import re
import sys

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 80, 170, 44, 70
COLOURS = ["#0b5394", "#cc4125", "#38761d", "#8e63ce", "#b45f06", "#45818e", "#741b47", "#7f6000"]
SIZED = re.compile(r"^([a-z]+)-(\d+) (.+)$")
AXES = {"batch": "VMs in one call", "scale": "VMs that run already", "write": "VMs that run on the template", "service": "clients"}


class Scale:
    """A logarithmic axis from powers of ten around the values to pixels."""

    def __init__(self, values, begin, end):
        values = [value for value in values if value > 0]
        self.low = math.floor(math.log10(min(values)))
        self.high = max(math.ceil(math.log10(max(values))), self.low + 1)
        self.begin, self.end = begin, end

    def at(self, value):
        share = (math.log10(max(value, 10**self.low)) - self.low) / (self.high - self.low)
        return self.begin + share * (self.end - self.begin)

    def ticks(self):
        return [10**power for power in range(self.low, self.high + 1)]


def number(value):
    if value >= 1e6:
        return f"{value / 1e6:g}M"
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


def text(x, y, content, anchor="middle", more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {more}>{html.escape(content)}</text>'


def line(x1, y1, x2, y2, colour="#ddd"):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def document(title, note, parts):
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>\n'
    )
    frame = [text(LEFT, 22, title, "start", 'font-size="15"'), text(LEFT, HEIGHT - 8, note, "start", 'fill="#666" font-size="11"')]
    return head + "\n".join(frame + parts) + "\n</svg>\n"


def grid(y_scale, label):
    parts = [text(0, 0, label, more=f'transform="translate(18 {(TOP + HEIGHT - BOTTOM) / 2:.0f}) rotate(-90)"')]
    for tick in y_scale.ticks():
        y = y_scale.at(tick)
        parts += [line(LEFT, y, WIDTH - RIGHT, y), text(LEFT - 6, y + 4, number(tick), "end")]
    return parts


def lines(title, x_label, y_label, series, note):
    """`series`: by tool, a list of (size, value)."""
    x_scale = Scale([max(x, 1) for points in series.values() for x, _ in points], LEFT, WIDTH - RIGHT)
    y_scale = Scale([y for points in series.values() for _, y in points], HEIGHT - BOTTOM, TOP)
    parts = grid(y_scale, y_label)
    for size in sorted({x for points in series.values() for x, _ in points}):
        parts.append(text(x_scale.at(max(size, 1)), HEIGHT - BOTTOM + 18, number(size) if size else "0"))
    parts.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - BOTTOM + 38, x_label))
    for place, (tool, points) in enumerate(series.items()):
        colour = COLOURS[place % len(COLOURS)]
        dots = [(x_scale.at(max(x, 1)), y_scale.at(y)) for x, y in sorted(points)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in dots)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in dots]
        parts.append(text(WIDTH - RIGHT + 16, TOP + 10 + 20 * place, "● " + tool, "start", f'fill="{colour}"'))
    return document(title, note, parts)


def bars(title, y_label, values, note):
    """`values`: by tool."""
    y_scale = Scale(values.values(), HEIGHT - BOTTOM, TOP)
    parts = grid(y_scale, y_label)
    step = (WIDTH - RIGHT - LEFT) / len(values)
    for place, (tool, value) in enumerate(values.items()):
        x, y = LEFT + step * (place + 0.15), y_scale.at(value)
        colour = COLOURS[place % len(COLOURS)]
        parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{step * 0.7:.1f}" height="{HEIGHT - BOTTOM - y:.1f}" fill="{colour}"/>')
        parts.append(text(x + step * 0.35, y - 5, f"{value:.3g}"))
        parts.append(text(x + step * 0.35, HEIGHT - BOTTOM + (16 if place % 2 == 0 else 32), tool))
    return document(title, note, parts)


def rows_of_bars(title, x_label, values, note):
    """As bars, but one below the other: for long names."""
    begin = 200
    x_scale = Scale(values.values(), begin, WIDTH - 80)
    step = (HEIGHT - BOTTOM - TOP) / len(values)
    parts = [text((begin + WIDTH - 80) / 2, HEIGHT - BOTTOM + 38, x_label)]
    for tick in x_scale.ticks():
        parts += [line(x_scale.at(tick), TOP, x_scale.at(tick), HEIGHT - BOTTOM), text(x_scale.at(tick), HEIGHT - BOTTOM + 18, number(tick))]
    for place, (name, value) in enumerate(values.items()):
        y, end = TOP + step * (place + 0.15), x_scale.at(value)
        parts.append(f'<rect x="{begin}" y="{y:.1f}" width="{end - begin:.1f}" height="{step * 0.7:.1f}" fill="{COLOURS[0]}"/>')
        parts += [text(begin - 6, y + step * 0.35 + 4, name, "end"), text(end + 5, y + step * 0.35 + 4, f"{value:.3g}", "start")]
    return document(title, note, parts)


def group(rows):
    """Sized cases as {(part, what): {tool: [(size, row)]}}, the others as {case: {tool: row}}."""
    sized, single = {}, {}
    for row in rows:
        found = SIZED.match(row["case"])
        if found and found[1] in AXES:
            part, size, what = found[1], int(found[2]), found[3]
            sized.setdefault((part, what), {}).setdefault(row["tool"], []).append((size, row))
        else:
            single.setdefault(row["case"], {})[row["tool"]] = row
    return sized, single


def charts(rows, note):
    """File names and their content."""
    sized, single = group(rows)
    for (part, what), tools in sized.items():
        name = f"{part}-{what}".replace(" ", "-")
        for measure, unit, factor in (("median_us", "ms, median", 1e3), ("per_second", "a second", 1), ("bytes", "bytes copied", 1)):
            series = {tool: [(size, row[measure] / factor) for size, row in points if row.get(measure)] for tool, points in tools.items()}
            series = {tool: points for tool, points in series.items() if points}
            if not series or (measure == "per_second" and what == "stop"):
                continue
            ending = {"median_us": "", "per_second": "-rate", "bytes": "-bytes"}[measure]
            yield name + ending, lines(f"{part}: {what}", AXES[part], unit, series, note)
    commands = {case.split(" ", 1)[1] + ": " + tool: row["median_us"] / 1e3 for case, tools in single.items() if case.startswith("startup ")
                for tool, row in tools.items()}
    if commands:
        yield "startup", rows_of_bars("startup: commands", "ms, median", commands, note)
    for case, tools in single.items():
        if case.startswith("startup "):
            continue
        name = re.sub(r"[^a-z0-9]+", "-", case.lower()).strip("-")
        values = {tool: row["median_us"] / 1e3 for tool, row in tools.items() if row["median_us"] > 0}
        if values:
            yield name, bars(case, "ms, median", values, note)


def main():
    parser = argparse.ArgumentParser(description="Draws the results of scripts/bench start-stop as SVG files.")
    parser.add_argument("json", type=pathlib.Path)
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--note", default="")
    arguments = parser.parse_args()
    results = json.loads(arguments.json.read_text())
    note = f"kernel {results['kernel']}" + (f"; {arguments.note}" if arguments.note else "")
    arguments.directory.mkdir(parents=True, exist_ok=True)
    for name, content in charts(results["rows"], note):
        (arguments.directory / f"{name}.svg").write_text(content)


if __name__ == "__main__":
    sys.exit(main())
