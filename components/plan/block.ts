const BEGIN = "# BEGIN vfio-fleet";
const END = "# END vfio-fleet";

/** A file that several write: the lines between this project's markers, and all else (host/agent.sh: verb_block). */
export const splitBlock = (text: string): { readonly block: string | undefined; readonly rest: string } => {
  const lines = text.split("\n");
  const begin = lines.indexOf(BEGIN);
  const end = lines.indexOf(END, begin);
  if (begin < 0 || end < 0) return { block: undefined, rest: text };
  return {
    block: lines.slice(begin + 1, end).join("\n"),
    rest: [...lines.slice(0, begin), ...lines.slice(end + 1)].join("\n"),
  };
};
