import * as pulumi from "@pulumi/pulumi";
import type { HostPlan } from "./host-plan.ts";
import { KernelPassthrough } from "./kernel-passthrough.ts";
import { LibvirtDaemon } from "./libvirt-daemon.ts";
import { hostAgent, type HostContext } from "./remote/host-command.ts";

/** A Linux host that hands its GPUs to virtual machines: everything one entry of a stack describes. */
export class GpuHost extends pulumi.ComponentResource {
  readonly proof: pulumi.Output<string>;
  readonly libvirt: pulumi.Output<string>;

  constructor(host: HostContext, plan: HostPlan, options: pulumi.ComponentResourceOptions = {}) {
    super("vfio-fleet:index:GpuHost", host.name, {}, options);
    const parent = { parent: this };
    const agent = hostAgent(host, plan.spec.kernel.reboot, this);
    const libvirt = new LibvirtDaemon(host, plan.libvirt, agent, parent);
    // packages come before the reboot: they may bring kernel or firmware files that the new initramfs should hold
    const kernel = new KernelPassthrough(host, plan.kernel, agent, { ...parent, dependsOn: [libvirt] });
    this.proof = kernel.proof;
    this.libvirt = libvirt.version;
    this.registerOutputs({ proof: this.proof, libvirt: this.libvirt });
  }
}
