// A search that scrolls on.

import { graphql } from "relay-runtime";

export const results = graphql`
  fragment HotelSearch_query on Query
  @argumentDefinitions(
    count: { type: "Int", defaultValue: 20 }
    cursor: { type: "String" }
    filter: { type: "HotelFilter!" }
  )
  @refetchable(queryName: "HotelSearchPaginationQuery") {
    hotels(first: $count, after: $cursor, filter: $filter) @connection(key: "HotelSearch_hotels", filters: ["filter"]) {
      edges {
        node {
          id
          name
          city
          roomTypes {
            code
            roomsLeft
            total {
              amount
            }
          }
        }
      }
    }
  }
`;

export const search = graphql`
  query HotelSearchQuery($filter: HotelFilter!) {
    ...HotelSearch_query @arguments(filter: $filter)
  }
`;
