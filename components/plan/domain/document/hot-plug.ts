import { pendingDifferences, type Difference } from "./compare.ts";
import { elementsOf, find, parseXml } from "./xml-tree.ts";

/** CD drives in a definition, by their targets. */
const cdroms = (xml: string): string[] => {
  const parsed = parseXml(xml);
  if (!parsed.ok) return [];
  const root = parsed.root.name === "domstatus" ? find(parsed.root, "domain") : parsed.root;
  return elementsOf(find(root, "devices"), "disk").flatMap((disk) =>
    disk.attributes["device"] === "cdrom" ? (find(disk, "target")?.attributes["dev"] ?? []) : [],
  );
};

const INTERFACE = /^devices\/interface\[[^\]]*\](\/source(\/.*)?|\/link(\/.*)?|\/@type)?$/;
const STATISTICS = /^devices\/memballoon\/stats\/@period$/;

/** What a running domain takes at once, as the agent hands it over (components/agent/domain.sh, verb_domain). */
const isHotPluggable = (drives: readonly string[]): ((difference: Difference) => boolean) => {
  // an empty drive has no format while the domain runs
  const media = drives.flatMap((target) => [
    `devices/disk[${target}]/source`,
    `devices/disk[${target}]/driver/@type`,
  ]);
  return ({ path }) =>
    INTERFACE.test(path) ||
    STATISTICS.test(path) ||
    media.some((place) => path === place || path.startsWith(`${place}/`));
};

/** What a new definition means for a running domain. */
export interface Pending {
  readonly atOnce: readonly Difference[];
  readonly nextStart: readonly Difference[];
}

/**
 * Sorts what a running domain does not have yet into what it gets at once and what waits for its next start.
 * @param wanted the definition that is to be stored
 * @param live libvirt's status file of the running domain, or `virsh dumpxml`
 */
export const pendingChangesOf = (wanted: string, live: string): Pending => {
  // both have to have the drive: one that comes or goes waits for the next start
  const has = cdroms(live);
  const atOnce = isHotPluggable(cdroms(wanted).filter((target) => has.includes(target)));
  const differences = pendingDifferences(wanted, live);
  return {
    atOnce: differences.filter(atOnce),
    nextStart: differences.filter((difference) => !atOnce(difference)),
  };
};
