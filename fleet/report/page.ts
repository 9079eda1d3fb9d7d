import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { PciNames } from "../../components/facts/pci-ids.ts";
import { counted } from "../ground/format.ts";
import { fleetTable } from "./fleet-table.ts";
import { Html, markup } from "./html.ts";
import { hostSection } from "./host-section.ts";
import { countFindings, type Report } from "./model.ts";

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), "utf8").trim();
const hash = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

const tile = (count: number, what: string, kind = ""): Html =>
  markup`<li class="${kind}"><strong>${count}</strong> ${what}</li>`;

const totals = ({ hosts }: Report): Html => {
  const cards = hosts.flatMap((host) => host.cards);
  const used = cards.filter((card) => card.users.some((user) => user.running)).length;
  const faults = hosts.reduce((sum, host) => sum + countFindings(host, "fault"), 0);
  const drifted = hosts.filter((host) => host.drift.kind === "drifted").length;
  return markup`<ul class="totals" aria-label="Totals">
    ${tile(hosts.length, hosts.length === 1 ? "host" : "hosts")}
    ${tile(cards.length, cards.length === 1 ? "card" : "cards")}
    ${tile(cards.filter((card) => card.verdict === "ready").length, "ready")} ${tile(used, "in use")}
    ${tile(faults, faults === 1 ? "fault" : "faults", faults > 0 ? "bad" : "")}
    ${tile(drifted, "drifted", drifted > 0 ? "warn" : "")}
  </ul>`;
};

/**
 * The whole page as one file. Its content security policy runs only what stands in the file: no network, no frames,
 * no form targets.
 */
export const reportPage = (report: Report, names: PciNames): string => {
  const style = read("page.css");
  const script = read("page.js");
  const policy = `default-src 'none'; style-src ${hash(style)}; script-src ${hash(script)}; base-uri 'none'; form-action 'none'`;
  const at = report.takenAt.slice(0, 16).replace("T", " ");
  // Style and script stand in their elements without a space around them, because the policy holds their hashes.
  const { text } = markup`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="referrer" content="no-referrer" />
        <title>vfio-fleet: ${counted(report.hosts.length, "host")}, ${at} UTC</title>
        ${new Html(`<style>${style}</style>`)}
      </head>
      <body>
        <a class="skip" href="#main">Skip to the cards</a>
        <header class="page">
          <h1>GPU passthrough fleet</h1>
          <p class="sub">Probed <time datetime="${report.takenAt}">${at} UTC</time> by vfio-fleet</p>
          ${totals(report)}
          ${
            report.hosts.length > 1 &&
            markup`<nav aria-label="Hosts">
              <ul>
                ${report.hosts.map((host) => markup`<li><a href="#${host.id}">${host.name}</a></li>`)}
              </ul>
            </nav>`
          }
        </header>
        <main id="main">
          ${
            report.failures.length > 0 &&
            markup`<section class="failures" aria-labelledby="failures">
              <h2 id="failures">Hosts that could not be probed</h2>
              ${report.failures.map((message) => markup`<pre>${message}</pre>`)}
            </section>`
          }
          ${fleetTable(report, names)} ${report.hosts.map((host) => hostSection(host, names))}
        </main>
        <footer><p>Made by vfio-fleet; this page needs no network and sends nothing.</p></footer>
        ${new Html(`<script>${script}</script>`)}
      </body>
    </html> `;
  return text;
};
