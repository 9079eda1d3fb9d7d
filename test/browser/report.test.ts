import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { AxeResults } from "axe-core";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { report } from "../../fleet/report/write-report.ts";
import { makeReport } from "../../fleet/report/model.ts";
import { reportPage } from "../../fleet/report/page.ts";
import { NO_NAMES } from "../../components/facts/pci-ids.ts";
import { hostFacts, hostFile, hostNames } from "../fixtures/hosts.ts";
import { Browser, type Look } from "../support/browser.ts";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const looks = {
  "a wide screen": {},
  "a dark one": { dark: true },
  "a phone": { width: 390, height: 844 },
} as const satisfies Record<string, Look>;

let folder: string;
let browser: Browser;
let url: string;
/** A report of two hosts with all kinds of findings: axe takes seconds for each hundred devices. */
let small: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "vfio-fleet-report-"));
  const output = join(folder, "report.html");
  await report(undefined, { from: hostNames().map(hostFile), output });
  url = pathToFileURL(output).href;
  const two = join(folder, "two.html");
  await report(undefined, { from: ["proxmox", "optimus-laptop"].map(hostFile), output: two });
  small = pathToFileURL(two).href;
  browser = await Browser.start();
}, 90_000);
afterAll(async () => {
  await browser.close();
  rmSync(folder, { recursive: true });
});

/** Visible rows of the table of cards, as `host card`. */
const cards = (page: Page): Promise<string[]> =>
  page
    .locator("#cards tbody tr:visible")
    .evaluateAll((rows) => rows.map((row) => (row as { innerText?: string }).innerText ?? ""));

describe.each(Object.entries(looks))("on %s", (_, look) => {
  test("the browser reports no error and loads nothing, and axe finds nothing serious", async () => {
    const { page, complaints } = await browser.open(small, look);
    await page.locator("details").evaluateAll((all) => {
      for (const details of all) details.setAttribute("open", "");
    });
    await page.evaluate(axe);
    const results = (await page.evaluate("axe.run(document, { resultTypes: ['violations'] })")) as AxeResults;
    const serious = results.violations.filter(({ impact }) => impact === "serious" || impact === "critical");
    expect(serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`)).toEqual([]);
    expect(results.passes.map(({ id }) => id)).toEqual(expect.arrayContaining(["color-contrast", "label"]));
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test("with every host the browser reports no error, the page does not scroll sideways, and text stays in its frame", async () => {
    const { page, complaints } = await browser.open(url, look);
    expect(complaints).toEqual([]);
    const [wide, room] = (await page.evaluate(
      "[document.documentElement.scrollWidth, document.documentElement.clientWidth]",
    )) as [number, number];
    expect(wide).toBeLessThanOrEqual(room);
    // In the picture a name ends before its driver's pill, and the pill's text stays in the pill.
    const crossings = await page.evaluate(`(() => {
      const box = (element) => element.getBoundingClientRect();
      const found = [];
      for (const row of document.querySelectorAll("figure .tree g:has(> .name)")) {
        const name = row.querySelector(".name"), pill = row.querySelector(".driver rect");
        if (box(name).right > box(pill).left) found.push(name.textContent);
      }
      for (const rest of document.querySelectorAll("figure .tree .card .rest")) {
        const frames = [...rest.closest("svg").querySelectorAll(".group rect")];
        if (!frames.some((frame) => box(rest).right < box(frame).right && box(rest).left > box(frame).left))
          found.push(rest.textContent);
      }
      for (const pill of document.querySelectorAll("figure .tree :is(.driver, .user)")) {
        const frame = box(pill.querySelector("rect")), text = box(pill.querySelector("text"));
        if (text.left < frame.left || text.right > frame.right) found.push(pill.textContent);
      }
      return found;
    })()`);
    expect(crossings).toEqual([]);
    await page.context().close();
  });
});

describe("the filters", () => {
  test("text, passthrough and trouble filter the table and the hosts below; the button resets them", async () => {
    const { page } = await browser.open(url);
    const all = await cards(page);
    expect(all.length).toBeGreaterThan(15);
    await page.getByLabel("Search").fill("2080 cloud");
    expect((await cards(page)).every((row) => row.includes("cloud"))).toBe(true);
    expect(await page.locator("section.host:visible h2").allTextContents()).toEqual(["eight-cards"]);
    expect(await page.getByRole("status").textContent()).toBe(`2 of ${all.length} cards`);
    await page.getByRole("button", { name: "Show all" }).click();
    await expect.poll(() => cards(page)).toEqual(all);

    await page.getByLabel("Passthrough").selectOption("no");
    expect((await cards(page)).length).toBe(3);
    await page.getByLabel("Passthrough").selectOption("");
    await page.getByLabel("only hosts with trouble").check();
    expect(await page.locator("section.host:visible h2").allTextContents()).toEqual([
      "eight-cards",
      "lab-fx8350",
      "lab-xeon",
      "proxmox",
      "x8dth-if",
    ]);
    await page.context().close();
  });

  test("without scripts everything is visible, and no useless filter is shown", async () => {
    const { page } = await browser.open(url, { script: false });
    expect((await cards(page)).length).toBeGreaterThan(15);
    expect(await page.locator("section.host:visible").count()).toBe(hostNames().length);
    expect(await page.locator("#filters").isVisible()).toBe(false);
    await page.context().close();
  });
});

test("the keyboard reaches the filter after the navigation, and opens a finding", async () => {
  const { page } = await browser.open(url);
  await page.keyboard.press("Tab");
  expect(await page.evaluate("document.activeElement.textContent")).toBe("Skip to the cards");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  await page.keyboard.type("proxmox");
  expect((await cards(page)).length).toBe(1);
  const finding = page.locator("section.host:visible details.finding").first();
  await finding.locator("summary").focus();
  await page.keyboard.press("Enter");
  expect(await finding.getByText("What helps").isVisible()).toBe(true);
  await page.context().close();
});

test("on paper folded parts are open, and controls are hidden", async () => {
  const { page } = await browser.open(url);
  await page.emulateMedia({ media: "print" });
  await page.evaluate("dispatchEvent(new Event('beforeprint'))");
  expect(await page.locator("#filters").isVisible()).toBe(false);
  expect(await page.locator("nav").isVisible()).toBe(false);
  const table = page.locator("#host-1 details table").first();
  expect(await table.isVisible()).toBe(true);
  await page.evaluate("dispatchEvent(new Event('afterprint'))");
  expect(await table.isVisible()).toBe(false);
  await page.context().close();
});

test("on paper nothing is cut off: A4 with its margins is 718 px wide", async () => {
  const { page } = await browser.open(url, { width: 718, dark: true });
  await page.emulateMedia({ media: "print" });
  await page.evaluate("dispatchEvent(new Event('beforeprint'))");
  const [beyond, hidden] = (await page.evaluate(`(() => {
    const all = [...document.querySelectorAll("table, svg.tree, pre, dd, li, summary")].filter((element) => element.checkVisibility());
    return [
      all.filter((element) => element.getBoundingClientRect().right > 718.5).map((element) => element.outerHTML.slice(0, 80)),
      [...document.querySelectorAll(".scroll")].filter((element) => element.scrollWidth > element.clientWidth + 1).length,
    ];
  })()`)) as [string[], number];
  expect(beyond).toEqual([]);
  expect(hidden).toBe(0);
  // Paper is white with dark ink, whatever the screen's colours are.
  expect(await page.evaluate("getComputedStyle(document.body).color")).toBe("rgb(0, 0, 0)");
  await page.context().close();
});

test("the reason why a card cannot be handed over is visible, with its remedy", async () => {
  const { page } = await browser.open(url);
  const reasons = page.locator("section.host", { hasText: "ryzen-chipset" }).locator(".reasons").first();
  await expect.poll(() => reasons.innerText()).toContain("IOMMU group 15 also holds 0000:02:00.0");
  expect(await reasons.innerText()).toContain("put the card into another slot");
  expect(await reasons.locator("li").count()).toBe(1);
  await page.context().close();
});

test("names that contain markup are shown as text", async () => {
  const evil = `<img src=x onerror="alert(1)">'"</script><style>*{}</style>`;
  const facts = hostFacts("eight-cards");
  const [domain] = facts.libvirt.domains;
  const output = join(folder, "evil.html");
  const page1 = reportPage(
    makeReport({
      takenAt: "2026-01-01T00:00:00.000Z",
      hosts: [
        {
          name: evil,
          facts: {
            ...facts,
            hostname: evil,
            cmdline: evil,
            libvirt: { socket: true, domains: domain ? [{ ...domain, name: evil }] : [] },
          },
        },
      ],
      failures: [evil],
    }),
    NO_NAMES,
  );
  writeFileSync(output, page1);
  const { page, complaints } = await browser.open(pathToFileURL(output).href);
  expect(await page.locator("img, section style, main script").count()).toBe(0);
  expect(await page.locator("section.host h2").textContent()).toBe(evil);
  expect(complaints).toEqual([]);
  await page.context().close();
});
