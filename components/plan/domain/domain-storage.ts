import { domainViews } from "./domain-view.ts";
import type { NewVolume, ResolvedDomain } from "./resolve/resolved.ts";
import type { Facts } from "../../facts/facts.ts";
import type { Problem } from "../../facts/problem.ts";
import { receiptName, type Step } from "../step.ts";

const GIB = 1024 ** 3;

const gib = (bytes: number): string => `${Number((bytes / GIB).toFixed(2))} GiB`;

/**
 * Why a volume that was on the host before the stack must not be this domain's: @pulumi/libvirt takes it as it is, and
 * deletes it with the domain where deleteData says so.
 */
const foundProblem = (
  { name: domain, lifecycle }: ResolvedDomain,
  { pool, name, path }: NewVolume,
  facts: Facts,
): Problem | undefined => {
  const user = domainViews(facts).find((view) => view.name !== domain && view.paths.includes(path));
  const at = `domains.${domain}`;
  if (user)
    return {
      path: `${at}.disks`,
      problem: `volume ${name} of pool ${pool} is a disk of the domain ${user.name} already: a new domain would write over it`,
      remedy: "choose another name for the volume, or say that it is to be shared: type: existing-volume",
    };
  if (lifecycle.deleteData)
    return {
      path: `${at}.deleteData`,
      problem: `volume ${name} of pool ${pool} was on the host when the stack first used it, and would be deleted with the domain`,
      remedy: `leave deleteData out, name the volume with type: existing-volume, or, when nothing in it is needed, delete it first: virsh vol-delete ${name} --pool ${pool}`,
    };
  return undefined;
};

/** Steps that make the volumes of a domain as large as they are to be; a volume never shrinks. */
const volumeSteps = (domain: ResolvedDomain, facts: Facts): { steps: Step[]; problems: Problem[] } => {
  const problems: Problem[] = [];
  const steps = domain.volumes.map((volume): Step => {
    const { pool, name, path, sizeGiB } = volume;
    const key = `size ${pool}/${name}`;
    const wanted = sizeGiB * GIB;
    const found = facts.looked?.[path]?.bytes;
    if (found !== undefined && found > wanted)
      problems.push({
        path: `domains.${domain.name}.disks`,
        problem: `volume ${name} of pool ${pool} has ${gib(found)}, the stack says ${gib(wanted)}: a volume never shrinks, its end would be lost`,
        remedy: `set sizeGiB to at least ${Math.ceil(found / GIB)}, or give the domain a new volume under another name`,
      });
    const receipt = facts.receipts[receiptName(key)];
    const foreign = facts.looked?.[path] !== undefined && (!receipt || receipt.notes["found"] === "yes");
    const problem = foreign ? foundProblem(domain, volume, facts) : undefined;
    if (problem) problems.push(problem);
    return {
      key,
      verb: "grow",
      args: [domain.name, pool, name, path, String(wanted), ...(foreign ? ["found"] : [])],
      after: [],
      inPlace: found === wanted,
    };
  });
  return { steps, problems };
};

/** Steps that compare images with the digests given for them: reading a whole image takes too long for a preview. */
const mediaSteps = (domain: ResolvedDomain, facts: Facts): { steps: Step[]; problems: Problem[] } => {
  const problems: Problem[] = [];
  const steps = domain.needs.flatMap(({ field, path, sha256 }): Step[] => {
    if (sha256 === undefined) return [];
    const key = `media ${domain.name} ${path}`;
    const receipt = facts.receipts[receiptName(key)];
    const stamp = facts.looked?.[path]?.stamp;
    const known =
      receipt && stamp !== undefined && receipt.notes["stamp"] === stamp
        ? receipt.notes["sha256"]
        : undefined;
    if (known !== undefined && known !== sha256)
      problems.push({
        path: `domains.${domain.name}.${field}`,
        problem: `${path} has the sha256 ${known}, expected ${sha256}`,
        remedy: "download it again, or correct the digest",
      });
    return [
      {
        key,
        verb: "media",
        args: [domain.name, path, sha256],
        after: [],
        inPlace: known === sha256,
        minutes: 30,
      },
    ];
  });
  return { steps, problems };
};

/** What has to be done about a domain's storage before it is defined. */
export const storageSteps = (
  domain: ResolvedDomain,
  facts: Facts,
): { readonly steps: readonly Step[]; readonly problems: readonly Problem[] } => {
  const volumes = volumeSteps(domain, facts);
  const media = mediaSteps(domain, facts);
  return { steps: [...volumes.steps, ...media.steps], problems: [...volumes.problems, ...media.problems] };
};
