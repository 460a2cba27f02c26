// Automatic persisted queries with the client that invented them: the first request is by hash alone, then with the query, and after that
// never with it again.

import { createHash } from "node:crypto";

import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";

const QUERY = gql`
  query Cars($location: String!) {
    cars(filter: { location: $location }, first: 1) {
      nodes {
        id
        name
      }
    }
  }
`;

export async function ask(origin, useGETForHashedQueries) {
  const sent = [];
  const watched = async (address, options) => {
    const url = new URL(address);
    sent.push({ method: options.method, query: url.searchParams.has("query") || (options.body ?? "").includes('"query":') });
    return fetch(address, options);
  };
  const link = ApolloLink.from([
    new PersistedQueryLink({ sha256: (text) => createHash("sha256").update(text).digest("hex"), useGETForHashedQueries }),
    new HttpLink({ uri: `${origin}/graphql`, fetch: watched, headers: { "apollo-require-preflight": "true" } }),
  ]);
  const client = new ApolloClient({ link, cache: new InMemoryCache() });
  const query = () => client.query({ query: QUERY, variables: { location: "DCA" }, fetchPolicy: "network-only" });
  const answers = [await query(), await query()];
  client.stop();
  return { sent, ok: answers.every(({ data, error }) => !error && data.cars.nodes.length === 1) };
}
