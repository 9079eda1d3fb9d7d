import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { formatted, shellFiles } from "./files.ts";
import { assembledPrograms, originOf, type ShellProgram } from "./programs.ts";

const commentSchema = z.object({
  file: z.string(),
  line: z.number(),
  code: z.number(),
  message: z.string(),
});
type Comment = z.infer<typeof commentSchema>;
const answerSchema = z.object({ comments: z.array(commentSchema) });

/** Variables that other files set or use: the assembled programs are looked at for those. */
const CROSS_FILES = ["SC2034", "SC2153", "SC2154"];
/** Functions that are called by a name put together (SC2317, SC2329): test/unit/agent/shell-contract.test.ts looks at calls. */
const BY_NAME = ["SC2317", "SC2329"];

/** What a hook has from the tool that runs it (SC1091, SC2154), and lists of words that no host splits otherwise (SC2013). */
const OUTSIDE = ["SC1091", "SC2013", "SC2154"];

/** What shellcheck finds; throws when it did not run. */
const shellcheck = (words: readonly string[]): Promise<Comment[]> =>
  new Promise((resolve, reject) => {
    execFile(
      "shellcheck",
      ["--format=json1", ...words],
      { maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        // 1: there are findings
        if (error && error.code !== 1)
          reject(new Error(`shellcheck did not run (./setup --only shellcheck): ${stderr || error.message}`));
        else resolve(answerSchema.parse(JSON.parse(stdout)).comments);
      },
    );
  });

const said = ({ code, message }: Comment): string => `${message} [SC${code}]`;

const lintFiles = async (): Promise<string[]> => {
  const files = shellFiles();
  const found = await Promise.all(
    (["bash", "dash"] as const).map((dialect) =>
      shellcheck([
        `--shell=${dialect}`,
        `--exclude=${[...CROSS_FILES, ...BY_NAME].join(",")}`,
        ...files.filter((file) => file.dialect === dialect).map(({ path }) => path),
      ]),
    ),
  );
  return found.flat().map((comment) => `${comment.file}:${comment.line}: ${said(comment)}`);
};

/** Programs of one kind: one process looks at several, and there are as many of them as processors. */
const lintAlike = async (
  folder: string,
  kind: string,
  alike: readonly ShellProgram[],
  words: readonly string[],
): Promise<string[]> => {
  const processes = availableParallelism();
  const found = await Promise.all(
    Array.from({ length: processes }, async (_, share) => {
      const paths = alike.flatMap(({ text }, index) => {
        if (index % processes !== share) return [];
        const path = join(folder, `${kind}-${index}.sh`);
        writeFileSync(path, text);
        return [path];
      });
      return paths.length > 0 ? shellcheck([...words, ...paths]) : [];
    }),
  );
  return found
    .flat()
    .map((comment) => `${originOf(readFileSync(comment.file, "utf8"), comment.line)}: ${said(comment)}`);
};

const lintPrograms = async (): Promise<string[]> => {
  const folder = mkdtempSync(join(tmpdir(), "vfio-fleet-shellcheck-"));
  try {
    const programs = assembledPrograms();
    const found = await Promise.all(
      (["bash", "dash"] as const).flatMap((dialect) =>
        [true, false].map((hook) =>
          lintAlike(
            folder,
            `${dialect}-${hook}`,
            programs.filter((program) => program.dialect === dialect && program.hook === hook),
            [`--shell=${dialect}`, `--exclude=${[...BY_NAME, ...(hook ? OUTSIDE : [])].join(",")}`],
          ),
        ),
      ),
    );
    return found.flat();
  } finally {
    rmSync(folder, { recursive: true });
  }
};

const unformatted = async (): Promise<string[]> => {
  const lines = await Promise.all(
    shellFiles().map(async (file) =>
      (await formatted(file)) === file.text ? [] : [`${file.path}: not as npm run format:shell writes it`],
    ),
  );
  return lines.flat();
};

const findings = new Set((await Promise.all([unformatted(), lintFiles(), lintPrograms()])).flat());
for (const finding of findings) console.error(finding);
if (findings.size > 0) process.exitCode = 1;
