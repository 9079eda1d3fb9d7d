import { domainView } from "../../components/plan/domain/domain-view.ts";
import type { Verdict } from "../../components/doctor/rule.ts";
import { deviceName, type PciNames } from "../../components/facts/pci-ids.ts";
import { formatKib, shortAddress } from "../ground/format.ts";
import { hostLines } from "../inspect/host-lines.ts";
import type { HostDrift } from "./drift.ts";
import { cardReasons } from "./card-reasons.ts";
import { badge, hostBadges } from "./fleet-table.ts";
import { markup, type Html } from "./html.ts";
import type { ReportHost } from "./model.ts";
import { drawTree } from "./picture.ts";
import { pciTree } from "./tree.ts";

const head = (titles: readonly string[]): Html =>
  markup`<thead>
    <tr>
      ${titles.map((title) => markup`<th scope="col">${title}</th>`)}
    </tr>
  </thead>`;

const scroll = (label: string, content: Html): Html =>
  markup`<div class="scroll" role="region" aria-label="${label}" tabindex="0">${content}</div>`;

const LEGEND = markup`<ul class="legend" aria-hidden="true">
  <li><span class="key vfio"></span>vfio-pci</li>
  <li><span class="key gpu"></span>a host's GPU driver</li>
  <li><span class="key host"></span>another driver</li>
  <li><span class="key none"></span>no driver</li>
  <li><span class="key border"></span>IOMMU group</li>
  <li><span class="key shared"></span>group that holds a stranger</li>
</ul>`;

const picture = (host: ReportHost, names: PciNames): Html => {
  const title = `PCI tree and IOMMU groups of ${host.name}`;
  const tree = pciTree(host.facts, host.cards, false);
  const all = pciTree(host.facts, host.cards, true);
  return markup`<figure>
      <figcaption>The cards, the bridges above them and their IOMMU groups</figcaption>
      ${scroll(`Picture: ${title}`, drawTree(tree, { id: `${host.id}-tree`, title, names }))}${LEGEND}
    </figure>
    <details>
      <summary>All ${host.facts.pci.length} devices as a picture</summary>
      ${scroll(
        `Picture: all devices of ${host.name}`,
        drawTree(all, { id: `${host.id}-all`, title: `All PCI devices of ${host.name}`, names }),
      )}
    </details>`;
};

const groups = (host: ReportHost, names: PciNames): Html => {
  const devices = [...host.facts.pci].sort(
    (a, b) => (a.iommuGroup ?? 1e9) - (b.iommuGroup ?? 1e9) || a.address.localeCompare(b.address),
  );
  return markup`<details>
    <summary>IOMMU groups as a table</summary>
    ${scroll(
      `IOMMU groups of ${host.name}`,
      markup`<table>
        ${head(["Group", "Address", "Id", "Driver", "Class", "Device"])}
        <tbody>
          ${devices.map(
            (device) =>
              markup`<tr>
                <td class="number">${device.iommuGroup ?? "none"}</td>
                <td class="code">${shortAddress(device.address)}</td>
                <td class="code">${device.id}</td>
                <td class="code">${device.driver ?? "none"}</td>
                <td>${names.class(device.class) ?? device.class}</td>
                <td>${deviceName(names, device.id)}</td>
              </tr>`,
          )}
        </tbody>
      </table>`,
    )}
  </details>`;
};

const domains = ({ name, facts }: ReportHost): Html => {
  const rows = [
    ...facts.libvirt.domains.map((domain) => {
      const view = domainView(domain);
      return [
        domain.name,
        domain.running ? badge("good", "running") : badge("quiet", "off"),
        domain.autostart ? "yes" : "no",
        view ? (view.uefi ? "UEFI" : "BIOS") : "unknown",
        view ? String(view.vcpus) : "unknown",
        view ? formatKib(view.memoryKiB) : "unknown",
        view ? view.hostdevs.map(({ address }) => shortAddress(address)).join(", ") || "none" : "unknown",
      ];
    }),
    ...(facts.survey?.proxmox ?? []).map((guest) => [
      `${guest.name} (${guest.id})`,
      guest.running ? badge("good", "running") : badge("quiet", "off"),
      guest.onboot ? "yes" : "no",
      guest.bios === "ovmf" ? "UEFI" : "BIOS",
      "",
      "",
      guest.hostpci.map(shortAddress).join(", ") || "none",
    ]),
  ];
  if (rows.length === 0) return markup`<p>No domains.</p>`;
  return scroll(
    `Domains of ${name}`,
    markup`<table>
      ${head(["Domain", "State", "Starts with the host", "Firmware", "CPUs", "Memory", "Devices"])}
      <tbody>
        ${rows.map(
          ([first, ...others]) =>
            markup`<tr>
              <th scope="row">${first}</th>
              ${others.map((cell) => markup`<td>${cell}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>`,
  );
};

const items = (list: readonly { readonly what: string; readonly found: string }[]): Html =>
  markup`<ul>
    ${list.map(({ what, found }) => markup`<li><code>${what}</code>: ${found}</li>`)}
  </ul>`;

const drift = (found: HostDrift): Html => {
  switch (found.kind) {
    case "unknown":
      return markup`<p>Not compared: ${found.why}.</p>`;
    case "clean":
      return markup`<p>${badge("good", "none")} The host is as its stack says.</p>`;
    case "drifted":
      return markup`<p>${badge("warn", "drift")} Changed since the last <code>pulumi up</code>:</p>
        ${items(found.items)}${
          found.pending.length > 0 &&
          markup`<p>Not done yet:</p>
            ${items(found.pending)}`
        }`;
    case "pending":
      return markup`<p>
          ${badge("warn", "not applied")} The stack wants this, but no <code>pulumi up</code> has done it yet:
        </p>
        ${items(found.items)}`;
    case "refused":
      return markup`<p>${badge("bad", "refused")} <code>pulumi preview</code> refuses this host:</p>
        ${items(found.items)}`;
  }
};

const rollout = ({ rollout: last }: ReportHost): Html => {
  if (!last) return markup`<p>vfio-fleet has changed nothing on this host.</p>`;
  const shown = last.what.slice(0, 8);
  return markup`<p>
    Last changed by vfio-fleet
    <time datetime="${last.at}">${last.at.slice(0, 16).replace("T", " ")} UTC</time>:
    ${shown.map(
      (what, index) => markup`${index > 0 && ", "}<code>${what}</code>`,
    )}${last.what.length > shown.length && markup` and ${last.what.length - shown.length} more`}.
  </p>`;
};

const VERDICTS = {
  fault: ["bad", "fault"],
  risk: ["warn", "risk"],
  expected: ["quiet", "as it should be"],
} as const satisfies Record<Verdict, readonly [string, string]>;

const doctorFindings = ({ diagnosis }: ReportHost): Html => {
  if (!diagnosis) return markup`<p>Not checked.</p>`;
  const { findings, blind, looked } = diagnosis;
  return markup`${
    findings.length === 0 && markup`<p>${badge("good", "nothing wrong")} ${looked} rules checked.</p>`
  }${findings.map(({ rule, finding }) => {
    const [kind, word] = VERDICTS[finding.verdict];
    return markup`<details class="finding">
      <summary>
        ${badge(kind, word)} <strong>${rule.title}</strong> <span>${finding.subject}: ${finding.found}</span>
      </summary>
      <dl>
        <dt>Why</dt>
        <dd>${rule.explanation}</dd>
        <dt>What helps</dt>
        <dd>${finding.remedy ?? rule.remedy}</dd>
        <dt>Source</dt>
        <dd>${rule.source}</dd>
      </dl>
    </details>`;
  })}${
    blind.length > 0 && markup`<p>These rules need root: ${blind.map(({ rule }) => rule.id).join(", ")}.</p>`
  }`;
};

/** The section of one host. */
export const hostSection = (host: ReportHost, names: PciNames): Html => {
  const { id, name, facts, stack } = host;
  return markup`<section class="host" id="${id}" data-host="${id}" aria-labelledby="${id}-name">
    <header>
      <h2 id="${id}-name">${name}</h2>
      <p class="badges">${hostBadges(host)}</p>
    </header>
    <p class="sub">
      ${facts.distro.name}, Linux ${facts.kernel}${stack !== undefined && markup`, stack <code>${stack}</code>`}
    </p>
    ${picture(host, names)} ${cardReasons(host, names)}
    <h3>Domains</h3>
    ${domains(host)}
    <h3>What the doctor found</h3>
    ${doctorFindings(host)}
    <h3>Drift and last roll-out</h3>
    ${drift(host.drift)}${rollout(host)} ${groups(host, names)}
    <details>
      <summary>The host in detail</summary>
      <dl class="facts">
        ${hostLines(facts).map(
          ([label, ...lines]) =>
            markup`<dt>${label}</dt>
              ${lines.map((line) => markup`<dd>${line}</dd>`)}`,
        )}
      </dl>
    </details>
  </section>`;
};
