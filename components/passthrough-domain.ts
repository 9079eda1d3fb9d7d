import * as libvirt from "@pulumi/libvirt";
import * as pulumi from "@pulumi/pulumi";
import { compareDomains } from "./core/domain/compare.ts";
import { screenWarning } from "./core/domain/screen.ts";
import { printableLines } from "./core/printable.ts";
import type { DomainPlan } from "./core/domain-plan.ts";
import { hostCommands, type HostContext } from "./remote/host-command.ts";
import type { VideoBios } from "./video-bios.ts";

const GIB = 1024 ** 3;

/**
 * A virtual machine with its cards. The definition is written in place by virsh on the host, so that UUID, NVRAM and a
 * running instance stay (docs/decisions/domain-in-place.md); its volumes are resources of @pulumi/libvirt.
 */
export class PassthroughDomain extends pulumi.ComponentResource {
  /** `running`, with the address of its screen, or what the stack leaves it at */
  readonly state: pulumi.Output<string>;

  constructor(
    host: HostContext,
    plan: DomainPlan,
    agent: pulumi.Resource,
    storage: { readonly provider: libvirt.Provider; readonly pools: readonly pulumi.Resource[] } | undefined,
    roms: VideoBios | undefined,
    options: pulumi.ComponentResourceOptions,
  ) {
    const { domain, xml, steps } = plan;
    super("vfio-fleet:index:PassthroughDomain", `${host.name}:${domain.name}`, {}, options);
    const volumes = storage
      ? domain.volumes.map(
          (volume) =>
            new libvirt.Volume(
              `${host.name}:${volume.name}`,
              { name: volume.name, pool: volume.pool, format: volume.format, size: volume.sizeGiB * GIB },
              {
                parent: this,
                provider: storage.provider,
                dependsOn: [...storage.pools],
                // another size would replace the volume, and with it the guest's data
                ignoreChanges: ["size"],
                retainOnDelete: !domain.lifecycle.deleteData,
              },
            ),
        )
      : [];
    const exposed = screenWarning(domain);
    if (exposed !== undefined) void pulumi.log.warn(exposed, this);
    const made = hostCommands(host, steps, this, [agent, ...volumes, ...(roms ? [roms] : [])], roms?.judged);
    const stored = made.get(`domain ${domain.name}`)?.stdout;
    const proved = pulumi.output(stored ?? "").apply((text) => {
      // in a preview this is what an earlier run stored
      const differences = pulumi.runtime.isDryRun() ? [] : compareDomains(xml, text);
      if (differences.length > 0)
        throw new pulumi.RunError(
          printableLines(
            `${host.name}: libvirt stored ${domain.name} otherwise than it was described:\n  ${differences.join("\n  ")}`,
          ),
        );
      return "defined";
    });
    this.state = pulumi
      .all([proved, made.get(`run ${domain.name}`)?.stdout])
      .apply(([defined, runs]) => printableLines(runs ?? defined));
    this.registerOutputs({ state: this.state });
  }
}
