// Writes, and what is told of a trip while it goes on.

import { graphql } from "relay-runtime";

export const book = graphql`
  mutation BookingBookMutation($input: BookTripInput!) {
    bookTrip(input: $input) {
      booking {
        id
        ...BookingCard_booking
      }
      position
      errors {
        code
        path
        message
      }
    }
  }
`;

export const cancel = graphql`
  mutation BookingCancelMutation($input: CancelBookingInput!) {
    cancelBooking(input: $input) {
      booking {
        ...BookingCard_booking
      }
      errors {
        code
      }
    }
  }
`;

export const progress = graphql`
  subscription BookingProgressSubscription($id: ID!, $after: Position) {
    bookingProgress(id: $id, after: $after) {
      position
      at
      status
      sagaStatus
      summary
    }
  }
`;
