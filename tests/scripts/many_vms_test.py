#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""5,000 VM definitions: who asks for one VM reads that VM's definition and its template's, whatever else there is, and nobody takes much memory.

Prints what each command took (no check fails on a time), then "ok CHECK" or "FAIL CHECK" a line, and fails when one did.
"""
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
COWSHED = pathlib.Path(os.environ.get("COWSHED_BUILD", TOP / "build/release")) / "bin/cowshed"
VMS = 5000
MOST_MEMORY = 100 << 20


def cowshed(state, *command):
    return subprocess.run([COWSHED, "--state", state, *command], capture_output=True, text=True, timeout=60)


def create(state):
    for command in (
        ["vm", "create", "debian", "--size", "root=1M", "--size", "private=1M"],
        ["vm", "create", "work", "--template", "debian", "--size", "private=1M"],
    ):
        done = cowshed(state, *command)
        if done.returncode:
            sys.exit(f"FAIL {' '.join(command)}: {done.stderr}")


def multiply(state, make):
    definition = (state / "vms/work.json").read_text()
    for number in range(VMS):
        make(state / f"vms/work{number}.json", definition.replace("appvms/work/", f"appvms/work{number}/"))


def memory(*command):
    """The most that it had, in bytes, and its seconds. In a process of its own: the maximum is that of all children."""
    child = os.fork()
    if child == 0:
        with open(os.devnull, "w") as nowhere:
            status = subprocess.run([COWSHED, "--state", *command], stdout=nowhere, stderr=nowhere).returncode
        os._exit(status)
    begun = time.monotonic()
    _, status, usage = os.wait4(child, 0)
    return usage.ru_maxrss * 1024, time.monotonic() - begun, os.waitstatus_to_exitcode(status)


def checks(directory):
    few, many, blocked = directory / "few", directory / "many", directory / "blocked"
    create(few)
    shutil.copytree(few, many)
    multiply(many, lambda path, text: path.write_text(text))
    # Whoever opened one of these would wait for ever.
    shutil.copytree(few, blocked)
    multiply(blocked, lambda path, _: os.mkfifo(path))
    for command in (["vm", "info", "work"], ["volume", "info", "work:root"], ["vm", "devices", "work"], ["pool", "list"]):
        try:
            with_many, with_few = cowshed(blocked, *command), cowshed(few, *command)
        except subprocess.TimeoutExpired:
            yield " ".join(command) + " reads no other definition", "it waits for one"
            continue
        same = (with_many.returncode, with_many.stderr) == (with_few.returncode, with_few.stderr)
        yield " ".join(command) + " reads no other definition", None if same else with_many.stderr
    listed = cowshed(many, "vm", "list")
    yield "vm list names all", None if listed.stdout.count("work") == VMS + 1 else f"status {listed.returncode}"
    for command in (["vm", "info", "work4711"], ["vm", "list"], ["volume", "list"], ["tree", "work4711"], ["status"]):
        most, seconds, status = memory(str(many), *command)
        print(f"{' '.join(command)}: {seconds * 1000:.0f} ms, {most / (1 << 20):.0f} MiB")
        yield " ".join(command) + " takes little memory", f"{most} bytes, status {status}" if most > MOST_MEMORY or status else None


def main():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    failed = False
    with tempfile.TemporaryDirectory(prefix="cowshed-many-") as directory:
        for name, problem in checks(pathlib.Path(directory)):
            print(f"FAIL {name}: {problem}" if problem else f"ok {name}")
            failed = failed or problem is not None
    return failed


sys.exit(main())
