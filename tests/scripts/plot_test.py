#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench/plot.py draws what the start-stop benchmark writes: SVG files that an XML parser takes, with all tools and sizes in them.

Prints "ok CHECK" or "FAIL CHECK" a line, and fails when one did.
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

TOP = pathlib.Path(__file__).resolve().parents[2]


def row(case, tool, median, **more):
    return {"case": case, "tool": tool, "n": 3, "median_us": median, "p99_us": 2 * median, **more}


ROWS = [
    row("start", "limit", 900.5),
    row("start", "cowshed", 1100.5),
    row("batch-1 start", "limit", 900),
    row("batch-1000 start", "limit", 800),
    row("batch-1 start", "cowshed", 1000),
    row("batch-1000 start", "cowshed", 0),
    row("write-0 1 MiB", "cowshed", 1500, bytes=1114112),
    row("write-100 1 MiB", "cowshed", 1600, bytes=1114112),
    row("service-1 start", "a<b&c", 2000, per_second=100),
    row("service-32 start", "a<b&c", 20000, per_second=400),
    row("startup --version", "cowshed", 3000),
]
EXPECTED = {"start", "batch-start", "write-1-MiB", "write-1-MiB-bytes", "service-start", "service-start-rate", "startup"}


def words(file):
    root = xml.etree.ElementTree.parse(file).getroot()
    return {element.text for element in root.iter("{http://www.w3.org/2000/svg}text")}


def checks(directory):
    results = directory / "results.json"
    results.write_text(json.dumps({"bench": "start-stop", "kernel": "uml", "rows": ROWS}))
    subprocess.run([TOP / "bench/plot.py", results, directory / "plots", "--note", "a machine"], check=True)
    files = {file.stem: file for file in (directory / "plots").iterdir()}
    yield "a file for each thing measured", files.keys() == EXPECTED
    said = {name: words(file) for name, file in files.items()}
    yield "each names kernel and machine", all("kernel uml; a machine" in text for text in said.values())
    yield "lines name sizes and tools", {"1", "1,000", "● limit", "● cowshed", "VMs in one call"} <= said["batch-start"]
    yield "bars name tools", {"limit", "cowshed", "1.1"} <= said["start"]
    yield "a size of nothing is shown", "0" in said["write-1-MiB-bytes"]
    yield "names are escaped", "● a<b&c" in said["service-start"]


def main():
    failed = False
    with tempfile.TemporaryDirectory(prefix="cowshed-plot-") as directory:
        for name, passed in checks(pathlib.Path(directory)):
            print(f"{'ok' if passed else 'FAIL'} {name}")
            failed = failed or not passed
    return failed


sys.exit(main())
