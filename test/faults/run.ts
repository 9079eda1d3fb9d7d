/**
 * `npm run test:faults`: real hosts in QEMU, and at every step of `up` and of `destroy` something goes wrong. Ends with
 * `N faults, N survived`.
 *
 * --hosts lab-xeon,lab-fx8350   which hosts
 * --each 3                      how many faults a step meets
 * --fault NAME, --step WORDS    only these
 * --limit 4                     at most so many, spread over all of them
 * --table FILE                  writes what happened as a table
 */
import { parseArgs } from "node:util";
import { isHostName } from "../../lab/hosts.ts";
import { prepareRange, writeTable } from "./campaign.ts";
import { faultNames } from "./faults.ts";
import { planStrikes, spread, type Strike } from "./plan.ts";

const { values } = parseArgs({
  options: {
    hosts: { type: "string", default: "lab-xeon,lab-fx8350" },
    each: { type: "string", default: "2" },
    fault: { type: "string" },
    step: { type: "string" },
    limit: { type: "string" },
    table: { type: "string" },
  },
});

const names = faultNames.filter((name) => values.fault === undefined || name === values.fault);
const rows: (Strike & { readonly host: string; readonly wrong: readonly string[] })[] = [];
for (const host of values.hosts.split(",")) {
  if (!isHostName(host)) throw new Error(`${host} is no lab host`);
  console.log(`${host}: an up and a destroy without faults, to learn their steps`);
  const range = await prepareRange(host, host);
  try {
    const strikes = planStrikes(range.steps, names, Number(values.each)).filter(
      ({ step }) => values.step === undefined || step.startsWith(values.step),
    );
    for (const strike of spread(strikes, Number(values.limit ?? strikes.length))) {
      const wrong = await range.strike(strike);
      rows.push({ ...strike, host, wrong });
      console.log(
        `${wrong.length === 0 ? "✓" : "✗"} ${host}, ${strike.direction}, ${strike.step}: ${strike.fault}`,
      );
      for (const text of wrong) console.log(`    ${text.replaceAll("\n", "\n    ")}`);
    }
  } finally {
    await range.remove();
  }
}
if (values.table !== undefined) writeTable(values.table, rows);
const survived = rows.filter(({ wrong }) => wrong.length === 0).length;
console.log(`${rows.length} faults, ${survived} survived`);
process.exitCode = survived === rows.length && rows.length > 0 ? 0 : 1;
