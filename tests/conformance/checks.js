// A list of promises, each kept or not within a time.

const WITHIN_MS = 30_000;

// Runs one promise after the other and tells which were kept; one that says why it was not throws.
export async function check(promises) {
  const summary = [];
  let kept = 0;
  for (const [what, keep] of Object.entries(promises)) {
    let overdue;
    const late = new Promise((_, reject) => {
      overdue = setTimeout(() => reject(new Error(`nothing within ${WITHIN_MS} ms`)), WITHIN_MS);
    });
    try {
      await Promise.race([keep(), late]);
      kept += 1;
      summary.push(`ok      ${what}`);
    } catch (error) {
      summary.push(`FAILED  ${what}: ${error.message ?? JSON.stringify(error)}`);
    } finally {
      clearTimeout(overdue);
    }
  }
  const all = Object.keys(promises).length;
  summary.push(`${kept} of ${all} promises kept`);
  return { ok: kept === all, summary };
}

export function expect(holds, otherwise) {
  if (!holds) throw new Error(otherwise);
}
