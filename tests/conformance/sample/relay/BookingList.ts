// A page of trips, the next page behind its cursor.

import { graphql } from "relay-runtime";

export const list = graphql`
  fragment BookingList_query on Query
  @argumentDefinitions(
    count: { type: "Int", defaultValue: 10 }
    cursor: { type: "String" }
    filter: { type: "BookingFilter" }
  )
  @refetchable(queryName: "BookingListPaginationQuery") {
    bookings(first: $count, after: $cursor, filter: $filter) @connection(key: "BookingList_bookings") {
      edges {
        node {
          id
          ...BookingCard_booking
        }
      }
    }
  }
`;

export const page = graphql`
  query BookingListPageQuery($filter: BookingFilter) {
    ...BookingList_query @arguments(filter: $filter)
  }
`;
