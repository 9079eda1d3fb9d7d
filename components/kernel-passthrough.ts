import * as pulumi from "@pulumi/pulumi";
import type { KernelPlan } from "./plan/kernel/kernel-plan.ts";
import { printableLines } from "./facts/printable.ts";
import { hostCommands, type HostContext } from "./step-commands.ts";

/**
 * The host's kernel configuration: command line, modules, their options, the binding of the cards, the initramfs,
 * the trial boot and its proof.
 */
export class KernelPassthrough extends pulumi.ComponentResource {
  /** what the host showed after the last reboot: boot_id, command line, driver and group of every function */
  readonly proof: pulumi.Output<string>;

  constructor(
    host: HostContext,
    plan: KernelPlan,
    agent: pulumi.Resource,
    options: pulumi.ComponentResourceOptions,
  ) {
    super("vfio-fleet:index:KernelPassthrough", host.name, {}, options);
    for (const warning of plan.warnings) void pulumi.log.warn(printableLines(warning), this);
    const made = hostCommands(host, plan.steps, this, [agent]);
    this.proof = pulumi.output(made.get("prove")?.stdout ?? "").apply(printableLines);
    this.registerOutputs({ proof: this.proof });
  }
}
