// One trip, fetched again by its global id.

import { graphql } from "relay-runtime";

export const card = graphql`
  fragment BookingCard_booking on Booking @refetchable(queryName: "BookingCardRefetchQuery") {
    id
    status
    sagaStatus
    version
    total {
      amount
      currency
    }
    ...BookingTimeline_booking
  }
`;

export const timeline = graphql`
  fragment BookingTimeline_booking on Booking {
    timeline {
      position
      at
      summary
    }
  }
`;
