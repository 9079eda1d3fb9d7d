import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LangVariant, print, type ShOptions } from "sh-syntax";

const ROOT = join(import.meta.dirname, "../..");
/** Folders that are no source: what is installed, made or kept there is somebody else's. */
const FOREIGN = /^(node_modules|sdks|\.git|\.lab)$/;
/** Programs without an ending, so that people can call them by a short name. */
const NAMED = ["setup", ".ci/run", "toolchain/pulumi"];

export interface ShellFile {
  /** from the root of the project */
  readonly path: string;
  readonly text: string;
  /** bash where the file says so; all else runs under any sh that knows `local` */
  readonly dialect: "bash" | "dash";
}

/** Every shell file of the project. */
export const shellFiles = (): readonly ShellFile[] => {
  const found = globSync("**/*.sh", { cwd: ROOT, exclude: (path) => FOREIGN.test(path) });
  return [...NAMED, ...found].sort().map((path) => {
    const text = readFileSync(join(ROOT, path), "utf8");
    const [first = ""] = text.split("\n", 1);
    return { path, text, dialect: /^#.*\bbash\b/.test(first) ? "bash" : "dash" };
  });
};

export const writeShellFile = (path: string, text: string): void => writeFileSync(join(ROOT, path), text);

/** As shfmt -i 2 -ci writes it; sh-syntax has other defaults than shfmt. */
export const formatted = ({ path, text, dialect }: ShellFile): Promise<string> => {
  const options: ShOptions = {
    filepath: path,
    variant: dialect === "bash" ? LangVariant.LangBash : LangVariant.LangPOSIX,
    useTabs: false,
    indent: 2,
    switchCaseIndent: true,
    spaceRedirects: false,
    binaryNextLine: false,
  };
  return print(text, options);
};
