/**
 * `npm run test:faults`: real hosts in QEMU in parallel. At every step of `up` and `destroy` a fault is injected.
 * Ends with `N faults, N survived`. A host on which all faults were tried gets its row in docs/tried.md.
 *
 * --hosts lab-xeon,lab-fx8350   the hosts
 * --each 8                      largest number of rounds of up and destroy
 * --limit 31                    largest number of faults on each host
 * --fault NAME, --step WORDS    only these
 * --table FILE                  writes the results as a table
 * --record FILE                 records each finished round, and continues from the recorded ones
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { noteTried, revision } from "../tried.ts";
import { isHostName } from "../../lab/hosts.ts";
import { prepareRange, tableOf } from "./campaign.ts";
import { atMost, namedFaults, rotation, type Direction } from "./plan.ts";
import { noteOutcomes, readRecord } from "./record.ts";

const { values, tokens } = parseArgs({
  tokens: true,
  options: {
    hosts: { type: "string", default: "lab-xeon,lab-fx8350" },
    each: { type: "string", default: "8" },
    limit: { type: "string", default: "31" },
    fault: { type: "string" },
    step: { type: "string" },
    table: { type: "string" },
    record: { type: "string" },
  },
});
const { step: words } = values;
const names = namedFaults(values.fault);
const earlier = readRecord(values.record);
const rows = [...earlier];
let broken = false;

/** One of these narrows a run: it shows less than the whole of it. */
const whole = !tokens.some(
  (token) => token.kind === "option" && /^(fault|step|each|limit)$/.test(token.name),
);

const campaign = async (host: string): Promise<void> => {
  if (!isHostName(host)) throw new Error(`${host} is no lab host`);
  const [began, tried] = [performance.now(), revision()];
  const before = earlier.filter((outcome) => outcome.host === host);
  let struck = before.length;
  const limit = Number(values.limit);
  const next = rotation(names, (step) => words === undefined || step.startsWith(words), before);
  if (struck >= limit) return;
  const range = await prepareRange(host, host);
  try {
    for (let round = 0; round < Number(values.each) && struck < limit; round++) {
      console.log(`${host}: round ${round + 1}`);
      await range.fresh();
      for (const direction of ["up", "destroy"] as const satisfies readonly Direction[]) {
        const outcomes = await range.course(direction, atMost(limit - struck, next));
        struck += outcomes.length;
        rows.push(...outcomes);
        noteOutcomes(values.record, outcomes);
        for (const { step, fault, wrong } of outcomes) {
          console.log(`${wrong.length === 0 ? "✓" : "✗"} ${host}, ${direction}, ${step}: ${fault}`);
          for (const text of wrong) console.log(`    ${text.replaceAll("\n", "\n    ")}`);
        }
        // A run that did not finish cannot be undone from there.
        if (outcomes.some(({ wrong }) => wrong.length > 0)) break;
      }
    }
  } finally {
    await range.remove();
  }
  const ours = rows.filter((row) => row.host === host);
  if (whole && ours.length > 0 && ours.every(({ wrong }) => wrong.length === 0))
    noteTried(
      `faults: ${host}`,
      tried,
      performance.now() - began,
      `, ${ours.length} faults${before.length > 0 ? `, ${before.length} of them in an earlier run` : ""}`,
    );
};

await Promise.all(
  values.hosts.split(",").map((host) =>
    campaign(host).catch((error: unknown) => {
      broken = true;
      console.log(`✗ ${host}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }),
  ),
);
if (values.table !== undefined) writeFileSync(values.table, tableOf(rows));
const survived = rows.filter(({ wrong }) => wrong.length === 0).length;
console.log(`${rows.length} faults, ${survived} survived`);
process.exitCode = !broken && survived === rows.length && rows.length > 0 ? 0 : 1;
