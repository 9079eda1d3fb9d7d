import type { CardReport } from "../../components/plan/cards/card-report.ts";
import { deviceName, type PciNames } from "../../components/facts/pci-ids.ts";
import { verdictWords } from "../inspect/card-lines.ts";
import { shortAddress } from "../ground/format.ts";
import { markup, type Html } from "./html.ts";
import { countFindings, type Report, type ReportHost } from "./model.ts";

/** A word in a coloured frame. The colour only repeats what the word says. */
export const badge = (kind: string, text: string): Html => markup`<span class="badge ${kind}">${text}</span>`;

const IOMMU = { on: "IOMMU on", off: "IOMMU off", "not-offered": "no IOMMU" } as const;

/** A host's state in badges: IOMMU, the doctor's findings, drift. */
export const hostBadges = (host: ReportHost): Html[] => {
  const faults = countFindings(host, "fault");
  const risks = countFindings(host, "risk");
  return [
    badge(host.iommu === "on" ? "good" : "bad", IOMMU[host.iommu]),
    ...(faults > 0 ? [badge("bad", `${faults} fault${faults === 1 ? "" : "s"}`)] : []),
    ...(risks > 0 ? [badge("warn", `${risks} risk${risks === 1 ? "" : "s"}`)] : []),
    ...(faults + risks === 0 && host.diagnosis ? [badge("good", "nothing wrong")] : []),
    ...(host.drift.kind === "drifted" ? [badge("warn", "drift")] : []),
    ...(host.drift.kind === "refused" ? [badge("bad", "not as the stack says")] : []),
    ...(host.drift.kind === "clean" ? [badge("good", "as the stack says")] : []),
  ];
};

/** Whether a person should look at the host. */
const hasTrouble = (host: ReportHost): boolean =>
  countFindings(host, "fault") + countFindings(host, "risk") > 0 ||
  host.drift.kind === "drifted" ||
  host.drift.kind === "refused";

const unique = (values: readonly string[]): string => [...new Set(values)].join(", ");

const row = (host: ReportHost, card: CardReport, names: PciNames): Html => {
  const display = card.functions.find((device) => device.address === card.address);
  const users = card.users.map(
    (user) =>
      markup`<li>${user.name} ${user.running ? badge("good", "running") : badge("quiet", "off")}</li>`,
  );
  return markup`<tr
    data-host="${host.id}"
    data-verdict="${card.verdict}"
    data-trouble="${hasTrouble(host) ? "yes" : "no"}"
  >
    <th scope="row"><a href="#${host.id}">${host.name}</a></th>
    <td>
      ${deviceName(names, display?.id ?? "")}${display?.bootVga && markup` ${badge("quiet", "boot display")}`}
    </td>
    <td class="code wide">${shortAddress(card.address)}</td>
    <td class="code wide">${unique(card.functions.map((device) => device.driver ?? "none"))}</td>
    <td class="number wide">${unique(card.functions.map((device) => String(device.iommuGroup ?? "none")))}</td>
    <td>${badge(`verdict-${card.verdict}`, verdictWords(card.verdict))}</td>
    <td>
      ${
        users.length > 0
          ? markup`<ul class="plain">
              ${users}
            </ul>`
          : "nobody"
      }
    </td>
  </tr>`;
};

const empty = (host: ReportHost): Html =>
  markup`<tr data-host="${host.id}" data-verdict="" data-trouble="${hasTrouble(host) ? "yes" : "no"}">
    <th scope="row"><a href="#${host.id}">${host.name}</a></th>
    <td colspan="6">no display device</td>
  </tr>`;

/** Titles; true for a column that narrow screens leave out. */
const COLUMNS = [
  ["Host", false],
  ["Card", false],
  ["Address", true],
  ["Driver", true],
  ["Group", true],
  ["Passthrough", false],
  ["Used by", false],
] as const;

/** The table of all cards, with the attributes that the page's script filters by. */
export const fleetTable = ({ hosts }: Report, names: PciNames): Html => {
  const cards = hosts.reduce((sum, host) => sum + host.cards.length, 0);
  return markup`<section aria-labelledby="fleet">
    <h2 id="fleet">Cards</h2>
    <form id="filters" class="filters" hidden>
      <label
        >Search
        <input type="search" id="filter-text" placeholder="host, card, domain, driver" autocomplete="off"
      /></label>
      <label
        >Passthrough
        <select id="filter-verdict">
          <option value="">any</option>
          ${(["ready", "possible", "headless", "unknown", "no"] as const).map(
            (verdict) => markup`<option value="${verdict}">${verdictWords(verdict)}</option>`,
          )}
        </select></label
      >
      <label class="check"><input type="checkbox" id="filter-trouble" /> only hosts with trouble</label>
      <button type="reset">Show all</button>
      <p id="filter-count" role="status" aria-live="polite">${cards} cards</p>
    </form>
    <div class="scroll" role="region" aria-labelledby="fleet" tabindex="0">
      <table id="cards">
        <thead>
          <tr>
            ${COLUMNS.map(([title, wide]) => markup`<th scope="col" class="${wide ? "wide" : ""}">${title}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${hosts.map((host) =>
            host.cards.length > 0 ? host.cards.map((card) => row(host, card, names)) : empty(host),
          )}
        </tbody>
      </table>
    </div>
  </section>`;
};
