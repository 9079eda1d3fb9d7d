import { formatted, shellFiles, writeShellFile } from "./files.ts";

// npm run format:shell
for (const file of shellFiles()) {
  const text = await formatted(file);
  if (text === file.text) continue;
  writeShellFile(file.path, text);
  console.log(file.path);
}
