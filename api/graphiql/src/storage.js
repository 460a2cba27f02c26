// Where GraphiQL keeps what is typed. It lives as long as the browser's tab: a card number or a trip must not stay behind in the browser.
// Headers are kept nowhere, for a token may be among them.

const kept = window.sessionStorage;

/** Lists of former requests. GraphiQL writes the headers of each into them, whatever it is told of headers. */
const HISTORIES = ['graphiql:queries', 'graphiql:favorites'];

function withoutHeaders(history) {
  return JSON.stringify(JSON.parse(history, (name, member) => (name === 'headers' ? undefined : member)));
}

/** GraphiQL's storage. */
export const storage = {
  getItem: (name) => kept.getItem(name),
  setItem: (name, value) => kept.setItem(name, HISTORIES.includes(name) ? withoutHeaders(value) : value),
  removeItem: (name) => kept.removeItem(name),
  clear: () => kept.clear(),
  get length() {
    return kept.length;
  },
};
