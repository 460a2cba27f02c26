// A visit of the page in a headless Chromium that can reach nothing but the program: each prepared operation is run as a newcomer would, then
// some with a token.

import { join } from "node:path";

import { chromium } from "playwright-core";

import { eventually, run } from "./steps.js";
import { withTokens } from "./token.js";

const SEEN_WITHIN_MS = 60_000;

// What each step of the page must answer, in their order on the page.
const STEPS = [
  ["Look at what is on sale", ({ hotels, flights, cars }) => [hotels, flights, cars].every(({ nodes }) => nodes.length > 0)],
  ["Book a trip", ({ bookTrip }) => bookTrip.errors.length === 0 && bookTrip.booking.id.startsWith("booking_")],
  ["Follow it", ({ bookingProgress }) => bookingProgress.summary.length > 0],
  ["Read it", ({ booking }) => booking.hotel && booking.flight && booking.car && booking.timeline.length > 0],
  ["Cancel it", ({ cancelBooking }) => cancelBooking.errors.length === 0 && cancelBooking.booking.status === "CANCELLED"],
  ["Look at its process manager", ({ saga }) => saga.status === "COMPENSATED"],
  [
    "Sign up",
    ({ signUp }) =>
      signUp.errors.length === 0 &&
      signUp.member.points.balance === "1000000" &&
      signUp.member.points.entries.nodes.every(({ type }) => type === "EARN"),
  ],
  [
    "Pay with points",
    ({ bookTrip }) =>
      bookTrip.errors.length === 0 && bookTrip.booking.status === "APPROVED" && Number(bookTrip.booking.payment.points) > 0,
  ],
  ["How read models do", ({ projections }) => projections.every(({ state }) => state === "live")],
];

// Whatever the page does that it must not.
async function watch(page, origin, faults) {
  page.on("console", (line) => line.type() === "error" && faults.push(`console: ${line.text()}`));
  page.on("pageerror", (error) => faults.push(`script: ${error.message}`));
  page.on("request", (request) => {
    if (!request.url().startsWith(`${origin}/`) && !request.url().startsWith("data:")) faults.push(`asked elsewhere: ${request.url()}`);
  });
  page.on("requestfailed", (request) => faults.push(`failed: ${request.url()}`));
  await page.exposeFunction("__violated", (what) => faults.push(`policy: ${what}`));
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) =>
      window.__violated(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`),
    );
  });
}

// The page's WebSockets: how many events came over them, and whether they are closed.
function listen(page) {
  const sockets = [];
  page.on("websocket", (socket) => {
    const heard = { events: 0, isClosed: false };
    sockets.push(heard);
    socket.on("framereceived", ({ payload }) => JSON.parse(payload).type === "next" && heard.events++);
    socket.on("close", () => (heard.isClosed = true));
  });
  return sockets;
}

// The browser's own proof that the watch sees: a script in the page is refused, and another host is, too.
async function isGuarded(page, faults) {
  const before = faults.length;
  await page.evaluate(async () => {
    const script = document.createElement("script");
    script.textContent = "window.__ran = true";
    document.body.append(script);
    const style = document.createElement("style");
    style.textContent = "body { color: red }";
    document.head.append(style);
    await fetch("http://elsewhere.invalid/").catch(() => undefined);
  });
  const told = (directive) => faults.slice(before).some((fault) => fault.startsWith("policy:") && fault.includes(directive));
  const isTold = await eventually(() => ["script-src", "style-src", "connect-src"].every(told));
  // The console tells of each of them, too, a moment later or earlier.
  await eventually(() => faults.slice(before).filter((fault) => fault.startsWith("console:")).length >= 3);
  faults.splice(before);
  return isTold && !(await page.evaluate(() => window.__ran === true));
}

export async function visit(origin, pictures) {
  const args = ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--disable-background-networking"];
  if (process.getuid?.() === 0) args.push("--no-sandbox");
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args });
  try {
    const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
    const faults = [];
    page.setDefaultTimeout(SEEN_WITHIN_MS);
    await watch(page, origin, faults);
    const sockets = listen(page);
    await page.goto(`${origin}/graphql`);
    await page.waitForSelector(".first-steps");
    const offered = await page.locator(".first-steps-open").allTextContents();
    if (offered.length !== STEPS.length) faults.push(`the page offers ${offered.join(", ")}`);
    for (const [title, isRight] of STEPS) {
      const { data, errors } = await run(page, title);
      if (errors || !isRight(data)) faults.push(`${title}: ${JSON.stringify(errors ?? data)}`);
      if (title !== "Follow it" && !(await eventually(() => sockets.every(({ isClosed }) => isClosed)))) {
        faults.push(`${title}: the step before is still followed`);
      }
      await page.screenshot({ path: join(pictures, `${title.toLowerCase().replaceAll(" ", "-")}.png`) });
    }
    if (sockets.length !== 1 || sockets[0].events === 0) faults.push(`over WebSockets came ${JSON.stringify(sockets)}`);
    await page.getByLabel(/settings dialog/).click();
    await page.locator(".graphiql-dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.locator(".graphiql-dialog").waitFor({ state: "hidden" });
    faults.push(...(await withTokens(page, faults)));
    const kept = await page.evaluate(() => window.localStorage.length);
    if (kept > 0) faults.push(`the page left ${kept} entries behind in the browser`);
    if (!(await isGuarded(page, faults))) faults.push("the policy lets scripts, styles or requests through that are not the page's own");
    return { faults, steps: STEPS.length };
  } finally {
    await browser.close();
  }
}
