"""GPU passthrough hosts, the pyinfra way."""

import json
import os
from pathlib import Path

from pyinfra import host
from pyinfra.facts.server import Command
from pyinfra.operations import files, python, server

JOB = Path(os.environ["JOB"])
job = json.loads((JOB / "job.json").read_text())

host.get_fact(Command, command="find /sys/kernel/iommu_groups/ -type l")
changed = [
    files.put(
        name=file["path"],
        src=str(JOB / "files" / file["path"].replace("/", "%")),
        dest=file["path"],
        mode=file["mode"],
        create_remote_dir=True,
    )
    for file in job["files"]
]
files.block(
    name="Block in qemu.conf",
    path="/etc/libvirt/qemu.conf",
    content=job["block"].splitlines(),
    marker="# {mark} vfio-fleet",
)
server.shell(
    name="Reboot",
    commands=["mkinitramfs -o /boot/initrd.img-$(uname -r) && update-grub && fake-reboot"],
    _if=lambda: any(one.did_change() for one in changed),
)
proof = server.shell(
    name="Command line and drivers",
    commands=["cat /proc/cmdline; readlink /sys/bus/pci/devices/0000:01:00.*/driver"],
)


def as_wanted():
    lines = proof.stdout.splitlines()
    assert "intel_iommu=on iommu=pt" in lines[0], lines
    assert {Path(line).name for line in lines[1:]} == {"vfio-pci"}, lines


python.call(name="They are as wanted", function=as_wanted)
