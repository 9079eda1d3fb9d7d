import type { CardReport } from "../../components/plan/cards/card-report.ts";
import { deviceName, type PciNames } from "../../components/facts/pci-ids.ts";
import { shortAddress } from "../ground/format.ts";
import { verdictWords } from "../inspect/card-lines.ts";
import { badge } from "./fleet-table.ts";
import { markup, type Html } from "./html.ts";
import type { ReportHost } from "./model.ts";

type Reason = CardReport["reasons"][number];

/** Problems grouped by remedy: the remedy is printed once a group. */
const reasonList = (reasons: readonly Reason[]): Html =>
  markup`<ul>
    ${[...Map.groupBy(reasons, ({ remedy }) => remedy)].map(
      ([remedy, same]) =>
        markup`<li>
          ${same.map(({ problem }) => markup`<p>${problem}</p>`)}
          <p class="remedy">${remedy}</p>
        </li>`,
    )}
  </ul>`;

const cardHead = (card: CardReport, names: PciNames): Html => {
  const display = card.functions.find((device) => device.address === card.address);
  return markup`<code>${shortAddress(card.address)}</code> ${deviceName(names, display?.id ?? "")}`;
};

/** Why cards cannot be handed over, or under which condition. Notes about a card are folded. */
export const cardReasons = ({ cards }: ReportHost, names: PciNames): Html => {
  const against = cards.filter(({ reasons }) => reasons.length > 0);
  const noted = cards.filter(({ notes }) => notes.length > 0);
  return markup`${
    against.length > 0 &&
    markup`<h3>What stands against a card</h3>
      ${against.map(
        (card) =>
          markup`<div class="reasons">
            <p>${cardHead(card, names)} ${badge(`verdict-${card.verdict}`, verdictWords(card.verdict))}</p>
            ${reasonList(card.reasons)}
          </div>`,
      )}`
  }${
    noted.length > 0 &&
    markup`<details>
      <summary>What else will be noticed of the cards</summary>
      ${noted.map(
        (card) =>
          markup`<div class="reasons">
            <p>${cardHead(card, names)}</p>
            ${reasonList(card.notes)}
          </div>`,
      )}
    </details>`
  }`;
};
