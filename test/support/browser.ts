import { chromium, type Browser as Chromium, type Page } from "playwright-core";

/**
 * Flags against everything that a browser does by itself: no network, no first-run pages. There is no sandbox, which
 * root cannot use.
 */
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-dev-shm-usage",
];

export interface Look {
  readonly width?: number;
  readonly height?: number;
  readonly dark?: boolean;
  /** False: scripts are disabled. */
  readonly script?: boolean;
}

/** A page with all its errors and network requests. */
export interface OpenPage {
  readonly page: Page;
  readonly complaints: readonly string[];
}

/** Debian's Chromium without a screen; every page has a fresh profile and no network. */
export class Browser {
  private readonly chromium: Chromium;
  private constructor(started: Chromium) {
    this.chromium = started;
  }

  static async start(): Promise<Browser> {
    const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
    return new Browser(await chromium.launch({ executablePath, args: FLAGS, timeout: 60_000 }));
  }

  close(): Promise<void> {
    return this.chromium.close();
  }

  async open(url: string, { width = 1200, height = 900, dark, script }: Look = {}): Promise<OpenPage> {
    const context = await this.chromium.newContext({
      viewport: { width, height },
      colorScheme: dark ? "dark" : "light",
      reducedMotion: "reduce",
      javaScriptEnabled: script !== false,
      offline: true,
    });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("request", (request) => {
      if (request.url() !== url) complaints.push(`asked for ${request.url()}`);
    });
    await page.goto(url);
    return { page, complaints };
  }
}
