/**
 * `npm run bench:preview [-- STACK]`: the time of a preview with nothing to change. It is compared with its lower
 * limit: a preview of an empty program plus one ssh round trip to the same host. The three run in turn, so that a
 * busy machine slows all of them.
 */
import { execa } from "execa";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { median } from "./median.ts";

const ROOT = join(import.meta.dirname, "..");
const PULUMI = join(ROOT, "toolchain/pulumi");
const ROUNDS = 5;
const [stack = "lab-xeon"] = process.argv.slice(2);

const seconds = async (file: string, args: readonly string[]): Promise<number> => {
  const started = performance.now();
  await execa(file, args, { cwd: ROOT });
  return (performance.now() - started) / 1000;
};

const empty = await mkdtemp(join(tmpdir(), "vfio-fleet-empty-"));
try {
  await writeFile(
    join(empty, "Pulumi.yaml"),
    "name: empty\nruntime:\n  name: nodejs\n  options:\n    typescript: false\nmain: index.ts\n",
  );
  await writeFile(join(empty, "package.json"), '{"type": "module"}\n');
  await writeFile(
    join(empty, "index.ts"),
    'import { getStack } from "@pulumi/pulumi";\nexport const stack = getStack();\n',
  );
  await symlink(join(ROOT, "node_modules"), join(empty, "node_modules"));
  const name = "organization/empty/bench";
  await execa(PULUMI, ["-C", empty, "stack", "init", name], { reject: false });

  const times = { empty: [] as number[], ssh: [] as number[], preview: [] as number[] };
  for (let round = 0; round <= ROUNDS; round++) {
    const measured = {
      empty: await seconds(PULUMI, ["-C", empty, "preview", "--stack", name]),
      ssh: await seconds("ssh", ["-F", ".lab/ssh_config", "-o", "ControlPath=none", stack, "true"]),
      preview: await seconds(PULUMI, ["preview", "--stack", stack, "--expect-no-changes"]),
    };
    // The first round warms the caches.
    if (round === 0) continue;
    times.empty.push(measured.empty);
    times.ssh.push(measured.ssh);
    times.preview.push(measured.preview);
  }
  const [base, trip, preview] = [median(times.empty), median(times.ssh), median(times.preview)];
  console.log(
    `empty program  ${base.toFixed(2)} s\nssh round trip ${trip.toFixed(2)} s\npreview        ${preview.toFixed(2)} s`,
  );
  console.log(`preview / (empty program + ssh round trip): ${(preview / (base + trip)).toFixed(2)}`);
  await execa(PULUMI, ["-C", empty, "stack", "rm", "--yes", "--force", name], { reject: false });
} finally {
  await rm(empty, { recursive: true });
}
