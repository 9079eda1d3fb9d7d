import { PolicyPack, type ReportViolation } from "@pulumi/policy";
import {
  bootDisplayKept,
  hostKeysPinned,
  noPlainSecrets,
  noSharedRunningCard,
  noTriggers,
  type Declared,
  type Violation,
} from "./checks.ts";

const report = (violations: readonly Violation[], say: ReportViolation): void => {
  for (const { resource, message } of violations) say(`${resource}: ${message}`);
};
const eachResource =
  (check: (resource: Declared) => Violation[]) =>
  (resource: Declared, say: ReportViolation): void =>
    report(check(resource), say);
const eachOf =
  (check: (resource: Declared) => Violation[]) =>
  ({ resources }: { readonly resources: readonly Declared[] }, say: ReportViolation): void =>
    report(resources.flatMap(check), say);

/** `pulumi preview --policy-pack policy`: what must not be in any stack of this project. */
export const pack = new PolicyPack("vfio-fleet", {
  enforcementLevel: "mandatory",
  policies: [
    {
      name: "host-keys-pinned",
      description: "No host is talked to whose key is not pinned.",
      validateResource: eachResource(hostKeysPinned),
    },
    {
      name: "no-triggers",
      description: "Commands change in place: triggers replace them.",
      validateResource: eachResource(noTriggers),
    },
    {
      name: "no-plain-secrets",
      description: "Secrets are in secret inputs only.",
      validateResource: eachResource(noPlainSecrets),
    },
    {
      name: "no-shared-running-card",
      description: "A card belongs to one running guest at a time.",
      validateStack: ({ resources }, say) => report(noSharedRunningCard(resources), say),
    },
    {
      name: "boot-display-kept",
      description: "A host keeps its boot display unless it is headless.",
      validateStack: eachOf(bootDisplayKept),
    },
  ],
});
