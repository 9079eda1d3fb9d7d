import * as pulumi from "@pulumi/pulumi";
import { formatProblems } from "./facts/problem.ts";
import { dumpObjection, type RomPlan } from "./plan/rom/rom-plan.ts";
import { hostCommands, type HostContext } from "./step-commands.ts";

/** ROM files of the host's cards, for the domains that have them. */
export class VideoBios extends pulumi.ComponentResource {
  /** comes once every dump was judged and can work; a dump that cannot ends the program with the judgement */
  readonly judged: pulumi.Output<string>;

  constructor(
    host: HostContext,
    plan: RomPlan,
    agent: pulumi.Resource,
    options: pulumi.ComponentResourceOptions,
  ) {
    super("vfio-fleet:index:VideoBios", host.name, {}, options);
    const made = hostCommands(host, plan.steps, this, [agent]);
    const outputs = plan.dumps.map(({ key }) => made.get(key)?.stdout ?? "");
    this.judged = pulumi.unsecret(
      pulumi.all(outputs).apply((dumps) => {
        const problems = plan.dumps.flatMap(({ card, id }, index) => {
          // in a preview this is what an earlier run read
          const problem = dumpObjection(card, id, dumps[index] ?? "");
          return problem ? [problem] : [];
        });
        if (problems.length > 0)
          throw new pulumi.RunError(formatProblems(host.name, problems, "no domain was changed"));
        return "judged";
      }),
    );
    this.registerOutputs({});
  }
}
