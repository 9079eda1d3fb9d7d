import { expect, test } from "vitest";
import { parseHostsFile } from "../../../fleet/init/hosts-file.ts";

const read = (text: string) => parseHostsFile(text, "hosts.csv");
const paths = (text: string): string[] => {
  const result = read(text);
  return result.ok ? [] : result.problems.map(({ path, problem }) => `${path}: ${problem}`);
};

test("each line is a host; empty cells are ignored, label columns are labels", () => {
  expect(
    read(
      `\u{feff}Stack,host,user,port,identity,host_key,label:rack\r\na1,192.0.2.1,op,2222,~/.ssh/id,"ssh-ed25519 AAAA",7\r\n\r\na2,"2001:db8::2",,,,,\n`,
    ),
  ).toEqual({
    ok: true,
    value: [
      {
        stack: "a1",
        host: "192.0.2.1",
        user: "op",
        port: 2222,
        identity: "~/.ssh/id",
        hostKey: "ssh-ed25519 AAAA",
        labels: { rack: "7" },
      },
      { stack: "a2", host: "2001:db8::2", labels: {} },
    ],
  });
});

test("all mistakes are reported at once, each with its line", () => {
  expect(
    paths(
      "stack,host,port\nA1,192.0.2.1,22\na2,,22\na3,-oProxyCommand=x,22\na4,192.0.2.4,70000\na5,192.0.2.5,\na5,192.0.2.6,\n",
    ),
  ).toEqual([
    expect.stringMatching(/^hosts\.csv:2 stack: .*lower-case/),
    expect.stringMatching(/^hosts\.csv:3 host: /),
    expect.stringMatching(/^hosts\.csv:4 host: expected a host name/),
    expect.stringMatching(/^hosts\.csv:5 port: /),
    "hosts.csv:7: stack a5 is already in line 6",
  ]);
});

test.each([
  ["a missing column", "host\n192.0.2.1\n", 'the column "stack" is missing'],
  ["an unknown column", "stack,host,adress\na,b,c\n", 'unknown column "adress"'],
  ["no host", "stack,host\n", "the list has no host"],
  ["too many cells", "stack,host\na,b,c\n", "Invalid Record Length"],
  ["nothing", "", "the column"],
])("%s", (_, text, problem) => {
  expect(paths(text).join("\n")).toContain(problem);
});
