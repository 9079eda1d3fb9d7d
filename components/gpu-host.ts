import type * as command from "@pulumi/command";
import * as libvirt from "@pulumi/libvirt";
import * as pulumi from "@pulumi/pulumi";
import { stackFunctions } from "./plan/cards/card-problems.ts";
import type { DomainPlan } from "./plan/domain/domain-plan.ts";
import { stops, type HostPlan } from "./host/plan-host.ts";
import { KernelPassthrough } from "./kernel-passthrough.ts";
import { LibvirtDaemon } from "./libvirt-daemon.ts";
import { PassthroughDomain, type DomainReport } from "./passthrough-domain.ts";
import { hostAgent, type HostContext } from "./step-commands.ts";
import { libvirtUri } from "./ssh/libvirt-uri.ts";
import { VideoBios } from "./video-bios.ts";

/** A Linux host that hands its GPUs to virtual machines: everything one entry of a stack describes. */
export class GpuHost extends pulumi.ComponentResource {
  readonly proof: pulumi.Output<string>;
  readonly libvirt: pulumi.Output<string>;
  /** state, pending changes and screen of every domain, by name */
  readonly domains: pulumi.Output<Record<string, DomainReport>>;

  /** @param commands the command plugin's provider, one for all hosts */
  constructor(host: HostContext, plan: HostPlan, commands: command.Provider) {
    super("vfio-fleet:index:GpuHost", host.name, {}, { providers: [commands] });
    const parent = { parent: this };
    // in the order of plan.steps
    const agent = hostAgent(host, plan.agent, this);
    const daemon = new LibvirtDaemon(host, plan.libvirt, agent, parent);
    const kernel = new KernelPassthrough(host, plan.kernel, agent, { ...parent, dependsOn: [daemon] });
    const roms =
      plan.roms.steps.length === 0
        ? undefined
        : new VideoBios(host, plan.roms, agent, { ...parent, dependsOn: [kernel] });
    const storage = this.pools(host, plan, kernel);
    const made = (domains: readonly DomainPlan[], stopped: readonly pulumi.Resource[]) =>
      domains.map(
        (domain) =>
          [
            domain.domain.name,
            new PassthroughDomain(
              host,
              domain,
              { agent, storage, roms, stopped },
              { ...parent, dependsOn: [kernel] },
            ),
          ] as const,
      );
    const stopping = made(plan.domains.filter(stops), []);
    const stopped = stopping.flatMap(([, domain]) => domain.stopped ?? []);
    const others = made(
      plan.domains.filter((domain) => !stops(domain)),
      stopped,
    );
    const domains = [...stopping, ...others].map(([name, { report }]) => [name, report] as const);
    this.proof = kernel.proof;
    this.libvirt = daemon.version;
    this.domains = pulumi.output(Object.fromEntries(domains));
    const { cards, headless } = plan.spec;
    this.registerOutputs({
      proof: this.proof,
      libvirt: this.libvirt,
      domains: this.domains,
      // what the policy pack judges
      headless,
      bootDisplays: stackFunctions(host.facts, cards)
        .filter((device) => device.bootVga === true)
        .map((device) => device.address),
    });
  }

  /** libvirt's pools; without a volume or a pool to make, the host is not connected to for them. */
  private pools(host: HostContext, plan: HostPlan, kernel: KernelPassthrough) {
    const pools = Object.entries(plan.spec.storage.pools);
    if (pools.length === 0 && plan.domains.every(({ domain }) => domain.volumes.length === 0))
      return undefined;
    const provider = new libvirt.Provider(host.name, { uri: this.uri(host, plan, kernel) });
    return {
      provider,
      pools: pools.map(
        ([name, { path }]) =>
          new libvirt.Pool(
            `${host.name}:${name}`,
            { name, type: "dir", target: { path } },
            // the engine takes one resource at a time: a pool that came sooner would keep all others waiting for the
            // provider's connection
            { parent: this, provider, dependsOn: [kernel], retainOnDelete: true },
          ),
      ),
    };
  }

  private uri(host: HostContext, plan: HostPlan, kernel: KernelPassthrough): pulumi.Input<string> {
    const address = (): string => libvirtUri(host.name, host.connection);
    if (!pulumi.runtime.isDryRun()) return kernel.proof.apply(address);
    // a preview must not connect to a daemon that this up is yet to start, or that does not know the login yet
    const answersNow = host.connection.user === "root" && host.facts.libvirt.socket;
    return answersNow || plan.libvirt.every((step) => step.inPlace)
      ? address()
      : pulumi.output(pulumi.unknown).apply(String);
  }
}
