#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Links of the documentation lead to files and headings that exist, and docs/README.md leads to every page.

Prints "ok CHECK" or "FAIL CHECK" a line, and fails when one did.
"""
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
PAGES = sorted([*TOP.glob("*.md"), *TOP.glob("docs/**/*.md"), *TOP.glob("examples/**/*.md"), *TOP.glob("tests/**/*.md")])
INDEX = TOP / "docs/README.md"


def links(page):
    """(file, anchor) of the links to files of the project."""
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if not re.match(r"[a-z]+:", target):
            path, _, anchor = target.partition("#")
            yield (page.parent / path).resolve() if path else page, anchor


def anchors(page):
    """As GitHub makes them of headings."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    headings = re.findall(r"^#+ (.*)$", text, flags=re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def broken_links(page):
    for file, anchor in links(page):
        if not file.exists():
            yield f"{file.relative_to(TOP)} does not exist"
        elif anchor and anchor not in anchors(file):
            yield f"{file.relative_to(TOP)} has no heading for #{anchor}"


def checks():
    for page in PAGES:
        yield f"links of {page.relative_to(TOP)}", ", ".join(broken_links(page))
    indexed = {file for file, _ in links(INDEX)} | {INDEX}
    pages = [*TOP.glob("docs/**/*.md"), *TOP.glob("docs/man/*.scd")]
    missing = sorted(str(page.relative_to(TOP)) for page in pages if page not in indexed)
    yield "docs/README.md is an index of all", f"it does not name {', '.join(missing)}" if missing else ""


def main():
    failed = False
    for name, problem in checks():
        print(f"FAIL {name}: {problem}" if problem else f"ok {name}")
        failed = failed or bool(problem)
    return failed


sys.exit(main())
