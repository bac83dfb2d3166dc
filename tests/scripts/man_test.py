#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The man pages are well-formed, and cowshed(1) names each command, argument and option of the program, and no others.

The program is asked by --help, command by command. In docs/man/cowshed.1.scd an entry of a command is a line "*GROUP COMMAND* ...",
that of a global option a line "*-h*, *--help*". Prints "ok CHECK" or "FAIL CHECK" a line, and fails when one did.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[2]
PAGES = TOP / "docs/man"
NOT_YET = "not supported yet"
# Every command has them.
COMMON = {"-h", "--help"}


class Entry:
    """What is said about one command."""

    def __init__(self, options, arguments, text):
        self.options, self.arguments = options, arguments
        self.not_yet = text.lower().count(NOT_YET)

    def difference(self, other):
        parts = []
        for what in "options", "arguments", "not_yet":
            mine, others = getattr(self, what), getattr(other, what)
            if mine != others:
                parts.append(f"{what}: the program has {mine or 'none'}, the page {others or 'none'}")
        return "; ".join(parts)


# --- The program -------------------------------------------------------------------------------------------------------------


def program():
    builds = [os.environ.get("COWSHED_BUILD"), TOP / "build/release", TOP / "build/demo"]
    for build in builds:
        if build and os.access(pathlib.Path(build) / "bin/cowshed", os.X_OK):
            return pathlib.Path(build) / "bin/cowshed"
    sys.exit("FAIL there is no built cowshed")


def help_of(command):
    return subprocess.run([program(), *command, "--help"], check=True, capture_output=True, text=True).stdout


def items(text, section):
    """First words of the lines below "SECTION:", in option groups, too."""
    found, is_inside = [], False
    for line in text.splitlines():
        if line.strip().endswith(":") and not line.strip().startswith("-"):
            is_inside = line.strip() == section + ":"
        elif not line.strip() or line.startswith("["):
            is_inside = False
        elif is_inside and re.match(r" {2,4}\S", line):
            found.append(line.split()[0])
    return found


def options_in(text):
    return {name for item in items(text, "Options") for name in item.split(",")}


def commands(above=()):
    """(words of a command, what its group says of it, its help), leaves only."""
    text = help_of(above)
    for name in items(text, "Subcommands"):
        command = (*above, name)
        below = help_of(command)
        if items(below, "Subcommands"):
            yield from commands(command)
        else:
            yield " ".join(command), below


def program_entries():
    return {
        name: Entry(options_in(text) - COMMON, set(items(text, "Positionals")), text) for name, text in commands()
    }


# --- The page ----------------------------------------------------------------------------------------------------------------


def page_entries(page):
    """Commands, and the global options."""
    entries, global_options = {}, set()
    section = ""
    lines = page.splitlines()
    for number, line in enumerate(lines):
        if line.startswith("# "):
            section = line[2:]
        elif section == "GLOBAL OPTIONS" and line.startswith("*-"):
            global_options |= set(re.findall(r"\*(-[^*]+)\*", line))
        elif section in ("POOLS AND DEFAULTS", "VMS", "VOLUMES", "THE WHOLE") and line.startswith("*"):
            name, usage = re.match(r"\*([^*]+)\*(.*)", line).groups()
            body = "\n".join(lines[number + 1 :]).split("\n\n")[0]
            entries[name] = Entry(set(re.findall(r"\*(-[^*]+)\*", usage)), arguments_in(usage), body)
    return entries, global_options


def arguments_in(usage):
    """Underlined words that are no option's value."""
    without_options = re.sub(r"\*-[^*]+\*(, )?( (\[_\w+_=\])?_\w+_(=_\w+_)?)?", "", usage)
    return set(re.findall(r"_([A-Z]+)_", without_options))


# --- Checks ------------------------------------------------------------------------------------------------------------------


def complaints(*command):
    """What it prints, but for paragraphs that scdoc begins once too often."""
    output = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
    return "\n".join(line for line in output.splitlines() if "WARNING: skipping paragraph macro: PP" not in line)


def check_page(source, directory):
    page = directory / source.stem
    with open(source) as text, open(page, "w") as made:
        result = subprocess.run(["scdoc"], stdin=text, stdout=made, stderr=subprocess.PIPE, text=True)
    if result.returncode:
        return result.stderr
    return complaints("mandoc", "-T", "lint", "-W", "warning", page) or complaints("groff", "-t", "-man", "-Tutf8", "-ww", "-z", page)


def check_references(source, known):
    """Of its own pages that are referred to, all exist."""
    named = set(re.findall(r"\*(cowshed[\w.-]*)\*\((\d)\)", source.read_text()))
    missing = [f"{name}({section})" for name, section in named if f"{name}.{section}" not in known]
    return f"refers to {', '.join(missing)}" if missing else None


def checks():
    sources = sorted(PAGES.glob("*.scd"))
    with tempfile.TemporaryDirectory() as directory:
        for source in sources:
            yield f"{source.stem} is well-formed", check_page(source, pathlib.Path(directory))
    for source in sources:
        yield f"{source.stem} refers to pages that exist", check_references(source, {s.stem for s in sources})
    ours, (described, global_options) = program_entries(), page_entries((PAGES / "cowshed.1.scd").read_text())
    if len(ours) < 20:
        yield "commands are found by --help", f"only {sorted(ours)}"
    for name in sorted(ours.keys() | described.keys()):
        if name not in described:
            yield name, "is not in cowshed(1)"
        elif name not in ours:
            yield name, "is in cowshed(1), but the program has no such command"
        else:
            yield name, ours[name].difference(described[name])
    difference = options_in(help_of(())) ^ global_options
    yield "global options", f"only one of program and page has {difference}" if difference else None


def main():
    failed = False
    for name, problem in checks():
        print(f"FAIL {name}: {problem}" if problem else f"ok {name}")
        failed = failed or bool(problem)
    return failed


sys.exit(main())
