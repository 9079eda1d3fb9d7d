import * as libvirt from "@pulumi/libvirt";
import * as pulumi from "@pulumi/pulumi";
import { compareDomains, pendingChanges } from "./plan/domain/document/compare.ts";
import { printableLines } from "./facts/printable.ts";
import type { DomainPlan } from "./plan/domain/domain-plan.ts";
import { liveVncPort, screenAdvice, screenWarning } from "./plan/domain/screen.ts";
import { hostCommands, type HostContext } from "./step-commands.ts";
import type { VideoBios } from "./video-bios.ts";

const GIB = 1024 ** 3;

/** Between the stored and the running definition in what the agent's verb prints. */
const RUNNING = "<!-- running -->\n";

/** What a person wants to know of a domain after an up. */
export interface DomainReport {
  /** `running`, with the address of its screen, or what the stack leaves it at */
  readonly state: string;
  /** what the running domain gets at its next start only, one change a line */
  readonly pending: readonly string[];
  /** how to reach the screen, one step a line */
  readonly screen: readonly string[];
}

/**
 * A virtual machine with its cards. The definition is written in place by virsh on the host, so that UUID, NVRAM and a
 * running instance stay (docs/decisions/domain-in-place.md); its volumes are resources of @pulumi/libvirt.
 */
export class PassthroughDomain extends pulumi.ComponentResource {
  readonly report: pulumi.Output<DomainReport>;
  /** what has to be done before another domain may start: undefined unless this one is to be stopped */
  readonly stopped: pulumi.Resource | undefined;

  constructor(
    host: HostContext,
    plan: DomainPlan,
    needs: {
      readonly agent: pulumi.Resource;
      readonly storage:
        | { readonly provider: libvirt.Provider; readonly pools: readonly pulumi.Resource[] }
        | undefined;
      readonly roms: VideoBios | undefined;
      /** domains that this run shuts down, and whose cards and disks this one may be to get */
      readonly stopped: readonly pulumi.Resource[];
    },
    options: pulumi.ComponentResourceOptions,
  ) {
    const { domain, xml, steps } = plan;
    const { agent, storage, roms, stopped } = needs;
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
                // another size would replace the volume, and with it the guest's data; a step of its own makes it grow
                ignoreChanges: ["size"],
                retainOnDelete: !domain.lifecycle.deleteData,
              },
            ),
        )
      : [];
    const exposed = screenWarning(domain);
    if (exposed !== undefined) void pulumi.log.warn(exposed, this);
    for (const warning of plan.warnings) void pulumi.log.warn(warning, this);
    const made = hostCommands(
      host,
      steps,
      this,
      [agent, ...volumes, ...(roms ? [roms] : []), ...stopped],
      roms?.judged,
    );
    this.stopped = domain.lifecycle.state === "stopped" ? made.get(`run ${domain.name}`) : undefined;
    const found = host.facts.libvirt.domains.find(({ name }) => name === domain.name);
    const known = new Set(steps.flatMap((step) => (step.inPlace ? [step.key] : [])));
    // of a step that this run does not take, the output is what an earlier run saw: the facts are newer
    const defined = pulumi.output(made.get(`domain ${domain.name}`)?.stdout ?? "").apply((text) => {
      const [stored = "", live] = text.split(RUNNING);
      // in a preview this is what an earlier run stored
      const differences = pulumi.runtime.isDryRun() ? [] : compareDomains(xml, stored);
      if (differences.length > 0)
        throw new pulumi.RunError(
          printableLines(
            `${host.name}: libvirt stored ${domain.name} otherwise than it was described:\n  ${differences.join("\n  ")}`,
          ),
        );
      const current = known.has(`domain ${domain.name}`) || pulumi.runtime.isDryRun();
      return {
        live: current ? found?.liveXml : live,
        pending: current ? plan.pending : live === undefined ? [] : pendingChanges(stored, live),
      };
    });
    const { host: name, port, user } = host.connection;
    this.report = pulumi
      .all([defined, made.get(`run ${domain.name}`)?.stdout])
      .apply(([{ live, pending }, runs]): DomainReport => {
        const ran = known.has(`run ${domain.name}`) ? undefined : liveVncPort(runs ?? "");
        return {
          state: printableLines(runs ?? "defined"),
          // what was waiting is there once the domain was started again
          pending:
            runs?.includes("to start with its new definition") && !known.has(`run ${domain.name}`)
              ? []
              : pending,
          screen: screenAdvice(domain, { host: name, port, user }, ran ?? liveVncPort(live ?? "")),
        };
      });
    this.registerOutputs({ report: this.report });
  }
}
