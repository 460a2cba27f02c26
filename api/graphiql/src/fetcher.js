// How the page asks: queries and mutations by POST, subscriptions over WebSocket; both with the headers of the tab.

import { Kind, parse } from 'graphql';
import { createClient } from 'graphql-ws';

import { filled, note } from './last.js';

const ACCEPT = 'application/graphql-response+json, application/json;q=0.9';

/** The token that a tab was last given, so that it need not be repeated in each. It is kept nowhere else and gone with the page. */
let authorization;

/** The headers of a tab, and the token of another tab where it names none. An empty one signs out. */
function signed(given) {
  const headers = { ...given };
  const name = Object.keys(headers).find((key) => key.toLowerCase() === 'authorization');
  if (name !== undefined) {
    authorization = headers[name];
    delete headers[name];
  }
  return authorization ? { ...headers, Authorization: authorization } : headers;
}

/** The operation that a text asks for. The editor's own reading of the text is a moment behind it, and may be that of another tab. */
function chosen(query, name) {
  let operations;
  try {
    operations = parse(query).definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
  } catch {
    // The server tells best what is wrong.
    return { name };
  }
  const operation = operations.length === 1 ? operations[0] : operations.find((one) => one.name?.value === name);
  return operation ? { name: operation.name?.value, isSubscription: operation.operation === 'subscription' } : { name };
}

/** GraphiQL's fetcher. */
export function fetcher(address) {
  return async ({ query, operationName, variables }, { headers } = {}) => {
    const { name, isSubscription } = chosen(query, operationName ?? undefined);
    const payload = { query, operationName: name, variables: filled(variables) };
    const sent = signed(headers);
    return isSubscription ? subscribe(address, payload, sent) : ask(address, payload, sent);
  };
}

async function ask(address, payload, headers) {
  const response = await fetch(address, {
    method: 'POST',
    headers: { ...headers, Accept: ACCEPT, 'Content-Type': 'application/json' },
    body: JSON.stringify(payload),
    credentials: 'omit',
  });
  const text = await response.text();
  try {
    const answer = JSON.parse(text);
    note(answer);
    return answer;
  } catch {
    throw new Error(`${response.status} ${response.statusText}: ${text}`);
  }
}

/** One connection for each subscription, as the token goes with its beginning. It is closed at once when GraphiQL stops listening. */
function subscribe(address, payload, headers) {
  const url = new URL(address);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const answers = createClient({ url: url.href, connectionParams: headers }).iterate(payload);
  // The library's own iterator: a generator around it would not be stopped before the next answer comes.
  const next = answers.next.bind(answers);
  answers.next = () => next().catch((error) => Promise.reject(told(error)));
  return answers;
}

function told(error) {
  return error instanceof CloseEvent ? new Error(`The connection was closed: ${error.code} ${error.reason}`) : error;
}
