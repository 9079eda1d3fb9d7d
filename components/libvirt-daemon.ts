import * as pulumi from "@pulumi/pulumi";
import { printableLines } from "./facts/printable.ts";
import type { Step } from "./plan/step.ts";
import { hostCommands, type HostContext } from "./step-commands.ts";

/** libvirt, QEMU and OVMF: packages, the block in qemu.conf, the daemon and its networks. */
export class LibvirtDaemon extends pulumi.ComponentResource {
  /** versions of libvirt and QEMU as the daemon tells them */
  readonly version: pulumi.Output<string>;

  constructor(
    host: HostContext,
    steps: readonly Step[],
    agent: pulumi.Resource,
    options: pulumi.ComponentResourceOptions,
  ) {
    super("vfio-fleet:index:LibvirtDaemon", host.name, {}, options);
    const made = hostCommands(host, steps, this, [agent]);
    this.version = pulumi.output(made.get("libvirtd")?.stdout ?? "").apply(printableLines);
    this.registerOutputs({ version: this.version });
  }
}
