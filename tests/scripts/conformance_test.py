#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the conformance suite over every driver in a VM, and holds the table in docs/drivers.md to what it proved.

Usage: conformance_test.py [--write] [--kernel uml|qemu]
With --write the table is written instead. Fails when a test failed, when a capability of a driver was neither kept nor refused, or
when the table says something else.
"""
import os
import pathlib
import re
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
PAGE = TOP / "docs/drivers.md"
BEGIN, END = "<!-- conformance: written by tests/scripts/conformance_test.py --write -->\n", "<!-- end -->\n"
MARKS = {"kept": "yes", "refused": "–"}


def run_suite(kernel):
    """What the suite printed; its own output goes on to ours."""
    build = pathlib.Path(os.environ.get("COWSHED_BUILD", TOP / "build/release"))
    command = [TOP / "scripts/vm", "--kernel", kernel, "--timeout", "1500", "--", build / "bin/vm_conformance"]
    lines = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, errors="replace") as suite:
        for line in suite.stdout:
            sys.stdout.write(line)
            lines.append(line)
    if suite.returncode:
        sys.exit(f"FAIL the suite ended with status {suite.returncode}")
    return lines


def proved(lines):
    """SUBJECT -> CAPABILITY -> mark, in the order of the suite."""
    table = {}
    for line in lines:
        found = re.search(r"CONFORMS\|([^|]+)\|([^|]+)\|(kept|refused)$", line.strip())
        if found:
            subject, capability, how = found.groups()
            table.setdefault(subject, {})[capability] = MARKS[how]
    return table


def as_markdown(table):
    capabilities = list(dict.fromkeys(capability for row in table.values() for capability in row))
    missing = [f"{subject}: {capability}" for subject, row in table.items() for capability in capabilities if capability not in row]
    if missing or not capabilities:
        sys.exit("FAIL neither kept nor refused: " + ", ".join(missing or ["anything"]))
    yield "| | " + " | ".join(f"`{subject}`" for subject in table)
    yield "|---" * (len(table) + 1)
    for capability in capabilities:
        yield f"| {capability} | " + " | ".join(row[capability] for row in table.values())


def main():
    kernel = sys.argv[sys.argv.index("--kernel") + 1] if "--kernel" in sys.argv else "uml"
    made = "".join(line + " |\n" for line in as_markdown(proved(run_suite(kernel))))
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    there, _, after = rest.partition(END)
    if "--write" in sys.argv:
        PAGE.write_text(before + BEGIN + made + END + after, encoding="utf-8")
    elif there != made:
        sys.exit(f"FAIL the table of docs/drivers.md is out of date (--write mends it); proved was:\n{made}")
    print("ok the table of docs/drivers.md says what was proved")


main()
