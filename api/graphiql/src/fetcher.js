// How the page asks: queries and mutations by POST, subscriptions over WebSocket; both with the headers of the tab.

import { getOperationAST } from 'graphql';
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

/** GraphiQL's fetcher. */
export function fetcher(address) {
  return async ({ query, operationName, variables }, { headers, documentAST } = {}) => {
    const payload = { query, operationName: operationName ?? undefined, variables: filled(variables) };
    const sent = signed(headers);
    const operation = documentAST && getOperationAST(documentAST, operationName);
    return operation?.operation === 'subscription' ? subscribe(address, payload, sent) : ask(address, payload, sent);
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

/** One connection for each subscription, as the token goes with its beginning. */
async function* subscribe(address, payload, headers) {
  const url = new URL(address);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const client = createClient({ url: url.href, connectionParams: headers });
  try {
    yield* client.iterate(payload);
  } catch (error) {
    throw error instanceof CloseEvent ? new Error(`The connection was closed: ${error.code} ${error.reason}`) : error;
  } finally {
    client.dispose();
  }
}
