import { makeDocument } from "../targets/facts-file/make.ts";
import { saveDocument } from "../targets/facts-file/files.ts";
import { readFacts, type FactsSource } from "../targets/read-facts.ts";
import { pciNames } from "../ground/pci-names.ts";
import { formatJson, paintFor, printable } from "../ground/terminal.ts";
import { renderHost } from "./render.ts";

/** The options as the command line gives them. */
export interface InspectOptions extends FactsSource {
  readonly json?: true;
  readonly save?: string;
  readonly unmasked?: true;
  readonly all?: true;
}

/** `vfio-fleet inspect`. Returns the exit status, 2 when a host could not be probed. Throws a CommandError. */
export const inspect = async (target: string | undefined, options: InspectOptions): Promise<number> => {
  const { takenAt, hosts, failures, masked } = await readFacts(target, options);
  const names = pciNames();
  const document = makeDocument(hosts, { takenAt, masked: masked || !options.unmasked, names });
  if (options.save !== undefined && hosts.length > 0) {
    saveDocument(options.save, document);
    console.error(
      `${printable(options.save)} written, ${document.masked ? "without names, addresses and serial numbers" : "with names and addresses as they are"}`,
    );
  }
  if (options.json) console.log(formatJson(document));
  else if (hosts.length > 0)
    console.log(
      hosts
        .map(({ name, facts }) =>
          renderHost(name, facts, { all: options.all === true, names, paint: paintFor(process.stdout) }),
        )
        .join("\n\n"),
    );
  for (const message of failures) console.error(message);
  return failures.length > 0 ? 2 : 0;
};
