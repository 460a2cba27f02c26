// Whatever has a global id, by that id.

import { graphql } from "relay-runtime";

export const anything = graphql`
  query AnyNodeQuery($id: ID!) {
    node(id: $id) {
      __typename
      id
      ...BookingCard_booking @alias(as: "booking")
      ... on Hotel {
        name
      }
      ... on Flight {
        carrier
        departureAt
      }
      ... on Car {
        carClass
      }
    }
  }
`;
