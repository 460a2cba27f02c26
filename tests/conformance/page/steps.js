// One step of the page, as a newcomer runs it.

const ANSWERS_WITHIN_MS = 120_000;
const LOOK_EVERY_MS = 100;

const pause = () => new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));

// Whether something becomes true within a generous time.
export async function eventually(isTrue) {
  const until = Date.now() + ANSWERS_WITHIN_MS;
  while (!(await isTrue())) {
    if (Date.now() > until) return false;
    await pause();
  }
  return true;
}

// Opens a step and runs it in one breath, faster than the page's editor reads what it shows; gives back what the page shows as its answer.
export async function run(page, title) {
  await page.locator(".first-steps-open", { hasText: title }).scrollIntoViewIfNeeded();
  await page.evaluate(async (title) => {
    const settled = () => new Promise((resolve) => setTimeout(resolve, 0));
    [...document.querySelectorAll(".first-steps-open")].find((step) => step.textContent.includes(title)).click();
    await settled();
    document.querySelector(".result-window .CodeMirror").CodeMirror.setValue("");
    document.querySelector(".graphiql-execute-button").click();
  }, title);
  let text;
  const answered = async () => {
    text = await page.evaluate(() => document.querySelector(".result-window .CodeMirror").CodeMirror.getValue());
    return text.includes("\n}");
  };
  if (!(await eventually(answered))) throw new Error(`${title}: no answer came but ${JSON.stringify(text)}`);
  return JSON.parse(text);
}
