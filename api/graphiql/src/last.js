// What answers named last, for the variables of the next request: "$booking" stands for a trip, "$position" for a place in the log.

/** What a mutation's payload names. Like all of the page it is forgotten with the browser's tab. */
const NAMES = ['booking', 'position'];
const key = (name) => `traveladvisor:last-${name}`;

/** Takes note of the trip and the position that an answer names. */
export function note(answer) {
  for (const payload of Object.values(answer?.data ?? {})) {
    if (payload?.booking?.id && payload.position) {
      window.sessionStorage.setItem(key('booking'), payload.booking.id);
      window.sessionStorage.setItem(key('position'), payload.position);
    }
  }
}

/** The variables with what was named last in the place of each text that is "$booking" or "$position". */
export function filled(value) {
  if (Array.isArray(value)) {
    return value.map(filled);
  }
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, filled(member)]));
  }
  const name = NAMES.find((name) => value === `$${name}`);
  if (name === undefined) {
    return value;
  }
  const last = window.sessionStorage.getItem(key(name));
  if (last === null) {
    throw new Error(`"${value}" stands for what a mutation answered last: book a trip first, or put a value in its place.`);
  }
  return last;
}
